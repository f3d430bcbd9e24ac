"""A trace context that a publisher gives as a header alone is passed on; anything else in that header is not."""

import pytest
from msgspec.structs import replace

from chassis.records import Record
from schemas.message import Message
from schemas.tickets import TicketOpened
from tests.harness.examples import example_of
from wire.kafka_wire import traced

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def _untraced() -> Message:
    message = example_of(TicketOpened)
    return replace(message, meta=replace(message.meta, traceparent=None))


def _record(value: bytes) -> Record:
    return Record("topic", 0, 0, b"key", b"value", headers=(("traceparent", value),))


def test_the_header_becomes_part_of_the_event() -> None:
    assert traced(_untraced(), _record(PARENT.encode())).meta.traceparent == PARENT


def test_what_the_event_itself_says_counts_more() -> None:
    message = example_of(TicketOpened)

    assert traced(message, _record(PARENT.encode())) == message


@pytest.mark.parametrize("value", [b"", b"\xff\xfe", PARENT.encode() + b"\n", b"{{ 7 * 7 }}"])
def test_what_is_no_trace_context_is_not_passed_on(value: bytes) -> None:
    assert traced(_untraced(), _record(value)).meta.traceparent is None

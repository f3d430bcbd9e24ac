"""The headers repeat the event's identity by the CloudEvents Kafka binding."""

from msgspec.structs import replace

from schemas.envelope import headers_of
from schemas.tickets import TicketOpened
from tests.harness.examples import example_of


def test_the_headers_say_what_the_meta_says() -> None:
    message = example_of(TicketOpened)

    headers = dict(headers_of(message))

    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_id"].decode() == message.meta.id
    assert headers["ce_type"] == b"escalon.tickets.TicketOpened"
    assert headers["ce_source"].decode() == message.meta.producer
    assert headers["ce_time"] == b"2026-06-02T08:00:00.123456+00:00"
    assert headers["ce_subject"].decode() == message.meta.correlation_id
    assert headers["content-type"] == b"application/avro"


def test_a_trace_context_is_passed_on_where_there_is_one() -> None:
    message = example_of(TicketOpened)
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    traced = replace(message, meta=replace(message.meta, traceparent=parent))
    untraced = replace(message, meta=replace(message.meta, traceparent=None))

    assert dict(headers_of(traced))["traceparent"].decode() == parent
    assert "traceparent" not in dict(headers_of(untraced))

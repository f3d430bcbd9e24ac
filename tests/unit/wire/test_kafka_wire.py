"""What becomes of a record: an event, a wait, a dead letter, or a stop."""

import json
from datetime import datetime
from io import SEEK_END, BytesIO
from typing import Any

import fastavro
import msgspec
import pytest

from chassis.errors import RejectedMessageError, RetryableError
from chassis.records import Outgoing, Record
from chassis.settings import KafkaSettings, ServiceSettings
from schemas.avro_schema import schema_json
from schemas.catalogue import ESCALATIONS, POLICIES, SCHEMAS, TICKETS, Topic
from schemas.codec import SINGLE_OBJECT, Codec, SchemaBook, fingerprint
from schemas.errors import UnknownEventError
from schemas.escalations import NoteAdded, StreamEvent
from schemas.message import Message
from schemas.reference_data import PolicyPublished
from schemas.tickets import TicketOpened
from tests.harness.examples import example_of
from wire.kafka_wire import KafkaWire, learn_schema

CODEC = Codec(SchemaBook())
KAFKA = KafkaSettings(bootstrap_servers="unused:1")


class RecordingSink:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.written: list[Outgoing] = []

    async def send_batch(self, records: list[Outgoing]) -> None:
        self.written += records


def a_wire(registry_url: str | None = None) -> KafkaWire:
    return KafkaWire(ServiceSettings(kafka=KAFKA, schema_registry_url=registry_url))


def a_record(topic: Topic, value: bytes | None) -> Record:
    return Record(topic.name, 0, 7, b"zendesk-eu/1", value, (), 0)


def an_event_named(namespace: str, wire: KafkaWire) -> bytes:
    """Return the bytes of an event nobody knows, and let the wire know its schema."""
    schema: dict[str, Any] = {"type": "record", "name": "Unheard", "namespace": namespace, "fields": []}
    learn_schema(wire.wire.book, a_record(SCHEMAS, json.dumps(schema).encode()))
    return SINGLE_OBJECT + fingerprint(schema)


def nameless(event: Message) -> bytes:
    """Return the bytes of an event that has lost its id: our own codec writes none."""
    out = BytesIO(SINGLE_OBJECT + CODEC.book.fingerprints[type(event)])
    out.seek(0, SEEK_END)
    plain = msgspec.to_builtins(event, builtin_types=(datetime, bytes))
    plain["meta"]["id"] = ""
    fastavro.schemaless_writer(out, CODEC.book.own[type(event)].parsed, plain)
    return out.getvalue()


def test_an_event_on_its_own_topic_is_read() -> None:
    note = example_of(NoteAdded)
    assert a_wire().decode(a_record(ESCALATIONS, CODEC.encode(note)), StreamEvent) == note


def test_an_event_on_another_topic_is_rejected_with_its_place() -> None:
    with pytest.raises(RejectedMessageError, match=r"NoteAdded does not belong on tickets\.v1") as raised:
        a_wire().reader_of(Message)(a_record(TICKETS, CODEC.encode(example_of(NoteAdded))))
    assert raised.value.offset == 7


def test_an_event_without_an_id_is_rejected_since_ours_are_derived_from_it() -> None:
    with pytest.raises(RejectedMessageError, match="no id"):
        a_wire().decode(a_record(ESCALATIONS, nameless(example_of(NoteAdded))), StreamEvent)


def test_an_event_of_ours_that_is_not_known_stops_the_service_and_another_company_s_does_not() -> None:
    wire = a_wire()
    with pytest.raises(UnknownEventError):
        wire.decode(a_record(ESCALATIONS, an_event_named("escalon.escalations", wire)), StreamEvent)
    with pytest.raises(RejectedMessageError, match="none of ours"):
        wire.decode(a_record(ESCALATIONS, an_event_named("acme", wire)), StreamEvent)


def test_what_is_framed_for_a_registry_waits_for_it_and_without_one_is_rejected() -> None:
    framed = b"\x00\x00\x00\x00\x2a" + b"body"
    with pytest.raises(RetryableError):
        a_wire("http://registry").read(a_record(TICKETS, framed))
    with pytest.raises(RejectedMessageError, match="none is configured"):
        a_wire().read(a_record(TICKETS, framed))


def test_a_null_value_and_garbage_are_rejected() -> None:
    for value in (None, b"", b"garbage"):
        with pytest.raises(RejectedMessageError):
            a_wire().read(a_record(TICKETS, value))


def test_what_is_no_schema_is_rejected_and_a_deletion_is_nothing() -> None:
    book = SchemaBook()
    learn_schema(book, a_record(SCHEMAS, None))
    for value in (b"\xff", b"{}", b"[1]"):
        with pytest.raises(RejectedMessageError, match="not a schema"):
            learn_schema(book, a_record(SCHEMAS, value))


async def test_the_schemas_of_what_is_written_are_announced_by_fingerprint() -> None:
    wire, sink = a_wire(), RecordingSink()
    await wire.announce(sink, (TICKETS,))
    assert {record.topic for record in sink.written} == {SCHEMAS.name}
    mark = wire.stored.book.fingerprints[TicketOpened]
    assert {record.key: record.value for record in sink.written}[mark] == schema_json(TicketOpened).encode()


async def test_a_table_hears_events_of_its_kind_and_the_keys_of_deletions() -> None:
    taken: list[PolicyPublished] = []
    forgotten: list[str] = []
    table = a_wire().table(POLICIES, PolicyPublished, taken.append, forgotten.append)
    policy = example_of(PolicyPublished)
    table.fold(a_record(POLICIES, CODEC.encode(policy)))
    table.fold(a_record(POLICIES, None))
    assert taken == [policy]
    assert forgotten == ["zendesk-eu/1"]
    with pytest.raises(RejectedMessageError, match="does not belong"):
        table.fold(a_record(POLICIES, CODEC.encode(example_of(TicketOpened))))

"""Events survive the wire in both framings, and bad bytes are named without being quoted."""

import json
from pathlib import Path

import fastavro
import msgspec
import pytest

from schemas.avro_schema import schema_of
from schemas.catalogue import EVENTS
from schemas.codec import Codec, Framing, SchemaBook, fingerprint
from schemas.errors import MalformedMessageError, UnknownEventError, UnknownSchemaError, UnresolvedSchemaError
from schemas.message import Message
from schemas.tickets import CustomerReplied, TicketOpened
from tests.harness.examples import example_of, sparse_example_of

GOLDEN = Path(__file__).parent / "golden.json"
ALL_EVENTS = [pytest.param(event, id=name) for name, event in EVENTS.items()]


@pytest.fixture(scope="module")
def book() -> SchemaBook:
    return SchemaBook()


@pytest.mark.parametrize("event", ALL_EVENTS)
def test_every_event_comes_back_as_it_was(event: type[Message], book: SchemaBook) -> None:
    codec = Codec(book)

    for message in (example_of(event), sparse_example_of(event)):
        assert codec.decode(codec.encode(message)) == message


@pytest.mark.parametrize("event", ALL_EVENTS)
def test_the_bytes_of_every_event_are_the_golden_ones(event: type[Message], book: SchemaBook) -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))

    assert Codec(book).encode(example_of(event)).hex() == golden[event.wire_name()]


def test_confluents_framing_is_written_and_read() -> None:
    book = SchemaBook()
    book.registry_ids[TicketOpened] = 7
    book.learn(json.dumps(schema_of(TicketOpened)), registry_id=7)
    codec = Codec(book, Framing.CONFLUENT)

    value = codec.encode(example_of(TicketOpened))

    assert value[:5] == b"\x00\x00\x00\x00\x07"
    assert Codec(book).decode(value) == example_of(TicketOpened)


def test_a_field_that_only_a_later_writer_knows_is_left_out(book: SchemaBook) -> None:
    later = schema_of(TicketOpened)
    later["fields"].append({"name": "mood", "type": ["null", "string"], "default": None})
    reader = SchemaBook()
    reader.learn(json.dumps(later))
    body = Codec(book).encode(example_of(TicketOpened))[10:] + b"\x02\x08grim"

    assert Codec(reader).decode(b"\xc3\x01" + fingerprint(later) + body) == example_of(TicketOpened)


def test_an_unknown_fingerprint_may_still_become_known(book: SchemaBook) -> None:
    with pytest.raises(UnknownSchemaError, match="0011223344556677"):
        Codec(book).decode(b"\xc3\x01" + bytes.fromhex("0011223344556677") + b"x")


def test_a_registry_id_is_wanted_until_the_registry_refuses_it() -> None:
    book = SchemaBook()

    with pytest.raises(UnresolvedSchemaError):
        Codec(book).decode(b"\x00\x00\x00\x00\x09rest")
    assert book.wanted_ids == {9}

    book.refuse(9)
    with pytest.raises(MalformedMessageError, match="no event by id 9"):
        Codec(book).decode(b"\x00\x00\x00\x00\x09rest")


@pytest.mark.parametrize("schema", ['"string"', '["null", "long"]', "{", '{"type": "enum", "name": "A"}'])
def test_a_registry_id_that_stands_for_no_event_is_refused_when_it_is_met(schema: str) -> None:
    book = SchemaBook()

    book.learn(schema, 9)

    with pytest.raises(MalformedMessageError, match="no event by id 9"):
        Codec(book).decode(b"\x00\x00\x00\x00\x09rest")


def test_a_schema_of_an_event_we_do_not_know_says_its_name() -> None:
    book = SchemaBook()
    foreign = {"type": "record", "name": "TicketPainted", "namespace": "escalon.tickets", "fields": []}
    book.learn(json.dumps(foreign))

    with pytest.raises(UnknownEventError, match=r"escalon\.tickets\.TicketPainted"):
        Codec(book).decode(b"\xc3\x01" + fingerprint(foreign))


@pytest.mark.parametrize(
    "value",
    [b"", b"\x00", b"garbage that is no event", b"\xc3\x01", b'{"json": true}'],
    ids=["empty", "short", "garbage", "marker only", "json"],
)
def test_garbage_is_malformed(value: bytes, book: SchemaBook) -> None:
    with pytest.raises(MalformedMessageError):
        Codec(book).decode(value)


def test_truncated_and_overlong_bytes_are_malformed_and_not_quoted(book: SchemaBook) -> None:
    value = Codec(book).encode(example_of(CustomerReplied))

    for broken in (value[:-3], value + b"secret words"):
        with pytest.raises(MalformedMessageError) as caught:
            Codec(book).decode(broken)
        assert "secret" not in str(caught.value)


def test_a_word_outside_a_closed_set_is_named_by_place_only(book: SchemaBook) -> None:
    plain = msgspec.to_builtins(example_of(TicketOpened), builtin_types=(type(None),))
    assert plain["ticket"]["channel"] == "email"
    message = msgspec.structs.replace(
        example_of(TicketOpened),
        ticket=msgspec.structs.replace(example_of(TicketOpened).ticket, channel="carrier pigeon"),
    )

    with pytest.raises(MalformedMessageError, match=r"\$\.ticket\.channel") as caught:
        Codec(book).decode(Codec(book).encode(message))
    assert "pigeon" not in str(caught.value)


def test_an_event_without_identity_is_not_written(book: SchemaBook) -> None:
    with pytest.raises(ValueError, match="no identity"):
        Codec(book).encode(TicketOpened(ticket=example_of(TicketOpened).ticket))


def test_what_is_no_schema_is_not_learned() -> None:
    for text in ("no json", "{}", '{"type": "record"}', "[]"):
        with pytest.raises(MalformedMessageError):
            SchemaBook().learn(text)


def test_fastavro_accepts_every_schema() -> None:
    for event in EVENTS.values():
        fastavro.parse_schema(schema_of(event))

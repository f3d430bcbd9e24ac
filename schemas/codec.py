"""Events to bytes and back: reads both framings (single-object, Confluent), writes either.

Decoding uses the writer's schema; what an older writer did not know gets its default in the typed layer.
"""

import json
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from io import BytesIO
from typing import Any

import fastavro
import msgspec

from schemas.avro_schema import released_schemas, schema_of
from schemas.catalogue import EVENTS
from schemas.errors import MalformedMessageError, UnknownEventError, UnknownSchemaError, UnresolvedSchemaError
from schemas.message import Message, is_sealed

SINGLE_OBJECT = b"\xc3\x01"
"""Avro single-object encoding: marker, then the schema's CRC-64-AVRO fingerprint, little-endian."""
CONFLUENT = b"\x00"
"""Confluent's framing: magic byte, then the schema's id in the registry, big-endian."""
_PATH = re.compile(r"`(\$[^`]*)`")


class Framing(Enum):
    """How a writer names the schema it wrote with."""

    SINGLE_OBJECT = "single-object"
    CONFLUENT = "confluent"


@dataclass(frozen=True, slots=True)
class WriterSchema:
    """A schema somebody writes with; `parsed` is fastavro's own form."""

    name: str
    parsed: Any


def fingerprint(schema: dict[str, Any]) -> bytes:
    """Return the CRC-64-AVRO fingerprint of the schema's parsing canonical form, eight bytes, little-endian."""
    canonical = fastavro.schema.to_parsing_canonical_form(schema)
    return bytes.fromhex(fastavro.schema.fingerprint(canonical, "CRC-64-AVRO"))


class SchemaBook:
    """The schemas of all writers met so far: our own and every released one, those of `schemas.v1`, the registry's."""

    def __init__(self) -> None:
        self.own: dict[type[Message], WriterSchema] = {}
        self.fingerprints: dict[type[Message], bytes] = {}
        self.registry_ids: dict[type[Message], int] = {}
        self.nullable_records: dict[type[Message], tuple[tuple[str, str], ...]] = {}
        """By event, its own fields that are a record or null, with the full name of that record."""
        self.wanted_ids: set[int] = set()
        """Ids of the registry that were met and are not known yet."""
        self._refused_ids: set[int] = set()
        self._by_fingerprint: dict[bytes, WriterSchema] = {}
        self._by_id: dict[int, WriterSchema] = {}
        for text in (text for texts in released_schemas().values() for text in texts):
            self.learn(text)
        for event in EVENTS.values():
            schema = schema_of(event)
            self.own[event] = WriterSchema(event.wire_name(), fastavro.parse_schema(schema))
            self.fingerprints[event] = fingerprint(schema)
            self.nullable_records[event] = tuple(_nullable_records(schema))
            self._by_fingerprint[self.fingerprints[event]] = self.own[event]

    def learn(self, schema_json: str, registry_id: int | None = None) -> None:
        """Remember a writer's schema; repeating it is harmless. Raises MalformedMessageError for what is none.

        With a registry's id it raises nothing: an id that stands for something else is refused when it is met.
        """
        try:
            schema = json.loads(schema_json)
            known = WriterSchema(_full_name(schema), fastavro.parse_schema(schema))
            mark = fingerprint(schema)
        except (ValueError, KeyError, TypeError, fastavro.schema.SchemaParseException) as error:
            if registry_id is None:
                raise MalformedMessageError("not an Avro record schema") from error
            self.refuse(registry_id)
            return
        self._by_fingerprint[mark] = known
        if registry_id is not None:
            self._by_id[registry_id] = known
            self.wanted_ids.discard(registry_id)

    def of_fingerprint(self, mark: bytes) -> WriterSchema:
        """Return the schema; raises UnknownSchemaError."""
        if (known := self._by_fingerprint.get(mark)) is None:
            raise UnknownSchemaError(f"with fingerprint {mark.hex()}")
        return known

    def refuse(self, registry_id: int) -> None:
        """Remember that the registry knows no event by this id."""
        self.wanted_ids.discard(registry_id)
        self._refused_ids.add(registry_id)

    def of_id(self, registry_id: int) -> WriterSchema:
        """Return the schema; raises UnresolvedSchemaError until the registry was asked, then MalformedMessageError."""
        if registry_id in self._refused_ids:
            raise MalformedMessageError(f"the schema registry knows no event by id {registry_id}")
        if (known := self._by_id.get(registry_id)) is None:
            self.wanted_ids.add(registry_id)
            raise UnresolvedSchemaError(f"with registry id {registry_id}")
        return known


class Codec:
    """Encodes with our own schemas, decodes with the writer's."""

    def __init__(self, book: SchemaBook, framing: Framing = Framing.SINGLE_OBJECT) -> None:
        self.book = book
        self._framing = framing

    def encode(self, message: Message) -> bytes:
        """Return the framed event; raises ValueError for one that was never sealed."""
        if not is_sealed(message):
            raise ValueError(f"{message.wire_name()} has no identity yet")
        event = type(message)
        out = BytesIO()
        out.write(self._frame(event))
        plain = msgspec.to_builtins(message, builtin_types=(datetime, bytes))
        for field, record in self.book.nullable_records[event]:
            if plain[field] is not None:
                # Named, fastavro need not find out by trying which branch of the union it is.
                plain[field] = (record, plain[field])
        fastavro.schemaless_writer(out, self.book.own[event].parsed, plain)
        return out.getvalue()

    def decode(self, value: bytes) -> Message:
        """Return the event; raises MalformedMessageError, UnknownSchemaError or UnknownEventError."""
        writer, body = self._unframe(value)
        event = EVENTS.get(writer.name)
        if event is None:
            raise UnknownEventError(writer.name)
        plain = _read(writer, body)
        try:
            return msgspec.convert(plain, type=event)
        except msgspec.ValidationError as error:
            where = _PATH.search(str(error))
            place = where.group(1) if where else "$"
            raise MalformedMessageError(f"{writer.name} is not what it should be at {place}") from None

    def _frame(self, event: type[Message]) -> bytes:
        if self._framing is Framing.SINGLE_OBJECT:
            return SINGLE_OBJECT + self.book.fingerprints[event]
        return CONFLUENT + struct.pack(">I", self.book.registry_ids[event])

    def _unframe(self, value: bytes) -> tuple[WriterSchema, memoryview]:
        view = memoryview(value)
        if value[:2] == SINGLE_OBJECT and len(value) >= 10:
            return self.book.of_fingerprint(value[2:10]), view[10:]
        if value[:1] == CONFLUENT and len(value) >= 5:
            (registry_id,) = struct.unpack(">I", value[1:5])
            return self.book.of_id(registry_id), view[5:]
        raise MalformedMessageError("neither Avro single-object encoding nor Confluent's framing")


def _read(writer: WriterSchema, body: memoryview) -> Any:
    stream = BytesIO(body)
    try:
        plain = fastavro.schemaless_reader(stream, writer.parsed, None)
    except Exception as error:  # noqa: BLE001  # fastavro raises whatever broken bytes run into
        raise MalformedMessageError(f"{writer.name} cannot be read: {type(error).__name__}") from None
    if stream.tell() != len(body):
        raise MalformedMessageError(f"{writer.name} has {len(body) - stream.tell()} bytes too many")
    return plain


def _nullable_records(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for field in schema["fields"]:
        branches = field["type"] if isinstance(field["type"], list) else []
        records = [branch for branch in branches if isinstance(branch, dict) and branch["type"] == "record"]
        yield from ((field["name"], _full_name(record)) for record in records)


def _full_name(schema: dict[str, Any]) -> str:
    name = str(schema["name"])
    namespace = schema.get("namespace")
    return f"{namespace}.{name}" if namespace and "." not in name else name

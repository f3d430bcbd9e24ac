"""Events to records' bytes and back, with the schemas of `schemas.v1` or of a schema registry."""

import re
from collections.abc import Callable
from typing import TypeVar

from msgspec.structs import replace

from chassis.clock import REAL_TIME
from chassis.dead_letters import RecordSink
from chassis.decoding import PatientDecoder
from chassis.errors import RejectedMessageError
from chassis.records import Outgoing, Record
from chassis.schema_registry import SchemaLookup, SchemaRegistry
from chassis.settings import ServiceSettings
from chassis.topic_table import TopicTable
from schemas.catalogue import EVENTS, SCHEMAS, Topic, topic_of
from schemas.codec import Codec, Framing, SchemaBook
from schemas.envelope import TRACEPARENT
from schemas.errors import MalformedMessageError, UnknownEventError, UnknownSchemaError, UnresolvedSchemaError
from schemas.message import Message
from schemas.publication import schema_records, subjects

MessageT = TypeVar("MessageT", bound=Message)

_OURS = "escalon."
_TRACE_CONTEXT = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\Z")
"""W3C Trace Context, version-format; anything else in the header is not passed on."""


class KafkaWire:
    """A service's codecs, and the table of schemas that feeds them, a component.

    `wire` writes as others are to read; `stored` always names schemas by fingerprint, so that what was stored is read
    again without a registry. Both read everything.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        url = settings.schema_registry_url
        self._kafka = settings.kafka
        self._registry = None if url is None else SchemaRegistry(url)
        self._book = SchemaBook()
        self.stored = Codec(self._book)
        self.wire = self.stored if url is None else Codec(self._book, Framing.CONFLUENT)
        self._decode: PatientDecoder[Message] = PatientDecoder(
            decode=self._message,
            unknown=UnknownSchemaError,
            unresolved=UnresolvedSchemaError,
            malformed=MalformedMessageError,
            clock=REAL_TIME,
        )
        self.schemas = TopicTable(SCHEMAS.name, settings.kafka, lambda record: learn_schema(self._book, record))

    def read(self, record: Record) -> Message:
        """Return the record's event; raises RetryableError while its schema may still come, RejectedMessageError.

        Raises UnknownEventError for an event this version does not know: the caller decides whether one may be skipped.
        """
        message = self._decode(record)
        if topic_of(type(message)).name != record.topic:
            raise _misplaced(message, record)
        return traced(message, record)

    def decode(self, record: Record, kind: type[MessageT]) -> MessageT:
        """Return the event of a record whose events are of a kind, with the three outcomes of chassis.errors.

        An event of ours that this version does not know stops the service: a skipped fact is a wrong state for ever.
        """
        message = self._known(record)
        if not isinstance(message, kind):
            raise _misplaced(message, record)
        if not message.meta.id:
            raise RejectedMessageError("the event has no id", offset=record.offset)
        return message

    def reader_of(self, kind: type[MessageT]) -> Callable[[Record], MessageT]:
        """Return `decode` for one kind of events."""
        return lambda record: self.decode(record, kind)

    def table(
        self,
        topic: Topic,
        kind: type[MessageT],
        take: Callable[[MessageT], None],
        forget: Callable[[str], None] | None = None,
    ) -> TopicTable:
        """Return a table of reference data that gives every event to `take`, and the keys of deletions to `forget`.

        What `take` rejects is logged and skipped, and what was known before goes on.
        """

        def fold(record: Record) -> None:
            if record.value is not None:
                message = self._known(record)
                if isinstance(message, kind):
                    take(message)
            elif forget is not None:
                forget((record.key or b"").decode("utf-8", "replace"))

        return TopicTable(topic.name, self._kafka, fold)

    async def announce(self, sink: RecordSink, topics: tuple[Topic, ...]) -> None:
        """Make our schemas known before we write with them; repeating it is harmless."""
        await sink.send_batch(announcement(self._book, topics))
        if self._registry is None:
            return
        for subject, schema in subjects(topics):
            event = EVENTS[subject.partition("-")[2]]
            self._book.registry_ids[event] = await self._registry.register(subject, schema)

    def lookup(self) -> SchemaLookup | None:
        """Return what asks the registry for ids that were met, a component; None without a registry."""
        if self._registry is None:
            return None
        return SchemaLookup(self._registry, self._book.wanted_ids, self._book.learn, self._book.refuse)

    def _known(self, record: Record) -> Message:
        try:
            return self.read(record)
        except UnknownEventError as error:
            if error.name.startswith(_OURS):
                raise
            raise RejectedMessageError("an event that is none of ours", offset=record.offset) from error

    def _message(self, value: bytes) -> Message:
        """Return the event; what is framed for a registry will never be right where there is none to ask."""
        try:
            return self.wire.decode(value)
        except UnresolvedSchemaError as error:
            if self._registry is None:
                raise MalformedMessageError("framed for a schema registry, and none is configured") from error
            raise


def traced(message: Message, record: Record) -> Message:
    """Return the event with the W3C trace context of its record's headers, where it names none itself."""
    if message.meta.traceparent is not None:
        return message
    parent = next((value for name, value in record.headers if name == TRACEPARENT), None)
    if parent is None or not _TRACE_CONTEXT.match(parent):
        return message
    return replace(message, meta=replace(message.meta, traceparent=parent.decode()))


def announcement(book: SchemaBook, topics: tuple[Topic, ...]) -> list[Outgoing]:
    """Return what a writer puts on `schemas.v1` before it writes to these topics."""
    return [Outgoing(SCHEMAS.name, key, value) for key, value in schema_records(book, topics)]


def learn_schema(book: SchemaBook, record: Record) -> None:
    """Remember the schema of a record of `schemas.v1`; raises RejectedMessageError for what is none."""
    if record.value is None:
        return
    try:
        book.learn(record.value.decode())
    except (UnicodeDecodeError, MalformedMessageError) as error:
        raise RejectedMessageError("not a schema", offset=record.offset) from error


def _misplaced(message: Message, record: Record) -> RejectedMessageError:
    return RejectedMessageError(f"{type(message).__name__} does not belong on {record.topic}", offset=record.offset)

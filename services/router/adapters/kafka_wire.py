"""Events to records' bytes and back, with the schemas of `schemas.v1` or of a schema registry."""

from chassis.clock import REAL_TIME
from chassis.decoding import PatientDecoder
from chassis.errors import RejectedMessageError
from chassis.outbox import BatchSender
from chassis.records import Outgoing, Record
from chassis.schema_registry import SchemaLookup, SchemaRegistry
from chassis.settings import ServiceSettings
from chassis.topic_table import TopicTable
from policy.registry import PolicyRegistry, RosterRegistry
from schemas.catalogue import EVENTS, POLICIES, ROSTER, SCHEMAS, Topic, topic_of
from schemas.codec import Codec, Framing, SchemaBook
from schemas.errors import MalformedMessageError, UnknownEventError, UnknownSchemaError, UnresolvedSchemaError
from schemas.message import Message
from schemas.publication import schema_records, subjects
from schemas.reference_data import PolicyPublished, RosterPublished

_OURS = "escalon."


class KafkaWire:
    """The codecs of a service and the topic tables that feed them and the registries.

    `stored` always frames with the fingerprint, so that no registry is needed to read a stream again.
    """

    def __init__(self, settings: ServiceSettings, policies: PolicyRegistry, rosters: RosterRegistry) -> None:
        url = settings.schema_registry_url
        self._registry = None if url is None else SchemaRegistry(url)
        self._book = SchemaBook()
        self._policies = policies
        self._rosters = rosters
        self.stored = Codec(self._book)
        self.wire = self.stored if url is None else Codec(self._book, Framing.CONFLUENT)
        self._decode: PatientDecoder[Message] = PatientDecoder(
            decode=self.wire.decode,
            unknown=UnknownSchemaError,
            unresolved=UnresolvedSchemaError,
            malformed=MalformedMessageError,
            clock=REAL_TIME,
        )
        self.tables = (
            TopicTable(SCHEMAS.name, settings.kafka, self._learn),
            TopicTable(POLICIES.name, settings.kafka, self._fold),
            TopicTable(ROSTER.name, settings.kafka, self._fold),
        )

    def decode(self, record: Record) -> Message:
        """Return the event of a record, with the three outcomes.

        An event of ours that this version does not know stops the service: to skip a fact is a wrong state for ever.
        """
        try:
            message = self._decode(record)
        except UnknownEventError as error:
            if error.name.startswith(_OURS):
                raise
            raise RejectedMessageError("an event that is none of ours", offset=record.offset) from error
        if topic_of(type(message)).name != record.topic:
            name = type(message).__name__
            raise RejectedMessageError(f"{name} does not belong on {record.topic}", offset=record.offset)
        return message

    async def announce(self, sender: BatchSender, topics: tuple[Topic, ...]) -> None:
        """Make our schemas known before we write with them; repeating it is harmless."""
        records = schema_records(self._book, topics)
        await sender.send_batch([Outgoing(SCHEMAS.name, key, value) for key, value in records])
        if self._registry is None:
            return
        for subject, schema in subjects(topics):
            event = EVENTS[subject.partition("-")[2]]
            self._book.registry_ids[event] = await self._registry.register(subject, schema)

    def lookup(self) -> SchemaLookup | None:
        """Return what asks the registry for ids that were met; None without a registry."""
        if self._registry is None:
            return None
        return SchemaLookup(self._registry, self._book.wanted_ids, self._book.learn, self._book.refuse)

    def _learn(self, record: Record) -> None:
        if record.value is None:
            return
        try:
            self._book.learn(record.value.decode())
        except (UnicodeDecodeError, MalformedMessageError) as error:
            raise RejectedMessageError("not a schema", offset=record.offset) from error

    def _fold(self, record: Record) -> None:
        if record.value is None:
            return
        match self.decode(record):
            case PolicyPublished() as policy:
                self._policies.fold(policy)
            case RosterPublished() as roster:
                self._rosters.fold(roster)

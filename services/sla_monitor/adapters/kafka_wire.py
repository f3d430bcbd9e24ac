"""Records' bytes to events, and the topic tables they need: schemas of other writers, versions of the procedure."""

from chassis.clock import REAL_TIME
from chassis.decoding import PatientDecoder
from chassis.errors import RejectedMessageError
from chassis.producer import Producer
from chassis.records import Outgoing, Record
from chassis.schema_registry import SchemaLookup, SchemaRegistry
from chassis.settings import ServiceSettings
from chassis.topic_table import TopicTable
from policy.registry import PolicyRegistry
from schemas.catalogue import EVENTS, POLICIES, SCHEMAS, SLA, topic_of
from schemas.codec import Codec, Framing, SchemaBook
from schemas.errors import MalformedMessageError, UnknownEventError, UnknownSchemaError, UnresolvedSchemaError
from schemas.message import Message
from schemas.publication import schema_records, subjects
from schemas.reference_data import PolicyPublished

_OURS = "escalon."


class KafkaWire:
    """The service's codec, and the tables that feed it and the policies; the tables are components of a Lifecycle."""

    def __init__(self, settings: ServiceSettings, policies: PolicyRegistry) -> None:
        url = settings.schema_registry_url
        self._registry = None if url is None else SchemaRegistry(url)
        self._book = SchemaBook()
        self._policies = policies
        self.codec = Codec(self._book, Framing.SINGLE_OBJECT if url is None else Framing.CONFLUENT)
        self._decode: PatientDecoder[Message] = PatientDecoder(
            decode=self.codec.decode,
            unknown=UnknownSchemaError,
            unresolved=UnresolvedSchemaError,
            malformed=MalformedMessageError,
            clock=REAL_TIME,
        )
        self.schemas = TopicTable(SCHEMAS.name, settings.kafka, self._learn)
        self.policies = TopicTable(POLICIES.name, settings.kafka, self._fold)

    def decode(self, record: Record) -> Message:
        """Return the record's event, with the three outcomes.

        An event of ours that this version does not know stops the service: a skipped fact is a wrong state for ever.
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

    async def announce(self, producer: Producer) -> None:
        """Make our schemas known before we write with them; repeating it is harmless."""
        records = schema_records(self._book, (SLA,))
        await producer.send_batch([Outgoing(SCHEMAS.name, key, value) for key, value in records])
        if self._registry is not None:
            for subject, schema in subjects((SLA,)):
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
        message = self.decode(record)
        if isinstance(message, PolicyPublished):
            self._policies.fold(message)

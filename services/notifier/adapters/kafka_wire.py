"""Events to records' bytes and back, with the schemas of `schemas.v1` or of a schema registry; outcomes to Kafka."""

from collections.abc import Sequence

from chassis.clock import REAL_TIME
from chassis.dead_letters import RecordSink
from chassis.decoding import PatientDecoder
from chassis.errors import RejectedMessageError
from chassis.records import Outgoing, Record
from chassis.schema_registry import SchemaLookup, SchemaRegistry
from chassis.settings import ServiceSettings
from chassis.topic_table import TopicTable
from policy.communication_check import check_communication
from policy.publication import policy_of
from policy.registry import PolicyRegistry, RosterRegistry
from schemas.catalogue import EVENTS, NOTIFICATIONS, POLICIES, ROSTER, SCHEMAS, topic_of
from schemas.codec import Codec, Framing, SchemaBook
from schemas.envelope import headers_of
from schemas.errors import MalformedMessageError, UnknownEventError, UnknownSchemaError, UnresolvedSchemaError
from schemas.escalations import StreamEvent
from schemas.message import Message
from schemas.notifications import NoticeOutcome
from schemas.publication import schema_records, subjects
from schemas.reference_data import PolicyPublished, RosterPublished

_OURS = "escalon."


class KafkaWire:
    """The notifier's codec and the topic tables that feed it and the registries; the tables are components."""

    def __init__(self, settings: ServiceSettings, policies: PolicyRegistry, rosters: RosterRegistry) -> None:
        url = settings.schema_registry_url
        self._registry = None if url is None else SchemaRegistry(url)
        self._book = SchemaBook()
        self._policies = policies
        self._rosters = rosters
        self.codec = Codec(self._book, Framing.SINGLE_OBJECT if url is None else Framing.CONFLUENT)
        self._decode: PatientDecoder[Message] = PatientDecoder(
            decode=self.codec.decode,
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

    def stream_event(self, record: Record) -> StreamEvent:
        """Return the event of a record of `escalations.v1`, with the three outcomes.

        An event of ours that this version does not know stops the service: somebody would never be told.
        """
        message = self._message(record)
        if not isinstance(message, StreamEvent):
            raise _misplaced(message, record)
        if not message.meta.id:
            raise RejectedMessageError("the event has no id", offset=record.offset)
        return message

    async def announce(self, sender: RecordSink) -> None:
        """Make our schemas known before we write with them; repeating it is harmless."""
        records = schema_records(self._book, (NOTIFICATIONS,))
        await sender.send_batch([Outgoing(SCHEMAS.name, key, value) for key, value in records])
        if self._registry is not None:
            for subject, schema in subjects((NOTIFICATIONS,)):
                event = EVENTS[subject.partition("-")[2]]
                self._book.registry_ids[event] = await self._registry.register(subject, schema)

    def lookup(self) -> SchemaLookup | None:
        """Return what asks the registry for ids that were met; None without a registry."""
        if self._registry is None:
            return None
        return SchemaLookup(self._registry, self._book.wanted_ids, self._book.learn, self._book.refuse)

    def _message(self, record: Record) -> Message:
        try:
            message = self._decode(record)
        except UnknownEventError as error:
            if error.name.startswith(_OURS):
                raise
            raise RejectedMessageError("an event that is none of ours", offset=record.offset) from error
        if topic_of(type(message)).name != record.topic:
            raise _misplaced(message, record)
        return message

    def _learn(self, record: Record) -> None:
        if record.value is None:
            return
        try:
            self._book.learn(record.value.decode())
        except (UnicodeDecodeError, MalformedMessageError) as error:
            raise RejectedMessageError("not a schema", offset=record.offset) from error

    def _fold(self, record: Record) -> None:
        """Take a version in; a policy whose words would fail when they are needed is skipped, the last one goes on."""
        if record.value is None:
            return
        match self._message(record):
            case PolicyPublished() as published:
                _check_words(published, record.offset)
                self._policies.fold(published)
            case RosterPublished() as roster:
                self._rosters.fold(roster)


def _misplaced(message: Message, record: Record) -> RejectedMessageError:
    return RejectedMessageError(f"{type(message).__name__} does not belong on {record.topic}", offset=record.offset)


def _check_words(published: PolicyPublished, offset: int) -> None:
    try:
        problems = check_communication(policy_of(published.document).communication)
    except ValueError as error:
        raise RejectedMessageError(f"policy version {published.version} is not understood", offset=offset) from error
    if problems:
        raise RejectedMessageError(f"policy version {published.version} cannot be said: {problems[0]}", offset=offset)


class KafkaOutcomes:
    """Writes outcomes to `notifications.v1`, keyed by ticket."""

    def __init__(self, sink: RecordSink, codec: Codec) -> None:
        self._sink = sink
        self._codec = codec

    async def publish(self, outcomes: Sequence[NoticeOutcome]) -> None:
        """Return when they are durable; raises RetryableError."""
        await self._sink.send_batch([self._outgoing(outcome) for outcome in outcomes])

    def _outgoing(self, outcome: NoticeOutcome) -> Outgoing:
        value = self._codec.encode(outcome)
        return Outgoing(NOTIFICATIONS.name, outcome.ticket.encode(), value, headers_of(outcome))

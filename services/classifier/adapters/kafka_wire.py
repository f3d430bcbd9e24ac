"""Records' bytes to events and back, and the topic tables that must be read before: schemas, policies, accounts."""

from chassis.clock import REAL_TIME
from chassis.decoding import PatientDecoder
from chassis.errors import RejectedMessageError
from chassis.producer import Producer
from chassis.records import Outgoing, Record
from chassis.schema_registry import SchemaLookup, SchemaRegistry
from chassis.settings import ServiceSettings
from chassis.topic_table import TopicTable
from policy.cel import check_criteria
from policy.publication import policy_of
from policy.registry import PolicyRegistry
from schemas.catalogue import ACCOUNTS, CLASSIFICATIONS, EVENTS, POLICIES, SCHEMAS, TICKETS, topic_of
from schemas.codec import Codec, Framing, SchemaBook
from schemas.errors import MalformedMessageError, UnknownEventError, UnknownSchemaError, UnresolvedSchemaError
from schemas.message import Message
from schemas.publication import schema_records, subjects
from schemas.reference_data import AccountRecorded, PolicyPublished
from schemas.tickets import TicketEvent
from services.classifier.adapters.in_memory import InMemoryAccounts

_LONGEST_KEY = 500


class KafkaWire:
    """The service's codec, and the tables that feed it, the policies and the accounts; they are components."""

    def __init__(self, settings: ServiceSettings, policies: PolicyRegistry, accounts: InMemoryAccounts) -> None:
        url = settings.schema_registry_url
        self._registry = None if url is None else SchemaRegistry(url)
        self._book = SchemaBook()
        self._policies = policies
        self._accounts = accounts
        self.codec = Codec(self._book, Framing.SINGLE_OBJECT if url is None else Framing.CONFLUENT)
        self._decode: PatientDecoder[Message] = PatientDecoder(
            decode=self._message,
            unknown=UnknownSchemaError,
            unresolved=UnresolvedSchemaError,
            malformed=MalformedMessageError,
            clock=REAL_TIME,
        )
        self.tables = (
            TopicTable(SCHEMAS.name, settings.kafka, self._learn),
            TopicTable(POLICIES.name, settings.kafka, self._fold_policy),
            TopicTable(ACCOUNTS.name, settings.kafka, self._fold_account),
        )

    def ticket_event(self, record: Record) -> TicketEvent | None:
        """Return the record's event, with the three outcomes; None for a type this version does not know (skipped)."""
        try:
            message = self._decode(record)
        except UnknownEventError:
            return None
        if not isinstance(message, TicketEvent):
            reason = f"{type(message).__name__} does not belong on {TICKETS.name}"
            raise RejectedMessageError(reason, offset=record.offset)
        _check_identity(message, record.offset)
        return message

    async def announce(self, producer: Producer) -> None:
        """Make our schemas known before we write with them; repeating it is harmless."""
        records = schema_records(self._book, (CLASSIFICATIONS,))
        await producer.send_batch([Outgoing(SCHEMAS.name, key, value) for key, value in records])
        if self._registry is not None:
            for subject, schema in subjects((CLASSIFICATIONS,)):
                event = EVENTS[subject.partition("-")[2]]
                self._book.registry_ids[event] = await self._registry.register(subject, schema)

    def lookup(self) -> SchemaLookup | None:
        """Return what asks the registry for ids that were met; None without a registry."""
        if self._registry is None:
            return None
        return SchemaLookup(self._registry, self._book.wanted_ids, self._book.learn, self._book.refuse)

    def _message(self, value: bytes) -> Message:
        """Return the event; what is framed for a registry will never be right where there is none to ask."""
        try:
            return self.codec.decode(value)
        except UnresolvedSchemaError as error:
            if self._registry is None:
                raise MalformedMessageError("framed for a schema registry, and none is configured") from error
            raise

    def _learn(self, record: Record) -> None:
        if record.value is None:
            return
        try:
            self._book.learn(record.value.decode())
        except (UnicodeDecodeError, MalformedMessageError) as error:
            raise RejectedMessageError("not a schema", offset=record.offset) from error

    def _fold_policy(self, record: Record) -> None:
        """Take a version in, if its criteria can be applied: one that cannot is skipped, and the last one goes on."""
        if record.value is None:
            return
        message = self._reference(record)
        if isinstance(message, PolicyPublished):
            _check_policy(message, record.offset)
            self._policies.fold(message)

    def _fold_account(self, record: Record) -> None:
        if record.value is None:
            self._accounts.forget((record.key or b"").decode("utf-8", "replace"))
            return
        message = self._reference(record)
        if isinstance(message, AccountRecorded):
            self._accounts.record(message.account)

    def _reference(self, record: Record) -> Message:
        try:
            message = self._decode(record)
        except UnknownEventError as error:
            raise RejectedMessageError("an event this version does not know", offset=record.offset) from error
        if topic_of(type(message)).name != record.topic:
            reason = f"{type(message).__name__} does not belong on {record.topic}"
            raise RejectedMessageError(reason, offset=record.offset)
        return message


def _check_identity(event: TicketEvent, offset: int) -> None:
    """Refuse an event whose ids ours could not be derived from: without them a repeat would not be known as one."""
    if not event.meta.id:
        raise RejectedMessageError("the event has no id", offset=offset)
    if not event.ticket.helpdesk or not event.ticket.ticket_id:
        raise RejectedMessageError("the event names no ticket", offset=offset)
    if len(event.ticket.key) > _LONGEST_KEY or len(event.meta.id) > _LONGEST_KEY:
        raise RejectedMessageError(f"an id is longer than {_LONGEST_KEY} characters", offset=offset)


def _check_policy(published: PolicyPublished, offset: int) -> None:
    try:
        problems = check_criteria(policy_of(published.document).criteria)
    except ValueError as error:
        raise RejectedMessageError(f"policy version {published.version} is not understood", offset=offset) from error
    if problems:
        raise RejectedMessageError(
            f"policy version {published.version} cannot be applied: {problems[0]}", offset=offset
        )

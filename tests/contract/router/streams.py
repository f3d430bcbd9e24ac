"""The router's stream on a real store, fed batch by batch, with inputs whose ends are set by hand."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from chassis.clock import ManualClock
from chassis.event_store import EventStore
from chassis.outbox import OutboxRelay
from chassis.records import Batch, Item, Outgoing, Record, TopicPartition
from policy.model import VersionedPolicy
from schemas.catalogue import COMMANDS, topic_of
from schemas.classifications import TicketClassified, TicketSummary
from schemas.codec import Codec, SchemaBook
from schemas.commands import AcceptEscalation, ConfirmResolution, ProposeResolution
from schemas.ids import TicketKey, derived_id
from schemas.message import Actor, Message, Meta
from schemas.sla import ThresholdReached
from schemas.vocabulary import ClockName
from services.router.adapters.escalation_records import EscalationRecords
from services.router.adapters.kafka_evidence import KafkaEvidence
from services.router.adapters.sql_escalations import SqlEscalationStore
from services.router.domain.state import TicketState
from services.router.handlers import Router, ticket_of
from services.router.metrics import RouterMetrics
from services.router.stream import RouterStream
from tests.unit.router.telling import ANA, CUSTOMER, OPENED, VERSION, judgement, policy, roster
from wire.reference_data import PolicyRegistry, RosterRegistry

START = datetime(2026, 6, 2, 8, tzinfo=UTC)
PARTITION = 3
CODEC = Codec(SchemaBook())


@dataclass(slots=True)
class InputsByHand:
    """Where inputs end and how far they are read, as told."""

    ends: dict[TopicPartition, int] = field(default_factory=dict)
    read_to: dict[TopicPartition, int] = field(default_factory=dict)
    asked: int = 0

    def position(self, partition: TopicPartition) -> int | None:
        return self.read_to.get(partition)

    async def end_offsets(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        self.asked += 1
        return {partition: self.ends.get(partition, 0) for partition in partitions}


class RecordingSender:
    """Keeps what the outbox sends."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []

    async def send_batch(self, records: Sequence[Outgoing]) -> None:
        self.sent += records


class Replica:
    """One replica of the router on a store that others may share."""

    def __init__(self, store: EventStore, *, cached_tickets: int = 100) -> None:
        self.clock = ManualClock(START)
        self.metrics = RouterMetrics(CollectorRegistry())
        self.policies = PolicyRegistry([VersionedPolicy(version=VERSION, policy=policy())])
        self.escalations = SqlEscalationStore(store, CODEC, self.metrics, cached_tickets=cached_tickets)
        self.evidence = KafkaEvidence(self.clock)
        self.inputs = InputsByHand()
        self.evidence.follow(self.inputs)
        self.sender = RecordingSender()
        self.records = EscalationRecords(CODEC, CODEC, self.metrics)
        self.relay = OutboxRelay(store, self.sender, self.records)
        router = Router(self.policies, RosterRegistry(roster()))
        self.stream = RouterStream(router, self.escalations, self.evidence, self.relay, self.clock, self.metrics)

    async def assigned(self) -> "Replica":
        sources = frozenset(TopicPartition(name, PARTITION) for name in ("classifications.v1", "commands.v1", "sla.v1"))
        await self.escalations.load(sources)
        await self.stream.assigned(sources)
        return self

    async def state(self, ticket: TicketKey) -> TicketState:
        return (await self.escalations.open(PARTITION, [ticket])).load(ticket)

    def read_commands_to(self, offset: int) -> None:
        commands = TopicPartition(COMMANDS.name, PARTITION)
        self.inputs.read_to[commands] = offset


def batch(position: int, *messages: Message, key: str | None = None) -> Batch[Message]:
    """Return a batch of one topic that begins at `position`, a message an offset."""
    topic = topic_of(type(messages[0])).name
    items = tuple(
        Item(Record(topic, PARTITION, position + n, _key(message, key), CODEC.encode(message)), message)
        for n, message in enumerate(messages)
    )
    return Batch(topic, PARTITION, position, position + len(items), items)


def opened(ticket: str, *, version: str | None = VERSION) -> TicketClassified:
    meta = replace(_meta(ticket, CUSTOMER, "opened"), policy_version=version)
    summary = TicketSummary(key=ticket, subject="Search finds nothing")
    return TicketClassified(meta=meta, ticket=summary, fact=OPENED, judgement=judgement())


def accept(ticket: str) -> AcceptEscalation:
    return AcceptEscalation(meta=_meta(ticket, ANA, "accept"), ticket=ticket)


def propose(ticket: str) -> ProposeResolution:
    return ProposeResolution(meta=_meta(ticket, ANA, "propose"), ticket=ticket, category="fixed", steps="rebuilt")


def confirm(ticket: str) -> ConfirmResolution:
    """Return the customer's word, said in the helpdesk's portal, that it is solved."""
    return ConfirmResolution(meta=_meta(ticket, CUSTOMER, "confirm"), ticket=ticket)


def reached(ticket: str, *, version: int = 2, percent: int = 50, at: datetime = START) -> ThresholdReached:
    return ThresholdReached(
        meta=_meta(ticket, ANA, f"reached {percent}"),
        ticket=ticket,
        version=version,
        clock=ClockName.FIRST_RESPONSE,
        cycle=1,
        percent=percent,
        reached_at=at,
        due_at=at + timedelta(hours=1),
    )


def _key(message: Message, key: str | None) -> bytes:
    return (key or ticket_of(message) or message.meta.correlation_id).encode()


def _meta(ticket: str, actor: Actor, what: str) -> Meta:
    return Meta(
        id=derived_id("stream-test", ticket, what),
        correlation_id=ticket,
        occurred_at=START,
        recorded_at=START,
        actor=actor,
        producer="tests",
    )

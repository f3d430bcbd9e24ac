"""Puts the router together: settings, store, tables, handlers, and the order in which they start."""

from datetime import timedelta

from chassis.consumer import Consumer, Hooks, Subscription
from chassis.errors import StartUpError
from chassis.event_store import EventStore
from chassis.lifecycle import Lifecycle
from chassis.metrics import ConsumerMetrics
from chassis.outbox import OutboxRelay
from chassis.probe import Probe
from chassis.replica_claim import ReplicaClaim
from schemas.catalogue import COMMANDS, ESCALATIONS, POLICIES, ROSTER, TICKETS, inputs_of
from schemas.message import Message
from schemas.reference_data import PolicyPublished, RosterPublished
from services.router.adapters.cause_purge import CausePurge
from services.router.adapters.escalation_records import EscalationRecords
from services.router.adapters.first_start_check import check_first_start
from services.router.adapters.kafka_evidence import KafkaEvidence
from services.router.adapters.rota_watch import RotaWatch
from services.router.adapters.sql_escalations import SqlEscalationStore
from services.router.adapters.stall_alarm import StallAlarm
from services.router.config import RouterSettings
from services.router.handlers import Router
from services.router.metrics import RouterMetrics
from services.router.stream import RouterStream
from wire.foundation import Foundation, lay_foundation
from wire.reference_data import PolicyRegistry, RosterRegistry

SERVICE = "router"


async def build(life: Lifecycle, settings: RouterSettings) -> None:
    """Start the router's parts in order; raises StartUpError naming what is missing."""
    ground = await lay_foundation(life, SERVICE, settings, writes=(ESCALATIONS, COMMANDS))
    metrics = RouterMetrics(ground.registry)
    store = await _store(life, ground, settings)
    if not settings.router_accept_empty_store:
        await check_first_start(settings.kafka, store)
    policies, rosters = await _reference_data(ground)
    router = Router(policies, rosters, timedelta(seconds=settings.router_hold_limit_seconds))
    wire = ground.wire
    escalations = SqlEscalationStore(store, wire.stored, metrics, cached_tickets=settings.router_cached_tickets)
    evidence = KafkaEvidence(ground.clock)
    relay = OutboxRelay(store, ground.producer, EscalationRecords(wire.stored, wire.wire, metrics))
    stream = RouterStream(router, escalations, evidence, relay, ground.clock, metrics)
    consumer = _consumer(ground, settings, stream, escalations)
    evidence.follow(consumer)
    ground.health.add_check("outbox", lambda: relay.stuck)
    ground.health.add_check("consumer", consumer.check)
    # Ends in the reverse order: what the last batches stored is still relayed.
    life.start("cause purge", CausePurge(store, _repeatable_for()))
    life.start("rota watch", RotaWatch(policies, rosters, ground.clock, metrics))
    life.start("stall alarm", StallAlarm(evidence, timedelta(seconds=settings.router_stall_seconds), metrics))
    life.start("outbox", relay)
    life.start("consumer", consumer)


def _repeatable_for() -> timedelta:
    """Return for how long upstream can give the same message again: as long as it is kept for being read again."""
    if TICKETS.retention is None:
        raise StartUpError(f"{TICKETS.name} is kept for ever, so what is remembered of it would grow without end")
    return TICKETS.retention


async def _store(life: Lifecycle, ground: Foundation, settings: RouterSettings) -> EventStore:
    url = settings.router_store_url.get_secret_value()
    store = await life.enter(EventStore(url))
    claim = ReplicaClaim(url, ground.member)
    await claim.take()
    life.start("replica claim", claim)
    probe = Probe("the event store", store.ping)
    ground.health.add_check("event_store", lambda: probe.check() or store.check())
    life.start("store probe", probe)
    return store


async def _reference_data(ground: Foundation) -> tuple[PolicyRegistry, RosterRegistry]:
    policies, rosters = PolicyRegistry(), RosterRegistry()
    await ground.read_first(ground.wire.table(POLICIES, PolicyPublished, policies.fold))
    await ground.read_first(ground.wire.table(ROSTER, RosterPublished, rosters.fold))
    return policies, rosters


def _consumer(
    ground: Foundation, settings: RouterSettings, stream: RouterStream, escalations: SqlEscalationStore
) -> Consumer[Message]:
    subscription = Subscription(
        service=SERVICE,
        group=SERVICE,
        topics=tuple(topic.name for topic in inputs_of(SERVICE)),
        instance_id=ground.member,
        co_partitioned=True,
    )
    hooks = Hooks(
        positions=escalations,
        metrics=ConsumerMetrics(ground.registry),
        membership=ground.membership,
        on_assigned=stream.assigned,
        on_revoked=stream.revoked,
    )
    decode = ground.wire.reader_of(Message)
    return Consumer(settings.kafka, subscription, decode, stream.handle, ground.producer, hooks)

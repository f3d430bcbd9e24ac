"""Puts the router together: settings, store, topics, handlers, and the order in which they start."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from chassis.clock import Clock, clock_of
from chassis.consumer import Consumer, Hooks, Subscription
from chassis.event_store import EventStore
from chassis.health import HealthServer
from chassis.lifecycle import Lifecycle
from chassis.metrics import ConsumerMetrics, ProducerMetrics
from chassis.outbox import OutboxRelay
from chassis.probe import Probe
from chassis.producer import Producer
from chassis.startup import check_kafka
from policy.registry import PolicyRegistry, RosterRegistry
from schemas.catalogue import (
    CLASSIFICATIONS,
    COMMANDS,
    ESCALATIONS,
    NOTIFICATIONS,
    POLICIES,
    ROSTER,
    SCHEMAS,
    SLA,
    dead_letter_topic,
)
from schemas.message import Message
from services.router.adapters.escalation_records import EscalationRecords
from services.router.adapters.kafka_evidence import KafkaEvidence
from services.router.adapters.kafka_wire import KafkaWire
from services.router.adapters.sql_escalations import SqlEscalationStore
from services.router.config import RouterSettings
from services.router.handlers import Router
from services.router.metrics import RouterMetrics
from services.router.stream import RouterStream

SERVICE = "router"
_INPUTS = (CLASSIFICATIONS.name, COMMANDS.name, SLA.name, NOTIFICATIONS.name)
_TABLES = (SCHEMAS.name, POLICIES.name, ROSTER.name)
_DEAD_LETTERS = tuple(dead_letter_topic(topic, SERVICE) for topic in _INPUTS)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the steps of the start hand on."""

    settings: RouterSettings
    registry: CollectorRegistry
    clock: Clock
    health: HealthServer
    metrics: RouterMetrics
    store: EventStore
    producer: Producer


async def build(life: Lifecycle, settings: RouterSettings) -> None:
    """Start the router's parts in order; raises StartUpError naming what is missing."""
    parts = await _foundation(life, settings)
    policies, rosters = PolicyRegistry(), RosterRegistry()
    wire = KafkaWire(settings, policies, rosters)
    await _start_tables(life, parts, wire)
    await wire.announce(parts.producer, (ESCALATIONS, COMMANDS))
    escalations = SqlEscalationStore(
        parts.store, wire.stored, parts.metrics, cached_tickets=settings.router_cached_tickets
    )
    evidence = KafkaEvidence(parts.clock)
    records = EscalationRecords(wire.stored, wire.wire, parts.metrics)
    relay = OutboxRelay(parts.store, parts.producer, records)
    stream = RouterStream(Router(policies, rosters), escalations, evidence, relay, parts.clock, parts.metrics)
    consumer = _consumer(parts, wire, stream, escalations)
    evidence.follow(consumer)
    parts.health.add_check("outbox", lambda: relay.stuck)
    parts.health.add_check("consumer", consumer.check)
    # Ends in the reverse order: what the last batches stored is still relayed.
    life.start("outbox", relay)
    life.start("consumer", consumer)


async def _foundation(life: Lifecycle, settings: RouterSettings) -> _Parts:
    registry = CollectorRegistry()
    health = HealthServer(SERVICE, registry, settings.health_host, settings.health_port, life.check)
    life.start("health", health)
    await check_kafka(settings.kafka, (*_TABLES, *_DEAD_LETTERS), co_partitioned=(*_INPUTS, ESCALATIONS.name))
    store = await life.enter(EventStore(settings.router_store_url.get_secret_value()))
    probe = Probe("the event store", store.ping)
    health.add_check("event_store", probe.check)
    life.start("store probe", probe)
    producer = await life.enter(Producer(settings.kafka, SERVICE, ProducerMetrics(registry)))
    clock = clock_of(settings.clock_file)
    return _Parts(settings, registry, clock, health, RouterMetrics(registry), store, producer)


async def _start_tables(life: Lifecycle, parts: _Parts, wire: KafkaWire) -> None:
    """Start what is read to its end first: schemas, then what is written with them."""
    lookup = wire.lookup()
    if lookup is not None:
        life.start("schema lookup", lookup)
    for name, table in zip(_TABLES, wire.tables, strict=True):
        parts.health.add_check(name, table.check)
        life.start(name, table)
        await table.until_ready()


def _consumer(
    parts: _Parts, wire: KafkaWire, stream: RouterStream, escalations: SqlEscalationStore
) -> Consumer[Message]:
    subscription = Subscription(
        service=SERVICE,
        group=SERVICE,
        topics=_INPUTS,
        instance_id=f"{SERVICE}-{parts.settings.replica_id}",
        co_partitioned=True,
    )
    hooks = Hooks(
        positions=escalations,
        metrics=ConsumerMetrics(parts.registry),
        on_assigned=stream.assigned,
        on_revoked=stream.revoked,
    )
    return Consumer(parts.settings.kafka, subscription, wire.decode, stream.handle, parts.producer, hooks)

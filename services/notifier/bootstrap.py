"""Puts the notifier together: settings, ledger, channels, tables, handlers, and the order in which they start."""

import logging
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from chassis.clock import Clock, clock_of
from chassis.consumer import Consumer, Hooks, Subscription
from chassis.health import HealthServer
from chassis.lifecycle import Lifecycle
from chassis.metrics import ConsumerMetrics, ProducerMetrics
from chassis.producer import Producer
from chassis.startup import check_kafka
from policy.registry import PolicyRegistry, RosterRegistry
from schemas.catalogue import ESCALATIONS, NOTIFICATIONS, POLICIES, ROSTER, SCHEMAS, dead_letter_topic
from schemas.escalations import StreamEvent
from services.notifier.adapters.dispatcher import Dispatcher
from services.notifier.adapters.kafka_beginning import KafkaBeginning
from services.notifier.adapters.kafka_wire import KafkaOutcomes, KafkaWire
from services.notifier.adapters.outcome_relay import OutcomeRelay
from services.notifier.adapters.registry import open_channels
from services.notifier.adapters.sink import SinkChannel
from services.notifier.adapters.sql_ledger import SqlLedger
from services.notifier.config import NotifierSettings
from services.notifier.domain.delivery import Patience
from services.notifier.domain.outcomes import PRODUCER
from services.notifier.handlers import Deliverer, Outlets, Planner
from services.notifier.metrics import NotifierMetrics
from services.notifier.stream import NotifierStream

_TABLES = (SCHEMAS.name, POLICIES.name, ROSTER.name)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the steps of the start hand on."""

    settings: NotifierSettings
    registry: CollectorRegistry
    clock: Clock
    health: HealthServer
    metrics: NotifierMetrics
    ledger: SqlLedger
    producer: Producer


async def build(life: Lifecycle, settings: NotifierSettings) -> None:
    """Start the notifier's parts in order; raises StartUpError naming what is missing."""
    parts = await _foundation(life, settings)
    policies, rosters = PolicyRegistry(), RosterRegistry()
    wire = KafkaWire(settings, policies, rosters)
    await _start_tables(life, parts, wire)
    await wire.announce(parts.producer)
    deliverer = Deliverer(parts.ledger, await _outlets(life, settings), Patience(attempts=settings.notifier_attempts))
    dispatcher = Dispatcher(parts.ledger, deliverer, parts.clock, parts.metrics, lanes=settings.notifier_lanes)
    relay = OutcomeRelay(parts.ledger, KafkaOutcomes(parts.producer, wire.codec), parts.metrics)
    planner = Planner(policies, rosters, parts.ledger)
    stream = NotifierStream(planner, parts.ledger, dispatcher, relay, parts.clock, parts.metrics)
    consumer = _consumer(parts, wire, stream)
    parts.health.add_check("outcomes", relay.check)
    parts.health.add_check("consumer", consumer.check)
    # Ends in the reverse order: what is being sent when the partitions go is still recorded and published.
    life.start("outcomes", relay)
    life.start("dispatcher", dispatcher)
    life.start("consumer", consumer)


async def _foundation(life: Lifecycle, settings: NotifierSettings) -> _Parts:
    registry = CollectorRegistry()
    health = HealthServer(PRODUCER, registry, settings.health_host, settings.health_port, life.check)
    life.start("health", health)
    needed = (*_TABLES, dead_letter_topic(ESCALATIONS.name, PRODUCER))
    await check_kafka(settings.kafka, needed, co_partitioned=(ESCALATIONS.name, NOTIFICATIONS.name))
    ledger = await life.enter(SqlLedger(settings.notifier_ledger_url.get_secret_value()))
    health.add_check("ledger", ledger.check)
    producer = await life.enter(Producer(settings.kafka, PRODUCER, ProducerMetrics(registry)))
    clock = clock_of(settings.clock_file)
    return _Parts(settings, registry, clock, health, NotifierMetrics(registry), ledger, producer)


async def _start_tables(life: Lifecycle, parts: _Parts, wire: KafkaWire) -> None:
    """Start what is read to its end first: schemas, then what is written with them."""
    lookup = wire.lookup()
    if lookup is not None:
        life.start("schema lookup", lookup)
    for name, table in zip(_TABLES, wire.tables, strict=True):
        parts.health.add_check(name, table.check)
        life.start(name, table)
        await table.until_ready()


async def _outlets(life: Lifecycle, settings: NotifierSettings) -> Outlets:
    channels = await life.enter(open_channels(settings))
    names = ", ".join(channel.name for channel in channels)
    log.info("%s", f"channels: {names}" if names else "everything goes to the local sink")
    return Outlets(channels, SinkChannel(settings.notifier_sink_file, log.info))


def _consumer(parts: _Parts, wire: KafkaWire, stream: NotifierStream) -> Consumer[StreamEvent]:
    settings = parts.settings
    subscription = Subscription(
        service=PRODUCER,
        group=PRODUCER,
        topics=(ESCALATIONS.name,),
        instance_id=f"{PRODUCER}-{settings.replica_id}",
        from_beginning=False,
    )
    hooks = Hooks(
        positions=KafkaBeginning(settings.kafka, parts.ledger, settings.notifier_since),
        metrics=ConsumerMetrics(parts.registry),
        on_assigned=stream.assigned,
        on_revoked=stream.revoked,
    )
    return Consumer(settings.kafka, subscription, wire.stream_event, stream.handle, parts.producer, hooks)

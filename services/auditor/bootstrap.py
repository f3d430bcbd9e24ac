"""Puts the auditor together; it has no producer and joins no group, so that nothing of it can disturb the others."""

from datetime import timedelta

from prometheus_client import CollectorRegistry

from chassis.clock import clock_of
from chassis.health import HealthServer
from chassis.lifecycle import Lifecycle
from chassis.startup import check_kafka
from chassis.topic_table import TopicTable
from schemas.catalogue import ESCALATIONS, POLICIES, followed_by
from schemas.escalations import StreamEvent
from schemas.reference_data import PolicyPublished
from services.auditor.adapters.in_memory import InMemoryCases
from services.auditor.config import AuditorSettings
from services.auditor.handlers import PRODUCER, Auditor
from services.auditor.metrics import AuditorMetrics
from services.auditor.stream import Comparing, Reading
from wire.kafka_wire import KafkaWire
from wire.reference_data import PolicyRegistry


async def build(life: Lifecycle, settings: AuditorSettings) -> None:
    """Start the auditor's parts in order; raises StartUpError naming what is missing."""
    registry = CollectorRegistry()
    metrics = AuditorMetrics(registry)
    health = HealthServer(PRODUCER, registry, settings.health_host, settings.health_port, life.check)
    life.start("health", health)
    await check_kafka(settings.kafka, [topic.name for topic in followed_by(PRODUCER)])
    clock = clock_of(settings.clock_file)
    wire = KafkaWire(settings)
    lookup = wire.lookup()
    if lookup is not None:
        life.start("schema lookup", lookup)
    await _read(life, health, wire.schemas)
    policies = PolicyRegistry()
    await _read(life, health, wire.table(POLICIES, PolicyPublished, policies.fold))
    auditor = Auditor(policies, InMemoryCases(), timedelta(seconds=settings.auditor_tolerance_seconds))
    events = wire.table(ESCALATIONS, StreamEvent, Reading(auditor, clock, metrics).take)
    await _read(life, health, events)
    comparing = Comparing(auditor, lambda: events.lag, clock, metrics, settings.auditor_interval_seconds)
    health.add_check("comparing", comparing.check)
    life.start("comparing", comparing)


async def _read(life: Lifecycle, health: HealthServer, table: TopicTable) -> None:
    """Read a topic to its end, and follow it from then on."""
    health.add_check(table.topic, table.check)
    life.start(table.topic, table)
    await table.until_ready()

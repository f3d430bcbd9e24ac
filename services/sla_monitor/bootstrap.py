"""Wires the sla_monitor: the only place where its parts meet the world."""

import faust
from prometheus_client import CollectorRegistry

from chassis.clock import Clock, SharedClock, SystemClock
from chassis.health import HealthServer
from chassis.lifecycle import Lifecycle
from chassis.metrics import ProducerMetrics
from chassis.producer import Producer
from chassis.startup import check_kafka
from chassis.stream_app import StreamAppRunner, build_stream_app
from policy.registry import PolicyRegistry
from schemas.catalogue import ESCALATIONS, POLICIES, SCHEMAS, SLA, dead_letter_topic
from services.sla_monitor.adapters.findings_line import FindingsLine
from services.sla_monitor.adapters.kafka_findings import KafkaFindings
from services.sla_monitor.adapters.kafka_wire import KafkaWire
from services.sla_monitor.config import SlaMonitorSettings
from services.sla_monitor.handlers import PRODUCER
from services.sla_monitor.metrics import SlaMonitorMetrics
from services.sla_monitor.stream import DueTimer, EscalationStream, StreamParts


async def build(life: Lifecycle, settings: SlaMonitorSettings) -> None:
    """Start every part, in the order in which they need each other; they end in the reverse order.

    Raises StartUpError naming what is missing.
    """
    registry = CollectorRegistry()
    health = HealthServer(PRODUCER, registry, settings.health_host, settings.health_port, life.check)
    life.start("health", health)
    partitions = await _partitions(settings)
    producer = await life.enter(Producer(settings.kafka, PRODUCER, ProducerMetrics(registry)))
    policies = PolicyRegistry()
    wire = await _wire(life, settings, producer, policies)

    metrics = SlaMonitorMetrics(registry)
    line = FindingsLine(KafkaFindings(producer, wire.codec), metrics)
    parts = StreamParts(
        app=_app(settings, partitions),
        policies=policies,
        line=line,
        decode=wire.decode,
        dead_letters=producer,
        clock=_clock(settings),
        metrics=metrics,
    )
    timer = DueTimer(parts, EscalationStream(parts), settings.sla_monitor_tick_seconds)
    life.start("findings", line)
    life.start("stream", StreamAppRunner(parts.app))
    life.start("timer", timer)
    health.add_check("schemas", wire.schemas.check)
    health.add_check("policies", wire.policies.check)
    health.add_check("rows", timer.check)


def _app(settings: SlaMonitorSettings, partitions: int) -> faust.App:
    storage = settings.sla_monitor_storage / settings.replica_id
    storage.mkdir(parents=True, exist_ok=True)
    return build_stream_app(settings.kafka, PRODUCER, storage, f"{PRODUCER}-{settings.replica_id}", partitions)


async def _partitions(settings: SlaMonitorSettings) -> int:
    needed = (ESCALATIONS.name, SLA.name, POLICIES.name, SCHEMAS.name, dead_letter_topic(ESCALATIONS.name, PRODUCER))
    counts = await check_kafka(settings.kafka, needed, co_partitioned=(ESCALATIONS.name, SLA.name))
    return counts[ESCALATIONS.name]


async def _wire(
    life: Lifecycle, settings: SlaMonitorSettings, producer: Producer, policies: PolicyRegistry
) -> KafkaWire:
    """Return the wire once our schemas are known and all that was published is read."""
    wire = KafkaWire(settings, policies)
    lookup = wire.lookup()
    if lookup is not None:
        life.start("schema lookup", lookup)
    await wire.announce(producer)
    life.start("schemas", wire.schemas)
    await wire.schemas.until_ready()
    life.start("policies", wire.policies)
    await wire.policies.until_ready()
    return wire


def _clock(settings: SlaMonitorSettings) -> Clock:
    return SystemClock() if settings.clock_file is None else SharedClock(settings.clock_file)

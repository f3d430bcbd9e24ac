"""Puts the sla_monitor together: settings, table, Faust's app, timer, and the order in which they start."""

from chassis.group_offsets import check_committed
from chassis.lifecycle import Lifecycle
from chassis.records import TopicPartition
from chassis.stream_app import StreamAppRunner, build_stream_app
from chassis.stream_transport import StreamApp
from schemas.catalogue import ESCALATIONS, POLICIES, SLA
from schemas.escalations import StreamEvent
from schemas.reference_data import PolicyPublished
from services.sla_monitor.adapters.findings_line import FindingsLine
from services.sla_monitor.adapters.kafka_findings import KafkaFindings
from services.sla_monitor.config import SlaMonitorSettings
from services.sla_monitor.handlers import PRODUCER
from services.sla_monitor.metrics import SlaMonitorMetrics
from services.sla_monitor.stream import DueTimer, EscalationStream, StreamParts
from wire.foundation import Foundation, lay_foundation
from wire.reference_data import PolicyRegistry


async def build(life: Lifecycle, settings: SlaMonitorSettings) -> None:
    """Start the sla_monitor's parts in order; raises StartUpError naming what is missing."""
    ground = await lay_foundation(life, PRODUCER, settings, writes=(SLA,))
    metrics = SlaMonitorMetrics(ground.registry)
    app = _app(ground, settings)
    findings = KafkaFindings(ground.producer, ground.wire.wire)
    line = FindingsLine(findings, metrics, lambda: app.consumer_generation_id, ground.clock)
    parts = StreamParts(
        app=app,
        policies=await _policies(ground),
        line=line,
        decode=ground.wire.reader_of(StreamEvent),
        dead_letters=ground.producer,
        clock=ground.clock,
        metrics=metrics,
    )
    held = range(ground.partitions[ESCALATIONS.name])
    # Faust would begin at the earliest there is, and say nothing of what is missing.
    await check_committed(settings.kafka, PRODUCER, [TopicPartition(ESCALATIONS.name, number) for number in held])
    timer = DueTimer(parts, EscalationStream(parts), settings.sla_monitor_tick_seconds)
    ground.health.add_check("rows", timer.check)
    # Ends in the reverse order: what the timer and the last events said is still sent.
    life.start("findings", line)
    life.start("stream", StreamAppRunner(parts.app))
    life.start("timer", timer)


async def _policies(ground: Foundation) -> PolicyRegistry:
    policies = PolicyRegistry()
    await ground.read_first(ground.wire.table(POLICIES, PolicyPublished, policies.fold))
    return policies


def _app(ground: Foundation, settings: SlaMonitorSettings) -> StreamApp:
    storage = settings.sla_monitor_storage / settings.replica_id
    storage.mkdir(parents=True, exist_ok=True)
    app = build_stream_app(settings.kafka, PRODUCER, storage, ground.member, ground.partitions[ESCALATIONS.name])
    app.membership = ground.membership
    return app

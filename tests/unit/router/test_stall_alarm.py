"""The stall of the pipeline is said once, measured in real time, and its end too."""

import logging
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from chassis.clock import ManualClock
from services.router.adapters.kafka_evidence import KafkaEvidence
from services.router.adapters.stall_alarm import StallAlarm
from services.router.metrics import RouterMetrics

START = datetime(2026, 6, 2, 8, 0, tzinfo=UTC)
LIMIT = timedelta(seconds=30)


def test_a_partition_without_progress_is_said_once_until_the_classifier_gets_further(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, registry = ManualClock(START), CollectorRegistry()
    evidence = KafkaEvidence(clock)
    alarm = StallAlarm(evidence, LIMIT, RouterMetrics(registry))
    caplog.set_level(logging.INFO)
    evidence.hold((1, 2))

    clock.advance(timedelta(seconds=20))
    evidence.progressed(1, START)
    for _ in range(3):
        clock.advance(timedelta(seconds=8))
        alarm.look()
        evidence.progressed(1, clock.now())
    assert [line.levelname for line in caplog.records] == ["WARNING"]
    assert registry.get_sample_value("escalon_router_classifier_progress_age_seconds") == 44.0

    evidence.progressed(2, START)
    alarm.look()
    assert [line.levelname for line in caplog.records] == ["WARNING", "INFO"]


def test_the_same_progress_again_is_none(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock(START)
    evidence = KafkaEvidence(clock)
    alarm = StallAlarm(evidence, LIMIT, RouterMetrics(CollectorRegistry()))
    evidence.hold((1,))
    for _ in range(4):
        evidence.progressed(1, START)
        clock.advance(timedelta(seconds=10))
    alarm.look()
    assert len(caplog.records) == 1


def test_who_holds_nothing_has_nothing_to_say(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock(START)
    evidence = KafkaEvidence(clock)
    evidence.hold((1,))
    evidence.forget((1,))
    clock.advance(timedelta(hours=1))
    StallAlarm(evidence, LIMIT, RouterMetrics(CollectorRegistry())).look()
    assert caplog.records == []

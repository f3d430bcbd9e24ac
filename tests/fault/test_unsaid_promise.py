"""A promise that a crash left unsaid is said by the next start, however its work and its first tick interleave."""

import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops.local.kafka import LocalKafka
from schemas.catalogue import SLA
from schemas.sla import PromiseScheduled
from tests.harness.service_process import a_service
from tests.harness.topics import delete_topic
from tests.harness.waiting import eventually, hold
from tests.integration.sla_monitor.running import MonitorDesk, a_monitor
from tests.unit.sla_monitor.telling import Telling

_PATIENCE = timedelta(seconds=60)
_COMMITS_SECONDS = 6
"""Twice what goes by between Faust's commits."""


async def test_a_promise_left_unsaid_is_said_though_its_event_is_read_again_before_the_first_tick(
    own_kafka: LocalKafka, tmp_path: Path, free_port: int
) -> None:
    environment = {
        "ESCALON_KAFKA_BOOTSTRAP_SERVERS": own_kafka.bootstrap_servers,
        "ESCALON_SLA_MONITOR_STORAGE": str(tmp_path / "rows"),
    }
    log, bites = tmp_path / "sla_monitor.log", tmp_path / "bites"
    crashing = ("-m", "tests.fault.crashing", "sla_monitor", "row-kept", "1", str(bites))
    async with MonitorDesk(own_kafka.bootstrap_servers) as desk:
        with a_service("sla_monitor", environment, log, free_port, crashing) as monitor:
            await desk.tell(Telling().opened(datetime.now(UTC)))
            assert monitor.exit_code(_PATIENCE) == -signal.SIGKILL, monitor.log
        assert bites.read_text()
        assert not desk.heard, "the crash came before the promise was said"

        late = {**environment, "ESCALON_SLA_MONITOR_TICK_SECONDS": "3"}
        with a_service("sla_monitor", late, log, free_port) as monitor:
            await eventually(lambda: desk.heard, 60, what=lambda: monitor.log)

    assert {type(finding) for finding in desk.heard} == {PromiseScheduled}


@pytest.mark.expects_errors
async def test_a_promise_that_could_not_be_sent_for_longer_than_a_commit_takes_is_said_after_a_crash(
    own_kafka: LocalKafka, tmp_path: Path, free_port: int
) -> None:
    servers, rows = own_kafka.bootstrap_servers, tmp_path / "rows"
    async with MonitorDesk(servers) as desk:
        with a_monitor(servers, rows, free_port) as monitor:
            await eventually(monitor.is_ready, 60, what=lambda: monitor.log)
            await delete_topic(servers, SLA.name)
            await desk.tell(Telling().opened(datetime.now(UTC)))
            await eventually(lambda: "watched_tickets 1.0" in monitor.metrics(), what=lambda: monitor.log)
            await hold(_COMMITS_SECONDS)
            monitor.kill()

    async with MonitorDesk(servers) as desk:
        assert not desk.heard
        with a_monitor(servers, rows, free_port) as monitor:
            await eventually(lambda: desk.heard, 60, what=lambda: monitor.log)

    assert {type(finding) for finding in desk.heard} == {PromiseScheduled}

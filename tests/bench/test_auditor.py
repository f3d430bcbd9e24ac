"""How long the auditor takes to read 200,000 events at a start, and what it keeps of an escalation, open and closed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chassis.clock import REAL_TIME
from ops.local.kafka import LocalKafka
from policy.working_time import add_working_time
from schemas import escalations as told
from schemas.vocabulary import ClockName, ContactKind, Severity
from tests.bench.measuring import cpu_seconds, metric, note, resident_mib, row
from tests.harness.service_process import ServiceProcess, a_service
from tests.harness.waiting import eventually
from tests.integration.sla_monitor.running import MonitorDesk
from tests.unit.sla_monitor.telling import OFFICE, Telling

pytestmark = pytest.mark.timeout(1800)

EVENTS = 200_000
LIVES = EVENTS // 10
_AT_ONCE = 200


@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
async def test_a_start_of_the_auditor_reads_all_events(
    own_kafka: LocalKafka, tmp_path: Path, free_port: int, *, closed: bool
) -> None:
    environment = {"ESCALON_KAFKA_BOOTSTRAP_SERVERS": own_kafka.bootstrap_servers}
    start = datetime.now(UTC) - (timedelta(days=3) if closed else timedelta(minutes=2))
    async with MonitorDesk(own_kafka.bootstrap_servers) as desk:
        with a_service("auditor", environment, tmp_path / "empty.log", free_port) as empty:
            await eventually(empty.is_ready, 60, what=lambda: empty.log)
            before = resident_mib(empty.pid)
        for first in range(0, LIVES, _AT_ONCE):
            await desk.tell(
                *(event for number in range(first, first + _AT_ONCE) for event in _life(number, start, closed=closed))
            )
    with a_service("auditor", environment, tmp_path / "auditor.log", free_port) as auditor:
        began = REAL_TIME.monotonic()
        await eventually(lambda: _has_compared(auditor), 600, what=lambda: auditor.log)
        taken = REAL_TIME.monotonic() - began
        metrics = auditor.metrics()
        events = metric(metrics, "escalon_auditor_events_total")
        note(f"{cpu_seconds(auditor.pid):.1f} s of CPU, {metric(metrics, 'escalon_auditor_running_clocks'):.0f} clocks")
        each = (resident_mib(auditor.pid) - before) * 1024 / LIVES
    kind = "closed days ago" if closed else "open"
    row(
        f"auditor: start with {events:,.0f} events of {LIVES:,} escalations, {kind}",
        "",
        f"{taken:.1f} s, {each:.1f} KB each beside {before:.0f} MiB",
    )


def _has_compared(auditor: ServiceProcess) -> bool:
    return auditor.is_ready() and metric(auditor.metrics(), "escalon_auditor_compared_timestamp_seconds") > 0


def _life(number: int, start: datetime, *, closed: bool) -> Iterator[told.EscalationEvent]:
    """Yield ten events of an escalation that is accepted and once updated, with what is recorded of that; or 11."""
    telling = Telling(Severity.P3, ticket=f"zendesk-eu/{number}")
    yield telling.opened(start)
    yield telling.assigned(start)
    yield telling.accepted(start)
    yield telling.informed(start, ContactKind.ACKNOWLEDGEMENT)
    for clock, hours in ((ClockName.ACCEPTANCE, 2), (ClockName.FIRST_RESPONSE, 4), (ClockName.UPDATE, 8)):
        yield telling.tell(_kept(clock, 1, hours, start), start)
    yield telling.informed(start)
    yield telling.tell(told.NoteAdded(by="ana", text="A note of some length, as people write them."), start)
    yield telling.tell(_kept(ClockName.UPDATE, 2, 8, start), start)
    if closed:
        yield telling.closed(start, confirmed=False)


def _kept(clock: ClockName, cycle: int, hours: int, start: datetime) -> told.SlaKept:
    due_at = add_working_time(OFFICE, start, timedelta(hours=hours))
    return told.SlaKept(clock=clock, cycle=cycle, due_at=due_at, ended_at=start, owner_at="ana")

"""Findings wait in order while the broker is slow or away, and the line ends only when all are sent."""

import asyncio
from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from chassis.clock import REAL_TIME, ManualClock
from chassis.errors import LostOwnershipError, RetryableError
from schemas.sla import PromiseScheduled, SlaFinding, ThresholdReached
from schemas.vocabulary import ClockName
from services.sla_monitor.adapters.findings_line import FindingsLine
from services.sla_monitor.metrics import SlaMonitorMetrics
from tests.unit.sla_monitor.telling import TICKET, instant


class HeldFindings:
    """Takes each batch only when it is let; fails as often as it is told to before."""

    def __init__(self, failures: int = 0, lost_in: tuple[int, ...] = ()) -> None:
        self.generation = 1
        self.batches: list[list[int]] = []
        self.let = asyncio.Event()
        self._failures = failures
        self._lost_in = list(lost_in)
        """The generations this is in when it turns out that the group was silent for too long, one a try."""

    async def send(self, findings: Sequence[SlaFinding]) -> None:
        if self._failures:
            self._failures -= 1
            raise RetryableError("the topic is not there yet")
        if self._lost_in:
            self.generation = self._lost_in.pop(0)
            raise LostOwnershipError("the group was silent")
        await self.let.wait()
        self.batches.append([finding.version for finding in findings])


def _finding(version: int) -> PromiseScheduled:
    return PromiseScheduled(ticket="zendesk-eu/1", version=version)


def _line(findings: HeldFindings) -> FindingsLine:
    return FindingsLine(findings, SlaMonitorMetrics(CollectorRegistry()), lambda: findings.generation, REAL_TIME)


async def test_what_is_said_while_one_batch_is_sent_goes_out_together_and_in_order() -> None:
    findings = HeldFindings()
    line = _line(findings)
    sending = asyncio.create_task(line.run())
    await line.say([_finding(1)])
    await asyncio.sleep(0)
    await line.say([_finding(2)])
    await line.say([_finding(3)])
    findings.let.set()
    line.stop()
    await sending

    assert findings.batches == [[1], [2, 3]]


async def test_a_flush_waits_until_all_that_was_said_by_then_is_sent() -> None:
    findings = HeldFindings(failures=1)
    line = _line(findings)
    sending = asyncio.create_task(line.run())
    await line.say([_finding(1)])
    flushing = asyncio.create_task(line.flush())
    await asyncio.sleep(0)
    assert not flushing.done()

    findings.let.set()
    assert await flushing
    assert findings.batches == [[1]]
    line.stop()
    await sending


async def test_a_flush_does_not_wait_for_what_a_silence_of_the_group_keeps_back() -> None:
    findings = HeldFindings(lost_in=(1, 1, 1))
    findings.let.set()
    line = _line(findings)
    sending = asyncio.create_task(line.run())
    await line.say([_finding(1)])

    assert not await line.flush()
    line.stop()
    await sending
    assert await line.flush()


async def test_a_flush_does_not_wait_for_a_line_that_has_ended() -> None:
    findings = HeldFindings()
    line = _line(findings)
    sending = asyncio.create_task(line.run())
    await line.say([_finding(1)])
    flushing = asyncio.create_task(line.flush())
    await asyncio.sleep(0)
    sending.cancel()

    assert not await flushing


async def test_a_send_that_may_heal_is_tried_again_and_nothing_overtakes_it() -> None:
    findings = HeldFindings(failures=2)
    findings.let.set()
    line = _line(findings)
    await line.say([_finding(1)])
    sending = asyncio.create_task(line.run())
    await line.say([_finding(2)])
    line.stop()
    await sending

    assert [version for batch in findings.batches for version in batch] == [1, 2]


async def test_a_line_with_nothing_to_send_ends_at_once() -> None:
    line = _line(HeldFindings())
    sending = asyncio.create_task(line.run())
    await asyncio.sleep(0)

    line.stop()
    await sending

    assert sending.done()


async def test_what_a_silence_of_the_group_has_kept_is_sent_if_the_partitions_are_still_ours() -> None:
    assert await _sent_by(HeldFindings(lost_in=(1,))) == [[1]]


async def test_what_a_silence_of_the_group_has_kept_is_dropped_if_others_have_the_partitions() -> None:
    assert await _sent_by(HeldFindings(lost_in=(2,))) == []


async def _sent_by(findings: HeldFindings) -> list[list[int]]:
    findings.let.set()
    line = _line(findings)
    await line.say([_finding(1)])
    line.stop()
    await line.run()
    assert await line.flush()
    return findings.batches


async def test_lateness_is_measured_when_kafka_has_the_finding() -> None:
    findings, clock = HeldFindings(), ManualClock(instant("08:00:01"))
    registry = CollectorRegistry()
    line = FindingsLine(findings, SlaMonitorMetrics(registry), lambda: findings.generation, clock)
    reached = ThresholdReached(
        ticket=TICKET,
        version=1,
        clock=ClockName.UPDATE,
        cycle=1,
        percent=50,
        reached_at=instant("08:00:00"),
        due_at=instant("08:30:00"),
    )
    sending = asyncio.create_task(line.run())
    await line.say([reached])
    await asyncio.sleep(0)
    assert registry.get_sample_value("escalon_sla_monitor_lateness_seconds_count") == 0
    clock.turn_to(instant("08:00:05"))
    findings.let.set()
    line.stop()
    await sending
    assert registry.get_sample_value("escalon_sla_monitor_lateness_seconds_sum") == 5

"""Findings wait in order while the broker is slow or away, and the line ends only when all are sent."""

import asyncio
from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from chassis.errors import RetryableError
from schemas.sla import PromiseScheduled, SlaFinding
from services.sla_monitor.adapters.findings_line import FindingsLine
from services.sla_monitor.metrics import SlaMonitorMetrics
from tests.unit.sla_monitor.telling import instant

_NOW = instant("08:00:00")


class HeldFindings:
    """Takes each batch only when it is let; fails as often as it is told to before."""

    def __init__(self, failures: int = 0) -> None:
        self.batches: list[list[int]] = []
        self.let = asyncio.Event()
        self._failures = failures

    async def send(self, findings: Sequence[SlaFinding]) -> None:
        if self._failures:
            self._failures -= 1
            raise RetryableError("the topic is not there yet")
        await self.let.wait()
        self.batches.append([finding.version for finding in findings])


def _finding(version: int) -> PromiseScheduled:
    return PromiseScheduled(ticket="zendesk-eu/1", version=version)


def _line(findings: HeldFindings) -> FindingsLine:
    return FindingsLine(findings, SlaMonitorMetrics(CollectorRegistry()))


async def test_what_is_said_while_one_batch_is_sent_goes_out_together_and_in_order() -> None:
    findings = HeldFindings()
    line = _line(findings)
    sending = asyncio.create_task(line.run())
    await line.say([_finding(1)], _NOW)
    await asyncio.sleep(0)
    await line.say([_finding(2)], _NOW)
    await line.say([_finding(3)], _NOW)

    assert line.has_unsent_of("zendesk-eu/1")
    findings.let.set()
    line.stop()
    await sending

    assert findings.batches == [[1], [2, 3]]
    assert not line.has_unsent_of("zendesk-eu/1")


async def test_a_send_that_may_heal_is_tried_again_and_nothing_overtakes_it() -> None:
    findings = HeldFindings(failures=2)
    findings.let.set()
    line = _line(findings)
    await line.say([_finding(1)], _NOW)
    sending = asyncio.create_task(line.run())
    await line.say([_finding(2)], _NOW)
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

"""What waits to be sent: findings in the order they were said, all that wait in one go."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from chassis.backoff import backoff_seconds
from chassis.clock import REAL_TIME, Clock
from chassis.errors import LostOwnershipError, RetryableError
from chassis.write_progress import WriteProgress
from schemas.sla import FrontLineAtRisk, SlaFinding, ThresholdReached
from services.sla_monitor.metrics import SlaMonitorMetrics
from services.sla_monitor.ports import Findings

_MOST_WAITING = 5_000
_BETWEEN_BATCHES_SECONDS = 0.02
"""With less, each finding of a stream of them was a request of its own, which cost as much as all else that is done."""

log = logging.getLogger(__name__)


class FindingsLine:
    """Sends findings while those who say them go on; a component of a Lifecycle.

    What a crash takes with it is said again: its event was not committed, as that waits for `flush`, or the timer finds
    nothing on record. So is what is dropped because the partitions were given away while this replica was frozen:
    `generation` tells of which assignment they are.
    """

    def __init__(
        self, findings: Findings, metrics: SlaMonitorMetrics, generation: Callable[[], int], clock: Clock
    ) -> None:
        self._findings = findings
        self._clock = clock
        self._generation = generation
        self._metrics = metrics
        self._waiting: list[SlaFinding] = []
        self._progress = WriteProgress()
        self._something = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._stopping = False
        self._sent_at = 0.0

    async def flush(self) -> bool:
        """Wait until all that was said by now is durable and return True, also of what was dropped.

        False while the group's silence keeps it from being sent: what would end that may wait for us.
        """
        return await self._progress.all_durable()

    async def say(self, findings: Sequence[SlaFinding]) -> None:
        """Have them sent, in order; waits only while too many are waiting."""
        await self._room.wait()
        self._waiting += findings
        self._progress.put(len(findings))
        if self._waiting:
            self._something.set()
        if len(self._waiting) >= _MOST_WAITING:
            self._room.clear()
        for finding in findings:
            self._metrics.findings.labels(type(finding).__name__).inc()

    async def run(self) -> None:
        """Send until stopped and nothing waits."""
        try:
            while self._waiting or not self._stopping:
                await self._something.wait()
                await self._gather()
                sending, self._waiting = self._waiting, []
                self._something.clear()
                self._room.set()
                if sending:
                    if await self._send(sending):
                        self._measure(sending)
                    self._progress.settled(len(sending))
                if self._stopping:
                    self._something.set()
        finally:
            self._progress.doubt()

    def stop(self) -> None:
        """Ask it to end when all is sent; safe to repeat."""
        self._stopping = True
        self._something.set()

    async def _gather(self) -> None:
        """Wait for more where a batch was sent a moment ago."""
        left = self._sent_at + _BETWEEN_BATCHES_SECONDS - REAL_TIME.monotonic()
        if left > 0 and not self._stopping:
            await asyncio.sleep(left)
        self._sent_at = REAL_TIME.monotonic()

    def _measure(self, durable: Sequence[SlaFinding]) -> None:
        now = self._clock.now()
        for finding in durable:
            if isinstance(finding, ThresholdReached | FrontLineAtRisk):
                self._metrics.lateness_seconds.observe((now - finding.reached_at).total_seconds())

    async def _send(self, findings: Sequence[SlaFinding]) -> bool:
        """Send them and return True; False where they were dropped."""
        attempt, generation = 0, self._generation()
        while True:
            try:
                await self._findings.send(findings)
            except (RetryableError, LostOwnershipError) as error:
                attempt += 1
                if isinstance(error, LostOwnershipError):
                    self._progress.doubt()
                log.warning("sending findings again: %s", error, extra={"attempt": attempt})
                await asyncio.sleep(backoff_seconds(attempt))
                if isinstance(error, LostOwnershipError) and self._generation() != generation:
                    log.warning("findings were dropped: the partitions were assigned anew")
                    return False
            else:
                return True

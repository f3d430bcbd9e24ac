"""Publishes what became of notices: the ledger's outbox, in the partitions we hold."""

import asyncio
import logging
from collections.abc import Collection
from contextlib import suppress

from chassis.backoff import backoff_seconds
from chassis.errors import LostOwnershipError, RetryableError
from services.notifier.metrics import NotifierMetrics
from services.notifier.ports import Ledger, Outcomes

_LOOK_SECONDS = 0.25
_AT_ONCE = 200
_FAREWELL_SECONDS = 2.0

log = logging.getLogger(__name__)


class OutcomeRelay:
    """A component. What it has published may go out again after a crash, with the same ids."""

    def __init__(self, ledger: Ledger, outcomes: Outcomes, metrics: NotifierMetrics) -> None:
        self._ledger = ledger
        self._outcomes = outcomes
        self._metrics = metrics
        self._held: set[int] = set()
        self._woken = asyncio.Event()
        self._stopping = asyncio.Event()
        self._failures = 0
        self._turn = asyncio.Lock()

    def hold(self, partitions: Collection[int]) -> None:
        """Begin to publish for these; repeating it is harmless."""
        self._held |= set(partitions)
        self.wake()

    async def release(self, partitions: Collection[int]) -> None:
        """Publish no more for these, after one last time; a broker that is silent is not waited for long."""
        with suppress(RetryableError, LostOwnershipError, TimeoutError):
            await asyncio.wait_for(self._relay(tuple(partitions)), _FAREWELL_SECONDS)
        self._held -= set(partitions)

    def wake(self) -> None:
        """Say that there may be something to publish."""
        self._woken.set()

    def check(self) -> str | None:
        """Tell /readyz what is wrong."""
        return None if self._failures < 3 else f"outcomes could not be published {self._failures} times in a row"

    async def run(self) -> None:
        """Publish until stopped."""
        while not self._stopping.is_set():
            try:
                await self._relay(tuple(self._held))
                self._failures = 0
            except (RetryableError, LostOwnershipError) as error:
                self._failures += 1
                log.warning("outcomes wait: %s", error)
            await self._sleep(backoff_seconds(self._failures) if self._failures else _LOOK_SECONDS)

    def stop(self) -> None:
        """Ask it to end; safe to repeat."""
        self._stopping.set()
        self.wake()

    async def _relay(self, partitions: tuple[int, ...]) -> None:
        async with self._turn:
            while partitions:
                rows = await self._ledger.unpublished(partitions, _AT_ONCE)
                if rows:
                    await self._outcomes.publish([outcome for _, outcome in rows])
                    await self._ledger.mark_published([number for number, _ in rows])
                for _, outcome in rows:
                    self._metrics.concluded(outcome)
                if len(rows) < _AT_ONCE:
                    return

    async def _sleep(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        self._woken.clear()

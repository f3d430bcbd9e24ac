"""Says that the classifier gets no further: findings then wait, and nobody is told that a promise is broken."""

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

from services.router.metrics import RouterMetrics

_LOOK_SECONDS = 1.0

log = logging.getLogger(__name__)


class Progress(Protocol):
    """How far the classifier is; `KafkaEvidence` is one."""

    def progress_age(self) -> timedelta:
        """Return for how long it got no further, in real time."""
        ...


class StallAlarm:
    """Looks every second, says once that a stall began and once that it is over; a component of a Lifecycle."""

    def __init__(self, progress: Progress, limit: timedelta, metrics: RouterMetrics) -> None:
        self._progress = progress
        self._limit = limit
        self._metrics = metrics
        self._stalled = False
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Look until stopped."""
        while not self._stopping.is_set():
            self.look()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._stopping.wait()

    def stop(self) -> None:
        """Ask it to end; safe to repeat."""
        self._stopping.set()

    def look(self) -> None:
        """Measure, and say what has changed."""
        age = self._progress.progress_age()
        self._metrics.progress_age_seconds.set(age.total_seconds())
        stalled = age > self._limit
        if stalled and not self._stalled:
            log.warning(
                "the pipeline stalls: the classifier gets no further, so findings wait for what could refute them",
                extra={"seconds": round(age.total_seconds(), 1)},
            )
        elif self._stalled and not stalled:
            log.info("the pipeline goes on: the classifier gets further again")
        self._stalled = stalled

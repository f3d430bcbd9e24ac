"""The reading of `escalations.v1` from its beginning, and the comparing, again and again while the service lives."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from chassis.clock import REAL_TIME, Clock
from schemas.escalations import StreamEvent
from services.auditor.domain.doubts import Kind
from services.auditor.handlers import Auditor, Objection
from services.auditor.metrics import AuditorMetrics

_MOST_LAG = 1_000
"""Who is further behind than this does not know what is on record: no comparison."""
_AT_ONCE = 50
"""Tickets that are looked at before anything else has its turn."""
_PATIENCE_ROUNDS = 6
"""After so many rounds without a comparison /readyz says so."""

log = logging.getLogger(__name__)


class Reading:
    """Hands events to the auditor and counts them."""

    def __init__(self, auditor: Auditor, clock: Clock, metrics: AuditorMetrics) -> None:
        self._auditor = auditor
        self._clock = clock
        self._metrics = metrics

    def take(self, event: StreamEvent) -> None:
        """Take the next event of a ticket's stream."""
        self._metrics.events.inc()
        self._auditor.take(event, self._clock.now())


class Comparing:
    """Compares every `interval` real seconds once `lag` is small, tells the metrics, and logs objections; a component.

    An objection is logged once, when it has become one.
    """

    def __init__(
        self, auditor: Auditor, lag: Callable[[], int], clock: Clock, metrics: AuditorMetrics, interval: float
    ) -> None:
        self._auditor = auditor
        self._lag = lag
        self._clock = clock
        self._metrics = metrics
        self._interval = interval
        self._compared_at = REAL_TIME.monotonic()
        self._stopping = asyncio.Event()

    def check(self) -> str | None:
        """Tell /readyz what is wrong."""
        seconds = REAL_TIME.monotonic() - self._compared_at
        late = seconds > _PATIENCE_ROUNDS * self._interval
        return f"nothing was compared for {seconds:.0f} s" if late else None

    async def run(self) -> None:
        """Compare until stopped."""
        while not self._stopping.is_set():
            lag = self._lag()
            self._metrics.lag.set(lag)
            if lag <= _MOST_LAG:
                await self._compare()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._interval):
                    await self._stopping.wait()

    def stop(self) -> None:
        """Ask it to end; safe to repeat."""
        self._stopping.set()

    async def _compare(self) -> None:
        now = self._clock.now()
        for number, ticket in enumerate(self._auditor.to_look_at(now)):
            self._auditor.look(ticket, now, self._clock.monotonic())
            if number % _AT_ONCE == _AT_ONCE - 1:
                self._compared_at = REAL_TIME.monotonic()
                await asyncio.sleep(0)
            if self._stopping.is_set():
                return
        seconds = self._clock.monotonic()
        for objection in self._auditor.objections(seconds):
            _log(objection)
        self._metrics.compared(self._auditor.summary(seconds), now, REAL_TIME.now().timestamp())
        self._compared_at = REAL_TIME.monotonic()


def _log(objection: Objection) -> None:
    doubt = objection.doubt
    said = "on record" if doubt.recorded is None else f"on record {_words(doubt.recorded)}"
    place = f"{doubt.clock} {doubt.cycle}" + (f" at {doubt.percent} %" if doubt.percent else "")
    log.error(
        "%s: %s, reckoned %s",
        place,
        f"not on record since {_words(doubt.since)}" if doubt.kind is Kind.SILENT else said,
        _words(doubt.reckoned),
        extra={
            "correlation_id": objection.ticket,
            "reference": objection.reference,
            "kind": doubt.kind.value,
            "version": doubt.version,
        },
    )


def _words(told: object) -> str:
    if isinstance(told, datetime):
        return told.isoformat()
    return "otherwise" if told is None else str(told)

"""Sends what is pending in the partitions we hold: lanes (a ticket's recipient) side by side, each in order.

Each way to reach people has a line of its own, so that a receiver that hangs takes nobody else's place; in a line the
most urgent goes first.
"""

import asyncio
import logging
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field

from chassis.clock import REAL_TIME, Clock
from chassis.errors import RetryableError
from services.notifier.domain.notice import Transport
from services.notifier.handlers import Deliverer
from services.notifier.metrics import NotifierMetrics
from services.notifier.ports import FIRST, Ledger, PendingNotice

_LOOK_SECONDS = 0.5
_LEDGER_AWAY_SECONDS = 1.0
_GRACE_SECONDS = 3.0
"""What is being sent gets this when a partition goes or the service ends; then it counts as interrupted."""
_PAGE = 200

Lane = tuple[str, str]

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Active:
    """A lane that is being sent to."""

    partition: int
    notices: list[PendingNotice] = field(default_factory=list)
    task: "asyncio.Task[None] | None" = None


@dataclass(slots=True)
class _Line:
    """What is sent in one way."""

    name: str
    active: int = 0
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class Dispatcher:
    """A component. One lane never keeps another waiting, nor one line another.

    `lanes` is how many each line sends to at the same time. `concluded` is called for each notice that is done with:
    there is something to publish.
    """

    def __init__(
        self,
        ledger: Ledger,
        deliverer: Deliverer,
        clock: Clock,
        metrics: NotifierMetrics,
        *,
        lanes: int = 32,
        concluded: Callable[[], None] = lambda: None,
    ) -> None:
        self._ledger = ledger
        self._deliverer = deliverer
        self._clock = clock
        self._metrics = metrics
        self._lanes = lanes
        self._concluded = concluded
        self._held: set[int] = set()
        # What 0.1.0 planned, and what nobody knows how to send, is in the line without a name.
        self._lines = [_Line(name) for name in ("", *Transport)]
        self._active: dict[Lane, _Active] = {}
        self._waiting: dict[Lane, float] = {}
        self._stopping = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None

    def hold(self, partitions: Collection[int]) -> None:
        """Begin to send for these; repeating it is harmless."""
        self._held |= set(partitions)
        self.wake()

    async def release(self, partitions: Collection[int]) -> None:
        """Send no more for these, once what is being sent is ended or three seconds are over."""
        self._held -= set(partitions)
        await self._end([active for active in self._active.values() if active.partition in partitions])

    def wake(self) -> None:
        """Say that there may be something to send."""
        for line in self._lines:
            line.woken.set()

    async def run(self) -> None:
        """Send until stopped; raises what a channel raises that is no DeliveryError."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                await asyncio.gather(*(group.create_task(self._serve(line)) for line in self._lines))
                await self._end(list(self._active.values()))
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None

    def stop(self) -> None:
        """Ask it to end; safe to repeat."""
        self._stopping.set()
        self.wake()

    async def _serve(self, line: _Line) -> None:
        while not self._stopping.is_set():
            await self._begin_due(line)
            with suppress(TimeoutError):
                # Not wait_for: in Python 3.11 it takes a cancellation for nothing where both come together.
                async with asyncio.timeout(_LOOK_SECONDS):
                    await line.woken.wait()
            line.woken.clear()

    async def _begin_due(self, line: _Line) -> None:
        # As a rule what the lanes can take is at the front; behind many that wait it is looked for in larger steps.
        after, limit = FIRST, 2 * self._lanes
        now = REAL_TIME.monotonic()
        self._waiting = {lane: until for lane, until in self._waiting.items() if until > now}
        self._metrics.waiting_lanes.set(len(self._waiting))
        while self._held and line.active < self._lanes:
            try:
                page = await self._ledger.pending(tuple(self._held), limit, after, line.name)
            except RetryableError as error:
                log.warning("nothing is sent now: %s", error)
                return
            self._begin(line, page)
            if len(page) < limit:
                return
            after, limit = page[-1].rank, _PAGE

    def _begin(self, line: _Line, page: Collection[PendingNotice]) -> None:
        """Begin the lanes of a page that neither are being sent to nor wait, as far as there is room."""
        begun: dict[Lane, _Active] = {}
        for pending in page:
            lane = pending.notice.lane
            free = lane not in self._active and lane not in self._waiting and pending.partition in self._held
            if free and (lane in begun or line.active + len(begun) < self._lanes):
                begun.setdefault(lane, _Active(pending.partition)).notices.append(pending)
        self._active |= begun
        line.active += len(begun)
        for lane, active in begun.items():
            if self._group is not None:
                active.task = self._group.create_task(self._send(line, lane, active))
        self._metrics.active_lanes.set(len(self._active))

    async def _send(self, line: _Line, lane: Lane, active: _Active) -> None:
        try:
            for pending in active.notices:
                if self._stopping.is_set() or active.partition not in self._held:
                    break
                if not await self._attempt(lane, pending):
                    break
        finally:
            self._active.pop(lane, None)
            line.active -= 1
            self._metrics.active_lanes.set(len(self._active))
            if line.active < self._lanes / 2:
                # Reading what is pending costs about as much as sending it: not for every lane that ends.
                line.woken.set()

    async def _attempt(self, lane: Lane, pending: PendingNotice) -> bool:
        """Make an attempt; return whether the lane may go on to its next notice."""
        try:
            with self._metrics.attempt_seconds.time():
                wait = await self._deliverer.deliver(pending, self._clock.now())
        except RetryableError as error:
            log.warning("a notice waits: %s", error, extra={"correlation_id": pending.notice.about.ticket})
            self._waiting[lane] = REAL_TIME.monotonic() + _LEDGER_AWAY_SECONDS
            return False
        if wait is None:
            self._concluded()
            return True
        self._metrics.retries.inc()
        self._waiting[lane] = REAL_TIME.monotonic() + wait.total_seconds()
        return False

    async def _end(self, lanes: Collection[_Active]) -> None:
        tasks = [active.task for active in lanes if active.task is not None]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=_GRACE_SECONDS)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

"""The sla_monitor on Faust: an agent that folds `escalations.v1` into rows, a timer that says what fell due.

Only the agent writes rows. The timer sends straight away under derived ids; the row learns of it when the router's
record comes back.
"""

import asyncio
import gc
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import faust

from chassis.backoff import backoff_seconds
from chassis.clock import REAL_TIME, Clock
from chassis.dead_letters import RecordSink, dead_letter
from chassis.errors import RejectedMessageError, RetryableError
from chassis.records import Record
from chassis.stream_app import rows_are_there
from chassis.stream_positions import follow_in_order, record_of
from chassis.stream_transport import StreamApp
from schemas.catalogue import ESCALATIONS, MAX_MESSAGE_BYTES
from schemas.escalations import StreamEvent
from services.sla_monitor.adapters.faust_rows import FaustRows
from services.sla_monitor.adapters.findings_line import FindingsLine
from services.sla_monitor.adapters.recovery_alarm import RecoveryAlarm
from services.sla_monitor.domain.clock_steps import ClockSteps
from services.sla_monitor.domain.folding import ticket_of
from services.sla_monitor.handlers import PRODUCER, Noted, PartitionWatch, SlaMonitor, Stretch
from services.sla_monitor.metrics import SlaMonitorMetrics
from services.sla_monitor.ports import Policies

_TICKETS_AT_A_TIME = 500
_PREPARED_AT_A_TIME = 100
_LOOK_SECONDS = 0.02
_LEAST_TICK_SECONDS = 0.02
"""Between ticks, however much falls due; half the time of one would go into looking ahead."""
_LATE_ENOUGH_SECONDS = 0.001
"""The event loop counts in milliseconds, and may wake that much before."""

_COLLECT_AFTER = 20_000
_COLLECT_ALL_AFTER = 20
"""Objects, and collections of those, before Python looks for cycles, of which we make hardly any. With its own 700 and
10 that was a sixth of the time in which thousands fall due."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StreamParts:
    """What the stream is made of. `decode` has the three outcomes of chassis.decoding."""

    app: StreamApp
    policies: Policies
    line: FindingsLine
    decode: Callable[[Record], StreamEvent]
    dead_letters: RecordSink
    clock: Clock
    metrics: SlaMonitorMetrics


class EscalationStream:
    """Folds every event of the partitions held, and knows when each ticket is next to be looked at."""

    def __init__(self, parts: StreamParts) -> None:
        self._parts = parts
        self._rows = FaustRows(parts.app, "rows")
        self._built_for: int | None = None
        self.watch = self._new_watch()
        topic = parts.app.topic(
            ESCALATIONS.name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )

        async def follow(stream: faust.StreamT[bytes]) -> None:
            await follow_in_order(stream, parts.app.positions, self._handle)

        parts.app.agent(topic, name="escalations")(follow)
        parts.app.before_commit.append(parts.line.flush)

    def is_built(self) -> bool:
        """Tell whether the watch knows all rows of the partitions that are held now."""
        return self._built_for == self._parts.app.consumer_generation_id

    def rebuild(self) -> None:
        """Begin anew from the rows of all partitions held; what was sent and is not on record is said again."""
        started = REAL_TIME.monotonic()
        self._built_for = self._parts.app.consumer_generation_id
        self.watch = self._new_watch()
        for row in self._rows:
            self.watch.adopt(row)
        gc.freeze()
        gc.set_threshold(_COLLECT_AFTER, _COLLECT_ALL_AFTER, _COLLECT_ALL_AFTER)
        seconds = REAL_TIME.monotonic() - started
        self._parts.metrics.rebuild_seconds.observe(seconds)
        log.info("due times rebuilt", extra={"count": len(self.watch), "seconds": round(seconds, 3)})

    def _new_watch(self) -> PartitionWatch:
        return PartitionWatch(SlaMonitor(self._parts.policies), self._rows)

    async def _handle(self, events: Sequence[faust.EventT[bytes]]) -> int:
        """Fold events of one assignment and return how many are done: all, but where it came to its end meanwhile."""
        records = [record_of(event) for event in events]
        done = attempt = 0
        while done < len(records) and await self._is_ours(events[done]):
            try:
                passed, read = await self._read(records[done:])
            except RetryableError as error:
                attempt += 1
                await self._pause(attempt, error)
                continue
            noted = self._noted(read)
            await self._parts.line.say([finding for one in noted for finding in one.findings])
            if not self._is_of_this_assignment(events[done]):
                break
            for one in noted:
                self.watch.keep(one)
            done, attempt = done + passed, 0
        return done

    async def _is_ours(self, event: faust.EventT[bytes]) -> bool:
        """Wait until we are certain to be in the group, then tell whether we still have the event's partition.

        Who was frozen for longer than a session must write no row: another replica may have gone on since. And a watch
        that is about to be thrown away is not to be told what was said.
        """
        while self._is_of_this_assignment(event):
            if self._parts.app.membership.is_certain() and self.is_built():
                return True
            await asyncio.sleep(_LOOK_SECONDS)
        return False

    def _is_of_this_assignment(self, event: faust.EventT[bytes]) -> bool:
        return event.message.generation_id == self._parts.app.consumer_generation_id

    async def _read(self, records: Sequence[Record]) -> tuple[int, list[tuple[Record, StreamEvent]]]:
        """Return how many records are read, from the first on, and what is in them. Raises RetryableError.

        One that cannot be read comes by itself, when those before it are done, however long it takes to put it aside.
        """
        read: list[tuple[Record, StreamEvent]] = []
        for record in records:
            try:
                read.append((record, self._decoded(record)))
            except Exception as error:
                if read:
                    break
                if not isinstance(error, RejectedMessageError):
                    raise
                await self._put_aside(record, error)
                return 1, []
        return len(read), read

    def _decoded(self, record: Record) -> StreamEvent:
        if record.value is not None and len(record.value) > MAX_MESSAGE_BYTES:
            raise RejectedMessageError(f"{len(record.value)} bytes are more than {MAX_MESSAGE_BYTES}")
        return self._parts.decode(record)

    def _noted(self, read: Sequence[tuple[Record, StreamEvent]]) -> list[Noted]:
        """Return what came of each ticket's events."""
        now = self._parts.clock.now()
        of_tickets: dict[tuple[int, str], list[tuple[Record, StreamEvent]]] = {}
        for record, event in read:
            of_tickets.setdefault((record.partition, ticket_of(event)), []).append((record, event))
            self._parts.metrics.events.labels(type(event).__name__).inc()
        noted = [self.watch.note([event for _, event in own], now, _stretch(own)) for own in of_tickets.values()]
        if missing := sum(one.missing for one in noted):
            self._parts.metrics.missing_events.inc(missing)
            log.warning("events never came", extra={"count": missing})
        return noted

    async def _put_aside(self, record: Record, error: RejectedMessageError) -> None:
        log.warning("a record is put aside: %s", error, extra={"partition": record.partition, "offset": record.offset})
        await self._parts.dead_letters.send_batch([dead_letter(record, PRODUCER, "VALUE_CONVERTER", error)])
        self._parts.metrics.dead_lettered.inc()

    async def _pause(self, attempt: int, error: RetryableError) -> None:
        self._parts.metrics.retries.inc()
        log.warning("trying again: %s", error, extra={"attempt": attempt})
        await asyncio.sleep(backoff_seconds(attempt))


def _stretch(read: Sequence[tuple[Record, StreamEvent]]) -> Stretch:
    first, last = read[0][0], read[-1][0]
    return Stretch(first.partition, first.offset, last.offset)


class DueTimer:
    """Says what fell due, on each tick in which the rows are all there; a component of a Lifecycle."""

    def __init__(self, parts: StreamParts, stream: EscalationStream, tick_seconds: float) -> None:
        self._parts = parts
        self._stream = stream
        self._tick_seconds = tick_seconds
        self._stopping = asyncio.Event()
        self._steps = ClockSteps()
        self._waiting = 0

    def check(self) -> str | None:
        """Tell /readyz what is wrong."""
        if not self._is_at_work():
            return "the rows are being recovered"
        return None if self._stream.is_built() else "the due times are being rebuilt"

    async def run(self) -> None:
        """Tick until stopped; raises what makes firing impossible."""
        with RecoveryAlarm() as alarm:
            while not self._stopping.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), self._seconds_to_tick())
                alarm.raise_if_heard()
                if not self._is_at_work() or self._stopping.is_set():
                    continue
                alarm.calm()
                await self._tick()

    def stop(self) -> None:
        """Ask it to end; safe to repeat."""
        self._stopping.set()

    def _seconds_to_tick(self) -> float:
        """Return how long to wait: until something falls due, where that is before the next tick."""
        due_at = self._stream.watch.next_due_at()
        if due_at is None or not self._is_at_work():
            return self._tick_seconds
        ahead = (due_at - self._parts.clock.now()).total_seconds() + _LATE_ENOUGH_SECONDS
        return min(max(ahead, _LEAST_TICK_SECONDS), self._tick_seconds)

    def _is_at_work(self) -> bool:
        return self._parts.app.membership.is_certain() and rows_are_there(self._parts.app)

    async def _tick(self) -> None:
        now = self._parts.clock.now()
        if self._has_stepped_back(now) or not self._stream.is_built():
            self._stream.rebuild()
        while (due_at := self._stream.watch.next_due_at()) is not None and due_at <= now:
            await self._parts.line.say(self._stream.watch.fire(now, _TICKETS_AT_A_TIME))
        await self._prepare(now)
        self._parts.metrics.watched.set(len(self._stream.watch))
        counts = self._parts.app.row_counts
        self._parts.metrics.rows.set(sum(counts.on_disk.values()))
        self._parts.metrics.changelog_rows.set(sum(counts.in_changelog.values()))
        self._tell_waiting(self._stream.watch.waiting)

    async def _prepare(self, now: datetime) -> None:
        """Look ahead, in turn with the events, until all is seen or something falls due."""
        while self._stream.watch.prepare(now, _PREPARED_AT_A_TIME) and not self._stopping.is_set():
            await asyncio.sleep(0)
            due_at = self._stream.watch.next_due_at()
            if due_at is None or due_at <= self._parts.clock.now():
                return

    def _tell_waiting(self, waiting: int) -> None:
        if waiting and not self._waiting:
            log.warning("tickets wait for a policy version that has not arrived", extra={"count": waiting})
        elif self._waiting and not waiting:
            log.info("no ticket waits for a policy version any more")
        self._waiting = waiting
        self._parts.metrics.waiting.set(waiting)

    def _has_stepped_back(self, now: datetime) -> bool:
        """Tell whether what was said by a clock that was ahead is to be forgotten: the router took it for early."""
        stepped = self._steps.stepped_back(now)
        behind = self._steps.behind.total_seconds()
        self._parts.metrics.clock_behind_seconds.set(behind)
        if stepped:
            log.error("the clock stepped back: what was said ahead of time is said again", extra={"seconds": behind})
        return stepped

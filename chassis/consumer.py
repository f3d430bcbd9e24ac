"""Reads topics in batches, in order per partition, and gives each message one of three outcomes (chassis.errors)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry

from chassis.backoff import backoff_seconds
from chassis.clock import REAL_TIME
from chassis.dead_letters import RecordSink
from chassis.errors import LostOwnershipError, RetryableError, StartUpError
from chassis.group_reader import GroupListener, GroupReader
from chassis.log_edges import OutOfLogError, UnreadGaps
from chassis.metrics import ConsumerMetrics
from chassis.partition_line import LineParts, PartitionLine
from chassis.records import Batch, Record, TopicPartition
from chassis.settings import KafkaSettings
from chassis.subscription import Hooks, Positions, Subscription

__all__ = ["Consumer", "Hooks", "Positions", "Subscription"]

MessageT = TypeVar("MessageT")

_COMMIT_SECONDS = 0.5
_GRACE_SECONDS = 4.0
"""What a handler in the middle of a batch gets when its partition is taken away or the service ends."""
_FAREWELL_SECONDS = 2.0
_STUCK_SECONDS = 60.0

log = logging.getLogger(__name__)


class Consumer(Generic[MessageT]):
    """Reads a subscription; a component of a Lifecycle.

    `decode` returns None for a message to skip (counted), and raises RejectedMessageError or RetryableError.
    `handler` gets a batch and returns when its effects are durable; it is called with no items only where
    `Hooks.positions` is given. What it raises decides (chassis.errors): RejectedMessageError with an offset,
    RetryableError, HeldError, LostOwnershipError; anything else ends `run` with nothing committed.
    Partitions go on side by side; a partition that waits keeps no other waiting. One batch per partition is in work,
    and aiokafka buffers one fetch more: that is all the memory it takes.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        subscription: Subscription,
        decode: Callable[[Record], MessageT | None],
        handler: Callable[[Batch[MessageT]], Awaitable[None]],
        dead_letters: RecordSink,
        hooks: Hooks | None = None,
    ) -> None:
        self._subscription = subscription
        self._hooks = hooks or Hooks()
        self._metrics = self._hooks.metrics or ConsumerMetrics(CollectorRegistry())
        self._parts = LineParts(
            subscription=subscription,
            decode=decode,
            handler=handler,
            dead_letters=dead_letters,
            metrics=self._metrics,
            empty_batches=self._hooks.positions is not None,
        )
        self._reader = GroupReader(settings, subscription, self._hooks.membership)
        self._gaps = UnreadGaps(subscription.kept_for_ever, self._metrics)
        self._lines: dict[TopicPartition, PartitionLine[MessageT]] = {}
        self._works: dict[TopicPartition, asyncio.Task[None]] = {}
        self._announced: frozenset[TopicPartition] = frozenset()
        """What the service was told it has, and not yet that it lost."""
        self._committed: dict[TopicPartition, int] = {}
        self._turns: dict[int, asyncio.Lock] = {}
        self._assigned: frozenset[TopicPartition] | None = None
        self._prepared: frozenset[TopicPartition] | None = None
        self._stopping = False
        self._wake = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Read until stopped; finishes the batches in hand and commits before it returns.

        Raises StartUpError if no broker answers, LogCutError where going on would be wrong (chassis.log_edges), and
        whatever a handler raised that is none of the outcomes.
        """
        await self._reader.start(GroupListener(self._revoked, self._was_assigned))
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                committing = group.create_task(self._commit_now_and_then())
                await self._poll(group)
                await self._let_go()
                committing.cancel()
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        finally:
            self._lines.clear()
            await self._reader.stop()

    def stop(self) -> None:
        """Ask it to end; safe to repeat."""
        self._stopping = True
        self._wake.set()

    @property
    def assigned(self) -> frozenset[TopicPartition]:
        """Return the partitions it holds and is ready to handle."""
        return frozenset(self._lines)

    def position(self, partition: TopicPartition) -> int | None:
        """Return the offset up to which all is handled (the next to handle); None if it is not held."""
        line = self._lines.get(partition)
        return None if line is None else line.position

    async def end_offsets(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Ask the brokers for the offset after the last record; raises RetryableError."""
        return await self._reader.end_offsets(partitions)

    def check(self) -> str | None:
        """Tell /readyz what is wrong: not in its group yet, or a partition that has not moved on for a minute."""
        if self._prepared is None or self._prepared != self._assigned:
            return "no partitions are assigned yet"
        now = REAL_TIME.monotonic()
        for line in tuple(self._lines.values()):
            if line.still_since is not None and now - line.still_since > _STUCK_SECONDS:
                return f"{line.source.topic}/{line.source.partition} has stood still at offset {line.position}"
        return self._gaps.check()

    async def _poll(self, group: asyncio.TaskGroup) -> None:
        while not self._stopping:
            self._wake.clear()
            if self._prepared != self._assigned and not await self._prepare():
                continue
            idle = [source for source in self._lines if source not in self._works]
            if self._lines and not idle:
                await self._woken(1.0)
                continue
            fetched = await self._fetched(idle)
            for source in idle:
                await self._hand_on(group, source, fetched.get(source, []))

    async def _hand_on(self, group: asyncio.TaskGroup, source: TopicPartition, records: list[Record]) -> None:
        """Have a line take what was read, be it only what brokers write for themselves."""
        read_to = await self._reader.read_to(source)
        line = self._lines.get(source)
        if line is None or source in self._works:
            return
        next_position = max(read_to or 0, records[-1].offset + 1 if records else 0)
        if next_position > line.position:
            self._works[source] = group.create_task(self._work(line, records, next_position))

    async def _fetched(self, idle: Collection[TopicPartition]) -> Mapping[TopicPartition, list[Record]]:
        try:
            try:
                return await self._reader.fetch(idle, self._wake)
            except OutOfLogError as error:
                for source in error.partitions:
                    await self._find_again(source)
        except RetryableError as error:
            log.warning("trying again: %s", error)
            await self._woken(1.0)
        return {}

    async def _find_again(self, source: TopicPartition) -> None:
        """Go on behind a gap in the log, where that is right."""
        line = self._lines.get(source)
        if line is None or source in self._works:
            return
        edges = await self._reader.edges(source)
        # Where ours is in the log, it was said of a position that aiokafka took before ours was known.
        if not edges.hold(line.position):
            line.position = self._gaps.position_after(source, line.position, edges)
        await self._reader.begin({source: line.position}, source)

    async def _work(self, line: PartitionLine[MessageT], records: list[Record], next_position: int) -> None:
        try:
            await line.work(records, next_position)
        except LostOwnershipError as error:
            self._metrics.lost.labels(line.source.topic).inc()
            log.warning("a batch was dropped: %s", error, extra={"topic": line.source.topic})
            await self._begin_again(line)
        finally:
            if self._works.get(line.source) is asyncio.current_task():
                del self._works[line.source]
            self._wake.set()

    async def _begin_again(self, line: PartitionLine[MessageT]) -> None:
        """Go back to what is stored, after a while in which the rebalance that is probably under way can come."""
        attempt = 1
        while await line.pause(backoff_seconds(attempt, first=1.0)):
            if self._hooks.membership is not None and self._hooks.membership.is_in_doubt():
                attempt += 1
                continue
            try:
                stored = {line.source: line.position, **await self._stored(frozenset((line.source,)))}
                line.position = await self._reader.begin(stored, line.source)
            except RetryableError:
                attempt += 1
            else:
                return

    def _was_assigned(self, partitions: frozenset[TopicPartition]) -> None:
        self._assigned = partitions
        self._prepared = None
        self._wake.set()

    async def _prepare(self) -> bool:
        """Begin lines for what was assigned; False to look again (nothing assigned yet, or it did not work)."""
        assigned = self._assigned
        if assigned is None:
            await self._woken(0.2)
            # Polling is how aiokafka tells of errors of the group.
            await self._fetched(())
            return False
        try:
            self._check_co_partitioned(assigned)
            stored = await self._stored(assigned)
            begins = {source: await self._reader.begin(stored, source) for source in sorted(assigned)}
            await self._hooks.on_assigned(assigned)
        except RetryableError as error:
            log.warning("trying again: %s", error)
            await self._woken(backoff_seconds(4))
            return False
        self._announced = assigned
        if self._assigned is not assigned:
            # Taken away meanwhile, when there were no lines to let go.
            await self._renounce()
            return False
        self._lines = {
            source: PartitionLine(source, position, self._parts, self._turn(source))
            for source, position in begins.items()
        }
        self._prepared = assigned
        log.info("partitions were assigned", extra={"count": len(assigned), "group": self._subscription.group})
        return True

    async def _stored(self, partitions: frozenset[TopicPartition]) -> Mapping[TopicPartition, int]:
        return {} if self._hooks.positions is None else await self._hooks.positions.load(partitions)

    def _turn(self, source: TopicPartition) -> AbstractAsyncContextManager[object]:
        if not self._subscription.co_partitioned:
            return nullcontext()
        return self._turns.setdefault(source.partition, asyncio.Lock())

    def _check_co_partitioned(self, assigned: frozenset[TopicPartition]) -> None:
        if not self._subscription.co_partitioned:
            return
        counts = self._reader.partition_counts()
        if not all(counts.values()):
            raise RetryableError("not all topics are known yet")
        if len(set(counts.values())) > 1:
            told = ", ".join(f"{topic} has {count}" for topic, count in sorted(counts.items()))
            raise StartUpError(f"these topics need the same number of partitions: {told}")
        held = {topic: {place.partition for place in assigned if place.topic == topic} for topic in counts}
        if any(numbers != held[self._subscription.topics[0]] for numbers in held.values()):
            raise StartUpError(f"group {self._subscription.group} was not assigned the same partitions of each topic")

    async def _revoked(self, _partitions: frozenset[TopicPartition]) -> None:
        """Finish and commit before others begin. aiokafka takes all partitions away, then assigns anew."""
        self._assigned = self._prepared = None
        with suppress(RetryableError):
            await self._let_go()

    async def _let_go(self) -> None:
        """End all lines: finish the batches in hand, commit, tell the service."""
        lines, self._lines = self._lines, {}
        for line in lines.values():
            line.close()
        works = [self._works[source] for source in lines if source in self._works]
        if works:
            _, late = await asyncio.wait(works, timeout=_GRACE_SECONDS)
            for work in late:
                work.cancel()
            if late:
                await asyncio.wait(late, timeout=_FAREWELL_SECONDS)
        try:
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await self._commit(lines)
        except (TimeoutError, RetryableError) as error:
            log.warning("offsets were not committed: %s", type(error).__name__)
        self._committed.clear()
        self._metrics.forget(lines)
        if self._group is not None and self._announced:
            await self._renounce_in(self._group)

    async def _renounce_in(self, group: asyncio.TaskGroup) -> None:
        """Renounce as a task of the group, so that a failure ends `run`: aiokafka swallows what its listener raises."""
        renouncing = self._renounce()
        try:
            task = group.create_task(renouncing)
        except RuntimeError:
            # The group ends already, by a failure: so does the service.
            renouncing.close()
        else:
            await asyncio.wait({task})

    async def _renounce(self) -> None:
        lost, self._announced = self._announced, frozenset()
        if lost:
            await self._hooks.on_revoked(lost)

    async def _commit_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(_COMMIT_SECONDS)
            try:
                await self._commit(self._lines)
            except RetryableError as error:
                log.warning("trying again: %s", error)

    async def _commit(self, lines: Mapping[TopicPartition, PartitionLine[MessageT]]) -> None:
        positions = {source: line.position for source, line in lines.items()}
        for source, position in positions.items():
            place = (source.topic, str(source.partition))
            self._metrics.position.labels(*place).set(position)
            self._metrics.lag.labels(*place).set(self._reader.lag(source, position))
        moved = {source: position for source, position in positions.items() if self._committed.get(source) != position}
        if await self._reader.commit(moved):
            self._committed.update(moved)

    async def _woken(self, seconds: float) -> None:
        # Not wait_for: in Python 3.11 it swallows a cancellation that comes together with the wake.
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

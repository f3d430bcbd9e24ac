"""The line of one partition: batches go through decode and handler one at a time, each with one of three outcomes."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Generic, TypeVar

from chassis.backoff import backoff_seconds
from chassis.clock import REAL_TIME
from chassis.dead_letters import RecordSink, dead_letter
from chassis.errors import HeldError, RejectedMessageError, RetryableError
from chassis.metrics import ConsumerMetrics
from chassis.records import Batch, Item, Record, TopicPartition
from chassis.subscription import Subscription

MessageT = TypeVar("MessageT")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineParts(Generic[MessageT]):
    """What the lines of a consumer share."""

    subscription: Subscription
    decode: Callable[[Record], MessageT | None]
    handler: Callable[[Batch[MessageT]], Awaitable[None]]
    dead_letters: RecordSink
    metrics: ConsumerMetrics
    empty_batches: bool
    """Whether the handler wants batches without items (it stores their position)."""


class PartitionLine(Generic[MessageT]):
    """Handles what was read of one partition, in order; `position` is the next offset to handle."""

    def __init__(
        self,
        source: TopicPartition,
        position: int,
        parts: LineParts[MessageT],
        turn: AbstractAsyncContextManager[object],
    ) -> None:
        self.source = source
        self.position = position
        self.still_since: float | None = None
        """The monotonic second since which it has records and has not moved on; None when it has nothing to do."""
        self._parts = parts
        self._metrics = parts.metrics
        self._turn = turn
        self._closing = asyncio.Event()

    def close(self) -> None:
        """Let it end: a handler that runs is finished, a back-off is not waited out."""
        self._closing.set()

    @property
    def closing(self) -> bool:
        """Tell whether it was asked to end."""
        return self._closing.is_set()

    async def work(self, records: Sequence[Record], next_position: int) -> None:
        """Take what was read up to `next_position` through; returns when done, or when it was closed in a back-off.

        What is done is told by `position`. Raises LostOwnershipError, and what is neither retry nor dead-letter.
        """
        self._metrics.records.labels(self.source.topic).inc(len(records))
        self._moved()
        try:
            items = await self._decoded(records)
            if items is not None:
                topic, partition = self.source
                await self._handled(Batch(topic, partition, self.position, next_position, items))
        finally:
            self.still_since = None

    async def pause(self, seconds: float) -> bool:
        """Wait; False when the line was closed meanwhile."""
        waiting = self._metrics.waiting.labels(self.source.topic)
        with waiting.track_inprogress():
            try:
                async with asyncio.timeout(seconds):
                    await self._closing.wait()
            except TimeoutError:
                return True
        return False

    async def _decoded(self, records: Sequence[Record]) -> tuple[Item[MessageT], ...] | None:
        """Decode in order; None when it was closed before all were."""
        items: list[Item[MessageT]] = []
        for record in records:
            attempt = 1
            while (found := await self._message_of(record, attempt)) is None:
                if self.closing:
                    return None
                attempt += 1
            items += found
        return tuple(items)

    async def _message_of(self, record: Record, attempt: int) -> list[Item[MessageT]] | None:
        """Return the message, nothing for one that is skipped or put aside, None for one to try again."""
        try:
            self._accept(record)
            message = self._parts.decode(record)
        except RejectedMessageError as error:
            return [] if await self._put_aside(record, "VALUE_CONVERTER", error) else None
        except RetryableError as error:
            await self._backed_off(attempt, error, record.offset)
            return None
        if message is None:
            self._metrics.skipped.labels(self.source.topic).inc()
            return []
        return [Item(record, message)]

    def _accept(self, record: Record) -> None:
        subscription = self._parts.subscription
        if record.value is None and record.topic not in subscription.tombstones:
            raise RejectedMessageError("the value is null", offset=record.offset)
        size = len(record.value or b"") + len(record.key or b"")
        if size > subscription.max_value_bytes:
            reason = f"key and value are {size} bytes, more than {subscription.max_value_bytes}"
            raise RejectedMessageError(reason, offset=record.offset)

    async def _handled(self, batch: Batch[MessageT]) -> None:
        """Give the batch to the handler until it is done or the line is closed."""
        attempt = 0
        while batch.items or (self._parts.empty_batches and batch.next_position > batch.position):
            try:
                await self._one_try(batch)
                break
            except HeldError as held:
                batch, attempt = self._held(batch, held), 0
                going_on = await self.pause(held.retry_after.total_seconds())
            except RetryableError as error:
                attempt += 1
                going_on = await self._backed_off(attempt, error, batch.position)
            except RejectedMessageError as error:
                batch, going_on = await self._without_rejected(batch, error)
                attempt = 0
            if not going_on:
                return
        self.position = batch.next_position

    async def _one_try(self, batch: Batch[MessageT]) -> None:
        async with self._turn:
            with self._metrics.batch_seconds.labels(self.source.topic).time():
                await self._parts.handler(batch)

    def _held(self, batch: Batch[MessageT], held: HeldError) -> Batch[MessageT]:
        self._metrics.holds.labels(self.source.topic).inc()
        rest = batch.after(held.handled)
        if rest.position > self.position:
            self.position = rest.position
            self._moved()
        return rest

    async def _without_rejected(
        self, batch: Batch[MessageT], error: RejectedMessageError
    ) -> tuple[Batch[MessageT], bool]:
        """Return the batch without what its handler rejected, and whether to go on; as it was where it was closed."""
        offset = error.offset
        if offset is None and len(batch.items) == 1:
            offset = batch.items[0].record.offset
        rejected = next((item.record for item in batch.items if item.record.offset == offset), None)
        if offset is None or rejected is None:
            raise RuntimeError(f"a handler of {self.source.topic} rejected a message and did not say which") from error
        put_aside = await self._put_aside(rejected, "TASK_PUT", error)
        return (batch.without(offset), True) if put_aside else (batch, False)

    async def _put_aside(self, record: Record, stage: str, error: RejectedMessageError) -> bool:
        """Dead-letter a record; returns when the brokers have it, or False when the line was closed before."""
        letter = dead_letter(record, self._parts.subscription.service, stage, error)
        attempt = 0
        while True:
            try:
                await self._parts.dead_letters.send_batch([letter])
                break
            except RetryableError as failure:
                attempt += 1
                if not await self._backed_off(attempt, failure, record.offset):
                    return False
        self._metrics.dead_lettered.labels(self.source.topic).inc()
        log.warning("a record was put aside: %s", error, extra=self._place(record.offset))
        return True

    async def _backed_off(self, attempt: int, error: RetryableError, offset: int) -> bool:
        seconds = backoff_seconds(attempt)
        self._metrics.retries.labels(self.source.topic).inc()
        log.warning("trying again: %s", error, extra=self._place(offset) | {"attempt": attempt, "seconds": seconds})
        return await self.pause(seconds)

    def _moved(self) -> None:
        self.still_since = REAL_TIME.monotonic()

    def _place(self, offset: int) -> dict[str, object]:
        return {"topic": self.source.topic, "partition": self.source.partition, "offset": offset}

"""A batch of escalation events in, its notices into the ledger, in one transaction with the position."""

from collections.abc import Collection
from datetime import timedelta
from typing import Protocol

from chassis.clock import Clock
from chassis.errors import HeldError, RetryableError
from chassis.records import Batch, TopicPartition
from schemas.escalations import StreamEvent
from services.notifier.domain.notice import Plan
from services.notifier.handlers import Planner
from services.notifier.metrics import NotifierMetrics
from services.notifier.ports import Ledger, Progress

_RETRY_AFTER = timedelta(seconds=1)


class Senders(Protocol):
    """Whoever sends what is pending in the partitions we hold."""

    def hold(self, partitions: Collection[int]) -> None:
        """Begin to send for these; repeating it is harmless."""
        ...

    async def release(self, partitions: Collection[int]) -> None:
        """Send no more for these, once what is being sent is ended."""
        ...

    def wake(self) -> None:
        """Say that there is something to send."""
        ...


class NotifierStream:
    """Handles the batches of `escalations.v1` and says which partitions are ours to send for."""

    def __init__(
        self,
        planner: Planner,
        ledger: Ledger,
        dispatcher: Senders,
        relay: Senders,
        clock: Clock,
        metrics: NotifierMetrics,
    ) -> None:
        self._planner = planner
        self._ledger = ledger
        self._dispatcher = dispatcher
        self._relay = relay
        self._clock = clock
        self._metrics = metrics

    async def assigned(self, partitions: frozenset[TopicPartition]) -> None:
        """Begin on partitions: what is pending there is ours to send."""
        numbers = {source.partition for source in partitions}
        self._relay.hold(numbers)
        self._dispatcher.hold(numbers)

    async def revoked(self, partitions: frozenset[TopicPartition]) -> None:
        """Leave partitions to who holds them now, once what was being sent is ended and said."""
        numbers = {source.partition for source in partitions}
        await self._dispatcher.release(numbers)
        await self._relay.release(numbers)

    async def handle(self, batch: Batch[StreamEvent]) -> None:
        """Plan and record a batch; raises by chassis.errors, with nothing half done.

        Where an event must wait (its policy version has not come yet), those before it are recorded first.
        """
        plans, waits = self._plan(batch)
        if plans or not batch.items:
            done = batch.first(len(plans))
            await self._ledger.record(
                Progress(partition=batch.partition, position=done.position, next_position=done.next_position), plans
            )
            for plan in plans:
                self._metrics.planned(plan)
            self._dispatcher.wake()
            self._relay.wake()
        if waits is not None:
            raise waits

    def _plan(self, batch: Batch[StreamEvent]) -> tuple[list[Plan], RetryableError | None]:
        plans: list[Plan] = []
        now = self._clock.now()
        for item in batch.items:
            try:
                plans.append(self._planner.on_escalation_event(item.message, now))
            except RetryableError as error:
                later = HeldError(str(error), handled=len(plans), retry_after=_RETRY_AFTER)
                return plans, later if plans else error
        return plans, None

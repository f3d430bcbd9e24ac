"""A member of a consumer group: fetches, seeks and commits by aiokafka; knows nothing of what becomes of records."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)

from chassis.clock import REAL_TIME
from chassis.errors import RetryableError, StartUpError
from chassis.group_membership import GroupMembership
from chassis.kafka_client import connection_options, farewell, not_reached, outcome_of
from chassis.log_edges import LogEdges, OutOfLogError
from chassis.records import Record, TopicPartition
from chassis.settings import KafkaSettings
from chassis.subscription import Subscription

_POLL_MS = 500
_FETCH_WAIT_MS = 100
"""A partition that just ran dry waits for the fetch in flight, so this bounds what it adds to latency."""
_PATIENCE_MS = 24 * 3600 * 1000
"""A partition may be tried again for hours: that we still poll is told by /readyz, not by leaving the group."""
_METADATA_MS = 30_000
_LOOK_SECONDS = 0.2
_FAREWELL_SECONDS = 1.5

log = logging.getLogger(__name__)


class GroupListener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """Hands rebalances on; aiokafka swallows what a listener raises, so these must not."""

    def __init__(
        self,
        revoked: Callable[[frozenset[TopicPartition]], Awaitable[None]],
        assigned: Callable[[frozenset[TopicPartition]], None],
    ) -> None:
        self._revoked = revoked
        self._assigned = assigned

    async def on_partitions_revoked(self, revoked: Collection[KafkaPartition]) -> None:
        """Return when the partitions may go to others."""
        await self._revoked(_ours(revoked))

    async def on_partitions_assigned(self, assigned: Collection[KafkaPartition]) -> None:
        """Tell which partitions are ours now."""
        self._assigned(_ours(assigned))


class GroupReader:
    """Reads a subscription's topics as a member of its group; partitions are assigned by range."""

    def __init__(
        self, settings: KafkaSettings, subscription: Subscription, membership: GroupMembership | None = None
    ) -> None:
        self._settings = settings
        self._membership = membership
        self._subscription = subscription
        self._kafka: Any = None

    async def start(self, listener: GroupListener) -> None:
        """Begin to join; raises StartUpError if no broker answers or a topic is missing."""
        kafka = AIOKafkaConsumer(
            **connection_options(self._settings, self._subscription.service),
            group_id=self._subscription.group,
            group_instance_id=self._subscription.instance_id,
            enable_auto_commit=False,
            # A position that is not in the log is said (chassis.log_edges), never reset.
            auto_offset_reset="none",
            partition_assignment_strategy=(RangePartitionAssignor,),
            session_timeout_ms=self._settings.session_timeout_ms,
            max_poll_interval_ms=_PATIENCE_MS,
            fetch_max_wait_ms=_FETCH_WAIT_MS,
            metadata_max_age_ms=_METADATA_MS,
        )
        try:
            await kafka.start()
            await self._topics_known(kafka)
        except KafkaError as error:
            await kafka.stop()
            raise not_reached(self._settings, error) from error
        except StartUpError:
            await kafka.stop()
            raise
        self._kafka = kafka
        if self._membership is not None:
            self._membership.watch(kafka._coordinator)  # noqa: SLF001  nothing else tells of heartbeats
        # After the start, which would else wait for an assignment and could not be stopped.
        kafka.subscribe(self._subscription.topics, listener=listener)

    async def _topics_known(self, kafka: Any) -> None:
        """Return when the broker knows all topics: what is missing in an assignment stays missing until the next."""
        limit = REAL_TIME.monotonic() + self._settings.request_timeout_ms / 1000
        while missing := set(self._subscription.topics) - await kafka.topics():
            if REAL_TIME.monotonic() > limit:
                raise StartUpError(f"topics missing: {', '.join(sorted(missing))}; `escalon topics apply` creates them")
            await asyncio.sleep(_LOOK_SECONDS)

    async def stop(self) -> None:
        """Leave; a static member's partitions wait for it until the session times out."""
        if self._kafka is None:
            return
        kafka, self._kafka = self._kafka, None
        await farewell(kafka, _FAREWELL_SECONDS)

    async def fetch(
        self, partitions: Collection[TopicPartition], wake: asyncio.Event
    ) -> dict[TopicPartition, list[Record]]:
        """Return what there is, after at most half a second, or sooner with nothing when woken.

        Raises RetryableError, OutOfLogError where a position is not in the log, or KafkaError for what will not heal
        (authorization).
        """
        poll = asyncio.create_task(
            self._kafka.getmany(
                *map(_theirs, partitions), timeout_ms=_POLL_MS, max_records=self._subscription.max_records
            )
        )
        woken = asyncio.create_task(wake.wait())
        try:
            await asyncio.wait({poll, woken}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Records leave aiokafka's buffer in the step in which getmany returns, so cancelling loses none.
            woken.cancel()
            poll.cancel()
            await asyncio.wait({poll, woken})
        if poll.cancelled():
            return {}
        try:
            fetched = poll.result()
        except NoOffsetForPartitionError:
            # Of a partition that was just assigned, before `begin` sought.
            return {}
        except OffsetOutOfRangeError as error:
            raise OutOfLogError([_our(place) for place in error.args[0]]) from error
        except KafkaError as error:
            raise outcome_of(error, "fetching") from error
        return {_our(partition): [_record(found) for found in records] for partition, records in fetched.items()}

    async def begin(self, stored: Mapping[TopicPartition, int], partition: TopicPartition) -> int:
        """Seek to where a partition begins: what is stored, else what is committed, else as the subscription says.

        It always seeks, so that nothing fetched before it counts. Raises RetryableError, also when it was revoked.
        """
        place = _theirs(partition)
        try:
            position = stored.get(partition)
            if position is None:
                position = await self._kafka.committed(place)
            if position is None:
                position = await self._edge(place)
            self._kafka.seek(place, position)
        except IllegalStateError as error:
            raise RetryableError(f"{partition.topic}/{partition.partition} was revoked") from error
        except KafkaError as error:
            raise outcome_of(error, f"seeking in {partition.topic}/{partition.partition}") from error
        return int(position)

    async def _edge(self, place: KafkaPartition) -> int:
        ask = self._kafka.beginning_offsets if self._subscription.from_beginning else self._kafka.end_offsets
        offsets: dict[KafkaPartition, int] = await ask([place])
        return offsets[place]

    async def read_to(self, partition: TopicPartition) -> int | None:
        """Return up to where `fetch` has given all there is, transaction markers included; None if it was revoked.

        A marker is a record that nobody is given: without this, a partition that ends in one is never read to its end.
        """
        try:
            # No time at all: where the position is known, as after a fetch, aiokafka does not wait.
            async with asyncio.timeout(0):
                return int(await self._kafka.position(_theirs(partition)))
        except (TimeoutError, IllegalStateError):
            return None

    async def edges(self, partition: TopicPartition) -> LogEdges:
        """Ask the brokers what there is of a partition; raises RetryableError."""
        place = _theirs(partition)
        try:
            begins = await self._kafka.beginning_offsets([place])
            ends = await self._kafka.end_offsets([place])
        except KafkaError as error:
            raise outcome_of(error, "asking for the edges") from error
        return LogEdges(begins[place], ends[place])

    async def commit(self, positions: Mapping[TopicPartition, int]) -> bool:
        """Commit; False if the group has moved on, and another member begins where we last committed."""
        if not positions or self._kafka is None:
            return True
        try:
            await self._kafka.commit({_theirs(partition): position for partition, position in positions.items()})
        except (CommitFailedError, IllegalStateError) as error:
            log.info("offsets were not committed: %s", type(error).__name__)
            return False
        except KafkaError as error:
            raise outcome_of(error, "committing") from error
        return True

    def lag(self, partition: TopicPartition, position: int) -> int:
        """Return how many records are there after `position`, as far as the last fetch knew."""
        try:
            end = self._kafka.highwater(_theirs(partition))
        except IllegalStateError:
            return 0
        return max(0, (end or 0) - position)

    async def end_offsets(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Ask the brokers for the offset after the last record; raises RetryableError."""
        if self._kafka is None:
            raise RetryableError("the consumer is not connected")
        try:
            offsets = await self._kafka.end_offsets([_theirs(partition) for partition in partitions])
        except KafkaError as error:
            raise outcome_of(error, "asking for the ends") from error
        return {_our(partition): offset for partition, offset in offsets.items()}

    def partition_counts(self) -> dict[str, int]:
        """Return how many partitions each topic has."""
        return {topic: len(self._kafka.partitions_for_topic(topic) or ()) for topic in self._subscription.topics}


def _our(partition: KafkaPartition) -> TopicPartition:
    return TopicPartition(partition.topic, partition.partition)


def _ours(partitions: Collection[KafkaPartition]) -> frozenset[TopicPartition]:
    return frozenset(map(_our, partitions))


def _theirs(partition: TopicPartition) -> KafkaPartition:
    return KafkaPartition(partition.topic, partition.partition)


def _record(found: Any) -> Record:
    return Record(
        found.topic, found.partition, found.offset, found.key, found.value, tuple(found.headers), found.timestamp
    )

"""Writes records: idempotent, acknowledged by all replicas, a batch per partition."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner

from chassis.clock import REAL_TIME
from chassis.errors import LostOwnershipError
from chassis.group_membership import GroupMembership
from chassis.kafka_client import connection_options, farewell, not_reached, outcome_of
from chassis.metrics import ProducerMetrics
from chassis.records import Outgoing, TopicPartition
from chassis.settings import KafkaSettings

_BATCH_BYTES = 256 * 1024
_REQUEST_BYTES = 8 * 1024 * 1024
"""Above what a topic takes (4 MiB), so that whatever arrived can be put in a dead-letter topic."""
_FAREWELL_SECONDS = 1.5

Pending = list[tuple[TopicPartition, int, "asyncio.Future[Any]"]]


class Appended(NamedTuple):
    """Consecutive records that all replicas have: how many, and the offset of the first."""

    partition: TopicPartition
    offset: int
    records: int


class Producer:
    """An idempotent producer; an async context manager.

    Order is kept among records of one partition. Repeating a send writes again: consumers drop what they have seen.
    With `membership`, one that was frozen for a session writes nothing of what it had in hand: others may have gone on.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        client_id: str,
        metrics: ProducerMetrics | None = None,
        membership: GroupMembership | None = None,
    ) -> None:
        self._membership = membership
        self._settings = settings
        self._client_id = client_id
        self._metrics = metrics
        self._partitioner = DefaultPartitioner()
        self._partitions: dict[str, list[int]] = {}
        self._kafka: Any = None

    async def __aenter__(self) -> Self:
        """Connect; raises StartUpError if no broker answers."""
        self._kafka = AIOKafkaProducer(
            **connection_options(self._settings, self._client_id),
            enable_idempotence=True,
            acks="all",
            compression_type="lz4",
            max_batch_size=_BATCH_BYTES,
            max_request_size=_REQUEST_BYTES,
        )
        try:
            await self._kafka.start()
        except KafkaError as error:
            await self._kafka.stop()
            raise not_reached(self._settings, error) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is pending and leave; what a silent broker does not take in time is given up."""
        await farewell(self._kafka, _FAREWELL_SECONDS)

    async def send_batch(self, records: Sequence[Outgoing]) -> None:
        """Write all and return when all replicas have them.

        While brokers are silent it waits, without end: handing a batch over again would only write it twice. Raises
        RetryableError where the world may heal (a topic that is not there yet, a partition long without a leader);
        after any error some of the records may have been written. Raises LostOwnershipError where the group has been
        silent for so long that this replica may be out of it: nothing was written.
        """
        await self.append(records)

    async def append(self, records: Sequence[Outgoing]) -> list[Appended]:
        """Write as `send_batch` does, and return where it all is."""
        if self._membership is not None and self._membership.is_in_doubt():
            raise LostOwnershipError("the group was silent for a session, so others may have gone on")
        started = REAL_TIME.monotonic()
        try:
            pending: Pending = []
            for partition, group in (await self._by_partition(records)).items():
                pending += await self._hand_over(partition, group)
            appended = await self._acknowledged(pending)
        except KafkaError as error:
            raise outcome_of(error, "writing to Kafka") from error
        if self._metrics is not None:
            self._metrics.send_seconds.observe(REAL_TIME.monotonic() - started)
        return appended

    async def partition_count(self, topic: str) -> int:
        """Return how many partitions a topic has; raises RetryableError while it is not known."""
        return len(await self._partitions_of(topic))

    async def partition_of(self, topic: str, key: bytes | None) -> int:
        """Return where a key belongs: Kafka's own murmur2; any partition for no key."""
        partitions = await self._partitions_of(topic)
        if key is None:
            return random.choice(partitions)  # noqa: S311 - spreads load, guards nothing
        chosen: int = self._partitioner(key, partitions, partitions)
        return chosen

    async def _partitions_of(self, topic: str) -> list[int]:
        if topic not in self._partitions:
            try:
                self._partitions[topic] = sorted(await self._kafka.partitions_for(topic))
            except KafkaError as error:
                raise outcome_of(error, f"looking for topic {topic}") from error
        return self._partitions[topic]

    async def _by_partition(self, records: Sequence[Outgoing]) -> Mapping[TopicPartition, list[Outgoing]]:
        groups: dict[TopicPartition, list[Outgoing]] = {}
        for record in records:
            number = record.partition
            if number is None:
                number = await self.partition_of(record.topic, record.key)
            groups.setdefault(TopicPartition(record.topic, number), []).append(record)
        return groups

    async def _hand_over(self, partition: TopicPartition, records: Sequence[Outgoing]) -> Pending:
        pending: Pending = []
        batch = self._kafka.create_batch()
        for record in records:
            if not _append(batch, record):
                pending.append(await self._submit(batch, partition))
                batch = self._kafka.create_batch()
                _append(batch, record)  # The first record of a batch always fits.
        pending.append(await self._submit(batch, partition))
        return pending

    async def _submit(self, batch: Any, partition: TopicPartition) -> tuple[TopicPartition, int, "asyncio.Future[Any]"]:
        batch.close()
        count = batch.record_count()
        future = await self._kafka.send_batch(batch, partition.topic, partition=partition.partition)
        return partition, count, future

    async def _acknowledged(self, pending: Pending) -> list[Appended]:
        if not pending:
            return []
        # asyncio.wait leaves the futures alone when we are cancelled; aiokafka cannot bear a cancelled one.
        await asyncio.wait([future for _, _, future in pending])
        failures = [error for _, _, future in pending if (error := future.exception()) is not None]
        if self._metrics is not None:
            for partition, count, future in pending:
                if future.exception() is None:
                    self._metrics.records.labels(partition.topic).inc(count)
                else:
                    self._metrics.failures.labels(partition.topic).inc()
        if failures:
            self._begin_a_sequence()
            raise failures[0]
        return [Appended(partition, future.result().offset, count) for partition, count, future in pending]

    def _begin_a_sequence(self) -> None:
        """Have what comes next go under a new producer id.

        A batch that failed leaves a gap in the sequence, and the broker refuses all that comes behind one. aiokafka
        gives up what had no leader for a request's time-out (a restart of Kafka), and has no way of its own to go on.
        """
        manager = self._kafka._txn_manager  # noqa: SLF001
        manager.__init__(None, manager.transaction_timeout_ms)


def _append(batch: Any, record: Outgoing) -> bool:
    added = batch.append(timestamp=None, key=record.key, value=record.value, headers=list(record.headers))
    return added is not None

"""Reads topics in batches, in order per partition, and gives each message one of the three outcomes."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from chassis.metrics import ConsumerMetrics
from chassis.producer import Producer
from chassis.records import Batch, Record, TopicPartition
from chassis.settings import KafkaSettings

MessageT = TypeVar("MessageT")


class Positions(Protocol):
    """Where a service has stored how far it is, in the transaction of its effects."""

    async def load(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Return the next position of each partition that has one; the others begin as the group's offsets say."""
        ...


async def _nothing(_partitions: frozenset[TopicPartition]) -> None:
    """Take no notice of an assignment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What is read, as whom, and what is accepted."""

    service: str
    """Names the dead-letter topics: `<topic>.<service>.dead-letter`."""
    group: str
    topics: tuple[str, ...]
    instance_id: str | None = None
    """For static membership: unique in the group, lasting over restarts."""
    co_partitioned: bool = False
    """Same partitions of all topics, checked; handler calls for one partition number never overlap."""
    from_beginning: bool = True
    """Where a partition without any position begins."""
    tombstones: frozenset[str] = frozenset()
    """Topics on which a null value is no error."""
    max_records: int = 500
    max_value_bytes: int = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """What a service wants to know of its partitions; called before the first batch of, and after the last one."""

    positions: Positions | None = None
    metrics: ConsumerMetrics | None = None
    on_assigned: Callable[[frozenset[TopicPartition]], Awaitable[None]] = field(default=_nothing)
    on_revoked: Callable[[frozenset[TopicPartition]], Awaitable[None]] = field(default=_nothing)


class Consumer(Generic[MessageT]):
    """Reads a subscription; a component of a Lifecycle.

    `decode` returns None for a message to skip (counted), and raises RejectedMessageError or RetryableError.
    `handler` gets a batch and returns when its effects are durable; it is called with no items only where
    `Hooks.positions` is given. What it raises decides (chassis.errors): RejectedMessageError with an offset,
    RetryableError, HeldError, LostOwnershipError; anything else ends `run` with nothing committed.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        subscription: Subscription,
        decode: Callable[[Record], MessageT | None],
        handler: Callable[[Batch[MessageT]], Awaitable[None]],
        dead_letters: Producer,
        hooks: Hooks | None = None,
    ) -> None:
        self._settings = settings
        self._subscription = subscription
        self._decode = decode
        self._handler = handler
        self._dead_letters = dead_letters
        self._hooks = hooks or Hooks()

    async def run(self) -> None:
        """Read until stopped; finishes the batches in hand and commits before it returns."""
        raise NotImplementedError

    def stop(self) -> None:
        """Ask it to end."""
        raise NotImplementedError

    @property
    def assigned(self) -> frozenset[TopicPartition]:
        """Return the partitions it holds."""
        raise NotImplementedError

    def position(self, partition: TopicPartition) -> int | None:
        """Return the offset up to which all is handled (the next to handle); None if it is not held."""
        raise NotImplementedError(partition)

    async def end_offsets(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Ask the brokers for the offset after the last record; raises RetryableError."""
        raise NotImplementedError(partitions)

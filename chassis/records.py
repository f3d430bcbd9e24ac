"""What travels on a topic, as the rest of the house sees it: bytes, offsets, headers, and what a handler gets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

MessageT = TypeVar("MessageT")

Headers = tuple[tuple[str, bytes], ...]


class TopicPartition(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it was read; `timestamp_ms` is the broker's real time, never business time."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp_ms: int = 0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to be written; `partition` None means Kafka's own murmur2 of the key."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class Item(Generic[MessageT]):
    """A record beside what it was decoded to."""

    record: Record
    message: MessageT


@dataclass(frozen=True, slots=True)
class Batch(Generic[MessageT]):
    """Consecutive records of one partition, in order.

    `position` is where it began, `next_position` where the next one begins. Records between the items (undecodable
    ones) are already in the dead-letter topic, so a batch may have no items and still moves the position.
    """

    topic: str
    partition: int
    position: int
    next_position: int
    items: Sequence[Item[MessageT]]

    @property
    def source(self) -> TopicPartition:
        """Return the partition it came from."""
        return TopicPartition(self.topic, self.partition)

    def position_after(self, handled: int) -> int:
        """Return the position to store when only the first `handled` items are done."""
        if handled >= len(self.items):
            return self.next_position
        return self.items[handled - 1].record.offset + 1 if handled > 0 else self.position

    def first(self, handled: int) -> "Batch[MessageT]":
        """Return the batch of its first `handled` items; their effects are what HeldError's `handled` promises."""
        return Batch(
            self.topic, self.partition, self.position, self.position_after(handled), tuple(self.items[:handled])
        )

    def after(self, handled: int) -> "Batch[MessageT]":
        """Return what is left of it when its first `handled` items are done."""
        return Batch(
            self.topic, self.partition, self.position_after(handled), self.next_position, tuple(self.items[handled:])
        )

    def without(self, offset: int) -> "Batch[MessageT]":
        """Return the same stretch of the partition without the record at `offset`."""
        items = tuple(item for item in self.items if item.record.offset != offset)
        return Batch(self.topic, self.partition, self.position, self.next_position, items)

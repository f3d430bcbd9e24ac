"""What a consumer is told: what it reads, as whom, what it accepts, and what its service wants to know of it."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from chassis.group_membership import GroupMembership
from chassis.metrics import ConsumerMetrics
from chassis.records import TopicPartition


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
    """For static membership (KIP-345): unique in the group, lasting over restarts."""
    co_partitioned: bool = False
    """Same partitions of all topics, checked; handler calls for one partition number never overlap."""
    from_beginning: bool = True
    """Where a partition without any position begins."""
    tombstones: frozenset[str] = frozenset()
    """Topics on which a null value is no error."""
    kept_for_ever: frozenset[str] = frozenset()
    """Topics of which a lost record makes a wrong state: a reader that finds some deleted unread stops."""
    max_records: int = 500
    max_value_bytes: int = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """What a service wants to know; called before the first batch of an assignment, and after the last one."""

    positions: Positions | None = None
    metrics: ConsumerMetrics | None = None
    membership: GroupMembership | None = None
    """Told what the group answers; a producer that is given it too writes nothing when this replica may be out."""
    on_assigned: Callable[[frozenset[TopicPartition]], Awaitable[None]] = field(default=_nothing)
    on_revoked: Callable[[frozenset[TopicPartition]], Awaitable[None]] = field(default=_nothing)

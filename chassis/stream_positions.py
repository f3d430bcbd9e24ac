"""How far the source partitions of a Faust app are handled, so that what Faust reads and then loses is read again.

Faust drops what it has fetched when a rebalance comes between, takes what it never delivered for records that are not
in the log, and commits past them. Here a record is handled when it is next, and only what was handled is committed.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import faust
from faust.types import TP

from chassis.clock import REAL_TIME, Clock
from chassis.records import Record

_QUIET_SECONDS = 2.0
"""How long nothing may come of a partition before what was read of it is taken for lost."""
_AT_ONCE = 50
"""How many records are handled together at most, some 15 ms of work."""
_TRIES = 3
"""How often a record is gone back to before the log is believed to have a hole there."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Place:
    """A partition: the next offset to handle, when it last got anything, and what came instead of that record."""

    following: int
    heard_at: float
    ahead: int | None = None
    tries: int = 0


class HandledPositions:
    """Remembers of each partition which offset is to be handled next.

    `begin` when Faust has sought; `take` records, `handled` for each that was, and `passed`.
    """

    def __init__(self, clock: Clock = REAL_TIME) -> None:
        self._clock = clock
        self._places: dict[TP, _Place] = {}
        self._taken: dict[TP, int] = {}
        """By partition of the records in hand, the next offset behind them."""

    def begin(self, positions: Mapping[TP, int]) -> None:
        """Expect these offsets next, as that is where reading goes on."""
        now = self._clock.monotonic()
        self._places |= {partition: _Place(offset, now) for partition, offset in positions.items()}

    def forget(self, partitions: Iterable[TP]) -> None:
        """Expect nothing more of partitions that are given away."""
        for partition in partitions:
            self._places.pop(partition, None)

    @property
    def following(self) -> dict[TP, int]:
        """Return by partition the next offset to handle: all before it is handled."""
        return {partition: place.following for partition, place in self._places.items()}

    def take(self, partition: TP, offset: int) -> bool:
        """Take a record in hand and tell whether it is to be handled now, behind those of its partition in hand.

        Else it was, or others before it were not.
        """
        place = self._places.get(partition)
        taken = self._taken.setdefault(partition, 0 if place is None else place.following)
        if place is None:
            return False
        place.heard_at = self._clock.monotonic()
        if offset > taken:
            place.ahead = offset if place.ahead is None else min(place.ahead, offset)
        if offset != taken:
            return False
        self._taken[partition] = offset + 1
        return True

    def handled(self, partition: TP, offset: int) -> None:
        """Note that the record is done."""
        self._places[partition] = _Place(offset + 1, self._clock.monotonic())

    def passed(self) -> None:
        """Note that what is in hand is let go."""
        self._taken.clear()

    def lost(self, read: Mapping[TP, int]) -> dict[TP, int]:
        """Return by partition where to go back to: what was `read` up to there, and does not come to be handled."""
        if self._taken:
            return {}
        now = self._clock.monotonic()
        behind = {
            partition: place
            for partition, place in self._places.items()
            if read.get(partition, 0) > place.following and now - place.heard_at >= _QUIET_SECONDS
        }
        return {partition: self._gone_back_to(partition, place) for partition, place in behind.items()}

    def _gone_back_to(self, partition: TP, place: _Place) -> int:
        if place.ahead is not None and place.tries >= _TRIES:
            missing = {"topic": partition.topic, "partition": partition.partition, "offset": place.following}
            log.error("records are not in the log: going on behind them", extra=missing | {"count": place.ahead})
            self._places[partition] = place = _Place(place.ahead, place.heard_at)
        place.tries += 1
        place.ahead = None
        place.heard_at = self._clock.monotonic()
        return place.following


async def follow_in_order(
    stream: faust.StreamT[bytes],
    positions: HandledPositions,
    handle: Callable[[Sequence[faust.EventT[bytes]]], Awaitable[int]],
) -> None:
    """Handle the events of a stream when it is their turn, together those of one assignment that wait already.

    `handle` returns how many of them, from the first on, are done; fewer where their partitions were taken away.
    """
    # Faust acknowledges an event however its handling ends; here what is handled tells what is committed.
    stream.enable_acks = False
    async for event in stream.events():
        assignment = event.message.generation_id
        together = (one for one in _with_waiting(event, stream) if one.message.generation_id == assignment)
        in_turn = [one for one in together if positions.take(one.message.tp, one.message.offset)]
        done = await handle(in_turn) if in_turn else 0
        for one in in_turn[:done]:
            positions.handled(one.message.tp, one.message.offset)
        positions.passed()


def _with_waiting(event: faust.EventT[bytes], stream: faust.StreamT[bytes]) -> Iterator[faust.EventT[bytes]]:
    """Yield the event, then those that wait behind it; it costs Faust as much to give each as it does to handle it."""
    yield event
    waiting: Any = stream.channel
    for _ in range(_AT_ONCE - 1):
        if waiting.queue.empty():
            return
        yield waiting.queue.get_nowait()


def record_of(event: faust.EventT[bytes]) -> Record:
    """Return what an event was read from."""
    message = event.message
    return Record(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        key=message.key,
        value=message.value,
        headers=tuple(dict(message.headers or ()).items()),
        timestamp_ms=int((message.timestamp or 0) * 1000),
    )

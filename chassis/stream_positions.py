"""How far the source partitions of a Faust app are handled, so that what Faust reads and then loses is read again.

Faust drops what it has fetched when a rebalance comes between, takes what it never delivered for records that are not
in the log, and commits past them. Here a record is handled when it is next, and only what was handled is committed.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

import faust
from faust.types import TP

from chassis.clock import REAL_TIME, Clock

_QUIET_SECONDS = 2.0
"""How long nothing may come of a partition before what was read of it is taken for lost."""
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

    `begin` when Faust has sought; for each record `is_next`, `handled` where it was, and `passed`.
    """

    def __init__(self, clock: Clock = REAL_TIME) -> None:
        self._clock = clock
        self._places: dict[TP, _Place] = {}
        self._has_one_in_hand = False

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

    def is_next(self, partition: TP, offset: int) -> bool:
        """Take a record in hand and tell whether it is to be handled now; else it was, or others before it were not."""
        self._has_one_in_hand = True
        place = self._places.get(partition)
        if place is None:
            return False
        place.heard_at = self._clock.monotonic()
        if offset > place.following:
            place.ahead = offset if place.ahead is None else min(place.ahead, offset)
        return offset == place.following

    def handled(self, partition: TP, offset: int) -> None:
        """Note that the record is done."""
        self._places[partition] = _Place(offset + 1, self._clock.monotonic())

    def passed(self) -> None:
        """Note that the record in hand is let go."""
        self._has_one_in_hand = False

    def lost(self, read: Mapping[TP, int]) -> dict[TP, int]:
        """Return by partition where to go back to: what was `read` up to there, and does not come to be handled."""
        if self._has_one_in_hand:
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
    stream: faust.StreamT[bytes], positions: HandledPositions, handle: Callable[[faust.EventT[bytes]], Awaitable[bool]]
) -> None:
    """Handle each event of a stream when it is its turn; one for which `handle` returns False is not done."""
    # Faust acknowledges an event however its handling ends; here what is handled tells what is committed.
    stream.enable_acks = False
    async for event in stream.events():
        partition, offset = event.message.tp, event.message.offset
        if positions.is_next(partition, offset) and await handle(event):
            positions.handled(partition, offset)
        positions.passed()

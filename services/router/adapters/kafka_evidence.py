"""What may refute a finding and how far it is read: the classifier's progress, and commands to the end they had."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from chassis.clock import Clock
from chassis.records import TopicPartition
from schemas.catalogue import COMMANDS
from services.router.domain.evidence import Evidence


class InputProgress(Protocol):
    """How far the inputs are; `chassis.consumer.Consumer` is one."""

    def position(self, partition: TopicPartition) -> int | None:
        """Return the offset up to which all is handled; None for a partition that is not held."""
        ...

    async def end_offsets(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Return the offset after the last record; raises RetryableError."""
        ...


@dataclass(frozen=True, slots=True)
class _Arrival:
    """When a finding was first seen, and where commands ended then."""

    at: float
    commands_end: int


class KafkaEvidence:
    """Gathers evidence per partition, in memory: what is forgotten is gathered again, and findings wait for it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._inputs: InputProgress | None = None
        self._classified_until: dict[int, datetime] = {}
        self._progressed_at: dict[int, float] = {}
        self._arrivals: dict[int, dict[int, _Arrival]] = {}

    def follow(self, inputs: InputProgress) -> None:
        """Say whom to ask how far the inputs are; needed before the first finding."""
        self._inputs = inputs

    def progressed(self, partition: int, reached_at: datetime) -> None:
        """Note that all facts of a partition up to this instant are stored."""
        known = self._classified_until.get(partition)
        if known is None or reached_at > known:
            self._progressed_at[partition] = self._clock.monotonic()
        self._classified_until[partition] = reached_at if known is None else max(known, reached_at)

    async def arrived(self, partition: int, begins_at: int, offsets: Iterable[int]) -> None:
        """Note findings that are seen for the first time; what lies before `begins_at` is done and forgotten."""
        known = {at: seen for at, seen in self._arrivals.get(partition, {}).items() if at >= begins_at}
        new = [offset for offset in offsets if offset not in known]
        if new and self._inputs is not None:
            commands = TopicPartition(COMMANDS.name, partition)
            end = (await self._inputs.end_offsets([commands]))[commands]
            arrival = _Arrival(self._clock.monotonic(), end)
            known.update(dict.fromkeys(new, arrival))
        self._arrivals[partition] = known

    def of(self, partition: int, offset: int) -> Evidence:
        """Return the evidence for a finding; for one whose arrival was not noted, commands count as unread."""
        arrival = self._arrivals.get(partition, {}).get(offset)
        commands = TopicPartition(COMMANDS.name, partition)
        read_to = None if self._inputs is None else self._inputs.position(commands)
        waited = 0.0 if arrival is None else self._clock.monotonic() - arrival.at
        return Evidence(
            classified_until=self._classified_until.get(partition),
            commands_read=arrival is not None and read_to is not None and read_to >= arrival.commands_end,
            held_for=timedelta(seconds=waited),
        )

    def progress_age(self) -> timedelta:
        """Return for how long the classifier got no further, in real time, where that is longest; 0 with nothing held.

        A partition counts from when it was assigned.
        """
        oldest = min(self._progressed_at.values(), default=None)
        return timedelta(seconds=0.0 if oldest is None else self._clock.monotonic() - oldest)

    def hold(self, partitions: Iterable[int]) -> None:
        """Begin on partitions that were assigned: nothing that was known of them counts."""
        for partition in partitions:
            self.forget((partition,))
            self._progressed_at[partition] = self._clock.monotonic()

    def forget(self, partitions: Iterable[int]) -> None:
        """Forget partitions that are held no longer."""
        for partition in partitions:
            self._classified_until.pop(partition, None)
            self._progressed_at.pop(partition, None)
            self._arrivals.pop(partition, None)

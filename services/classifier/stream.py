"""A batch of ticket events in, their facts with verdicts out to the same partition; and how far that is."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple, Protocol

from chassis.clock import REAL_TIME, Clock
from chassis.dead_letters import RecordSink
from chassis.errors import LostOwnershipError, RetryableError
from chassis.records import Batch, Item, Outgoing, TopicPartition
from policy.model import VersionedPolicy
from schemas.catalogue import CLASSIFICATIONS, TICKETS
from schemas.classifications import TicketClassified
from schemas.codec import Codec
from schemas.envelope import headers_of
from schemas.message import Message
from schemas.tickets import TicketEvent
from services.classifier.handlers import Classifier, progressed
from services.classifier.metrics import ClassifierMetrics
from wire.reference_data import PolicyRegistry

_SLICE = 100
"""Tickets whose output is written at once."""
_TURN_SECONDS = 0.004
"""Partitions are judged side by side: how long one goes on before the others, and the progress, have their turn."""
_LOOK_SECONDS = 0.05
_MARK_SECONDS = 0.14
"""With the time between two looks well below the 250 ms that are promised (architecture, "Races, decided")."""
_MOST_MARKS = 1_000

log = logging.getLogger(__name__)


class Ends(Protocol):
    """What is held and where it ends; chassis.consumer.Consumer is one."""

    @property
    def assigned(self) -> frozenset[TopicPartition]:
        """Return the partitions held."""
        ...

    def position(self, partition: TopicPartition) -> int | None:
        """Return the offset up to which all is handled."""
        ...

    async def end_offsets(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Return the offset after the last record; raises RetryableError."""
        ...


class Mark(NamedTuple):
    """Where a partition ended at a business time."""

    at: datetime
    end: int


class Output(NamedTuple):
    """An event and the partition it belongs on."""

    partition: int
    message: Message


class KafkaOutput:
    """Writes events of the classifier to partitions, and returns when they are durable."""

    def __init__(self, sink: RecordSink, codec: Codec) -> None:
        self._sink = sink
        self._codec = codec

    async def send(self, outputs: Iterable[Output]) -> None:
        """Write to these very partitions, each in order; raises RetryableError."""
        await self._sink.send_batch([self._outgoing(output) for output in outputs])

    def _outgoing(self, output: Output) -> Outgoing:
        message = output.message
        key = message.meta.correlation_id.encode()
        value = self._codec.encode(message)
        return Outgoing(CLASSIFICATIONS.name, key, value, headers_of(message), output.partition)


class ClassifierStream:
    """Handles the batches of `tickets.v1`; knows of each partition how far its output is durable."""

    def __init__(
        self,
        classifier: Classifier,
        policies: PolicyRegistry,
        output: KafkaOutput,
        clock: Clock,
        metrics: ClassifierMetrics,
    ) -> None:
        self._classifier = classifier
        self._policies = policies
        self._output = output
        self._clock = clock
        self._metrics = metrics
        self._done: dict[TopicPartition, int] = {}

    async def handle(self, batch: Batch[TicketEvent]) -> None:
        """Judge in order and return when all is written; repeating it writes the same again.

        Raises RetryableError while no policy is published or Kafka does not take the output.
        """
        policy = self._policies.latest()
        for part in _slices(batch.items):
            classified = await self._judged(part, policy)
            await self._output.send(Output(batch.partition, message) for message in classified)
            self._done[batch.source] = part[-1].record.offset + 1
        self._done[batch.source] = batch.next_position

    def done(self, partition: TopicPartition) -> int:
        """Return the offset up to which the output is durable; 0 for a partition of which nothing was handled."""
        return self._done.get(partition, 0)

    async def reassigned(self, _partitions: frozenset[TopicPartition]) -> None:
        """Forget how far partitions were: another replica may have gone on since."""
        self._done.clear()

    async def _judged(self, part: Sequence[Item[TicketEvent]], policy: VersionedPolicy) -> list[TicketClassified]:
        classified: list[TicketClassified] = []
        turn = REAL_TIME.monotonic()
        for item in part:
            classified.append(self._judged_one(item.message, policy))
            if REAL_TIME.monotonic() - turn > _TURN_SECONDS:
                await asyncio.sleep(0)
                turn = REAL_TIME.monotonic()
        return classified

    def _judged_one(self, event: TicketEvent, policy: VersionedPolicy) -> TicketClassified:
        with self._metrics.judging_seconds.time():
            classified = self._classifier.on_ticket_event(event, policy, self._clock.now())
        self._metrics.judged(classified)
        return classified


class ProgressTeller:
    """Says of each partition held up to which business time all that had arrived is judged; a component.

    Where a partition ends is asked after the time was read, so whatever had arrived by then stands before that end;
    once the output of all before it is durable, that time is behind us. Such marks queue up while there is a backlog,
    so the time advances under steady load too.
    """

    def __init__(
        self,
        ends: Ends,
        done: Callable[[TopicPartition], int],
        output: KafkaOutput,
        clock: Clock,
        metrics: ClassifierMetrics,
    ) -> None:
        self._ends = ends
        self._done = done
        self._output = output
        self._clock = clock
        self._metrics = metrics
        self._marks: dict[TopicPartition, deque[Mark]] = {}
        self._marked_at = -_MARK_SECONDS
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Tell until stopped; brokers that do not answer are asked again."""
        while not self._stopping.is_set():
            try:
                await self.tell()
            except (RetryableError, LostOwnershipError) as error:
                log.warning("progress is told later: %s", error)
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._stopping.wait()

    def stop(self) -> None:
        """Ask it to end; safe to repeat."""
        self._stopping.set()

    async def tell(self) -> None:
        """Note where the partitions end now and then, and tell what is reached."""
        held = {partition for partition in self._ends.assigned if partition.topic == TICKETS.name}
        self._marks = {partition: self._marks.get(partition, deque()) for partition in held}
        if held and self._clock.monotonic() - self._marked_at >= _MARK_SECONDS:
            await self._mark(held)
        reached = {partition: at for partition in sorted(held) if (at := self._reached(partition)) is not None}
        if reached:
            now = self._clock.now()
            await self._output.send(
                Output(source.partition, progressed(source.partition, at, now)) for source, at in reached.items()
            )
        for partition, at in reached.items():
            self._metrics.progress_timestamp_seconds.labels(str(partition.partition)).set(at.timestamp())

    async def _mark(self, held: Collection[TopicPartition]) -> None:
        self._marked_at = self._clock.monotonic()
        at = self._clock.now()
        for partition, end in (await self._ends.end_offsets(held)).items():
            marks = self._marks[partition]
            if marks and (marks[-1].end == end or len(marks) >= _MOST_MARKS):
                marks.pop()
            marks.append(Mark(at, end))

    def _reached(self, partition: TopicPartition) -> datetime | None:
        """Return the time of the latest mark that is behind us, and forget it and those before it."""
        position = self._ends.position(partition)
        marks = self._marks[partition]
        reached_at = None
        while position is not None and marks and max(position, self._done(partition)) >= marks[0].end:
            reached_at = marks.popleft().at
        return reached_at


def _slices(items: Sequence[Item[TicketEvent]]) -> Iterator[Sequence[Item[TicketEvent]]]:
    for start in range(0, len(items), _SLICE):
        yield items[start : start + _SLICE]

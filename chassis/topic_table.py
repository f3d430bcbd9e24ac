"""A compacted topic as a table in memory: read to its end before it is ready, followed from then on."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from chassis.backoff import backoff_seconds
from chassis.errors import EscalonError, RejectedMessageError, RetryableError, StartUpError
from chassis.kafka_client import connection_options, farewell, not_reached, outcome_of
from chassis.records import Record
from chassis.settings import KafkaSettings

_POLL_MS = 500
_FAREWELL_SECONDS = 1.0

log = logging.getLogger(__name__)


class TopicTable:
    """Feeds every record of a topic to `fold`, in order per partition; a component of a Lifecycle.

    `fold` may raise RejectedMessageError (logged, skipped) or RetryableError (tried again, nothing of this topic
    overtakes it). A null value is a deletion, and for `fold` to understand.
    """

    def __init__(self, topic: str, settings: KafkaSettings, fold: Callable[[Record], None]) -> None:
        self.topic = topic
        self._settings = settings
        self.fold = fold
        self._behind: dict[KafkaPartition, int] | None = None
        self._lag = 0
        self._folded = asyncio.Condition()
        self._stopping = asyncio.Event()

    @property
    def ready(self) -> bool:
        """Tell whether all that was there at the start has been folded."""
        return self._behind is not None and not self._behind

    @property
    def lag(self) -> int:
        """Return how many records were there and not folded, as far as the last fetch knew."""
        return self._lag

    def check(self) -> str | None:
        """Tell /readyz what is wrong."""
        return None if self.ready else f"{self.topic} is not read to its end yet"

    async def run(self) -> None:
        """Read until stopped; raises StartUpError if no broker answers or the topic is missing."""
        kafka: Any = AIOKafkaConsumer(
            self.topic,
            **connection_options(self._settings, "topic-table"),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        try:
            await self._start(kafka)
            while not self._stopping.is_set():
                await self._follow(kafka)
        finally:
            await farewell(kafka, _FAREWELL_SECONDS)

    def stop(self) -> None:
        """Ask it to end; safe to repeat."""
        self._stopping.set()

    async def until_ready(self) -> None:
        """Return when it is ready."""
        await self.wait_for(lambda: True)

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Return when the table is ready and the condition holds; it is looked at after every fold."""
        async with self._folded:
            await self._folded.wait_for(lambda: self.ready and condition())

    async def _start(self, kafka: Any) -> None:
        try:
            await kafka.start()
            places: list[KafkaPartition] = sorted(kafka.assignment())
            begins: dict[KafkaPartition, int] = await kafka.beginning_offsets(places)
            ends: dict[KafkaPartition, int] = await kafka.end_offsets(places)
        except UnknownTopicOrPartitionError as error:
            raise StartUpError(f"topic {self.topic} is missing: create it with `escalon topics apply`") from error
        except KafkaError as error:
            raise not_reached(self._settings, error) from error
        self._behind = {place: end for place, end in ends.items() if end > begins[place]}
        await self._tell()

    async def _follow(self, kafka: Any) -> None:
        try:
            fetched: dict[KafkaPartition, list[Any]] = await kafka.getmany(timeout_ms=_POLL_MS)
        except KafkaError as error:
            outcome = outcome_of(error, f"reading {self.topic}")
            if not isinstance(outcome, EscalonError):
                raise
            await self._pause(1, outcome)
            return
        for records in fetched.values():
            for found in records:
                await self._take(
                    Record(
                        found.topic,
                        found.partition,
                        found.offset,
                        found.key,
                        found.value,
                        tuple(found.headers),
                        found.timestamp,
                    )
                )
        if fetched:
            places = kafka.assignment()
            self._lag = sum([max((kafka.highwater(place) or 0) - await kafka.position(place), 0) for place in places])
        await self._caught_up(kafka)

    async def _take(self, record: Record) -> None:
        attempt = 0
        while not self._stopping.is_set():
            try:
                self.fold(record)
            except RejectedMessageError as error:
                log.warning("a record was skipped: %s", error, extra=_place(record))
            except RetryableError as error:
                attempt += 1
                await self._pause(attempt, error)
                continue
            break
        await self._tell()

    async def _caught_up(self, kafka: Any) -> None:
        """Forget the partitions whose position has passed the end they had at the start."""
        if not self._behind:
            return
        for place, end in tuple(self._behind.items()):
            # The position, not the last record's offset: compaction and control records leave gaps before the end.
            if await kafka.position(place) >= end:
                del self._behind[place]
        await self._tell()

    async def _tell(self) -> None:
        async with self._folded:
            self._folded.notify_all()

    async def _pause(self, attempt: int, error: EscalonError) -> None:
        log.warning("trying again: %s", error, extra={"topic": self.topic, "attempt": attempt})
        with suppress(TimeoutError):
            async with asyncio.timeout(backoff_seconds(attempt)):
                await self._stopping.wait()


def _place(record: Record) -> dict[str, object]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}

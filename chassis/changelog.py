"""Reads a partition of a compacted changelog as fast as a client can, from an offset to an end."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from chassis.kafka_client import connection_options
from chassis.settings import KafkaSettings

_FETCH_BYTES = 4 * 1024 * 1024
_POLL_MS = 200
_FETCH_WAIT_MS = 10
"""Short: the first fetch, before `read` has sought, is for what there is none of, and the next one waits behind it."""

_OPENING_SECONDS = 2.0
"""How long an opening that is cancelled may go on, until its connections are there."""


class Entry(NamedTuple):
    """A record of a changelog; a value of None deletes the key's row."""

    offset: int
    key: bytes
    value: bytes | None


class ChangelogReader:
    """Reads one partition, of no group. `span` is the first offset there is, and the one behind the last."""

    def __init__(self, consumer: Any, place: TopicPartition, span: tuple[int, int]) -> None:
        self._consumer = consumer
        self._place = place
        self.span = span

    async def read(self, begin: int, end: int, at_once: int) -> AsyncGenerator[Sequence[Entry], None]:
        """Yield what stands from `begin` up to before `end`, so many at a time; the offsets may have gaps."""
        self._consumer.seek(self._place, begin)
        while await self._consumer.position(self._place) < end:
            polled = await self._consumer.getmany(self._place, timeout_ms=_POLL_MS, max_records=at_once)
            records = polled.get(self._place, ())
            yield [Entry(one.offset, one.key or b"", one.value) for one in records if one.offset < end]


@asynccontextmanager
async def a_changelog_reader(settings: KafkaSettings, topic: str, partition: int) -> AsyncIterator[ChangelogReader]:
    """Give a reader; raises KafkaError where no broker answers, and while it reads."""
    consumer: Any = AIOKafkaConsumer(
        **connection_options(settings, "changelog"),
        enable_auto_commit=False,
        max_partition_fetch_bytes=_FETCH_BYTES,
        fetch_max_wait_ms=_FETCH_WAIT_MS,
    )
    # aiokafka does not stop any more where partitions are assigned a second time: a consumer for each.
    place = TopicPartition(topic, partition)
    consumer.assign([place])
    # Nor does it close a connection whose making is cancelled: what opens them goes on until they are there.
    opening = asyncio.ensure_future(_opened(consumer, place))
    try:
        yield await asyncio.shield(opening)
    finally:
        await asyncio.wait({opening}, timeout=_OPENING_SECONDS)
        opening.cancel()
        await consumer.stop()


async def _opened(consumer: Any, place: TopicPartition) -> ChangelogReader:
    await consumer.start()
    begins, ends = await consumer.beginning_offsets([place]), await consumer.end_offsets([place])
    return ChangelogReader(consumer, place, (begins[place], ends[place]))

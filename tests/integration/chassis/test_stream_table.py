"""Rows with versions on a real Kafka: what a replica wrote too late is passed over, in memory, on disk and anew."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition

from chassis.producer import Producer
from chassis.records import Outgoing
from chassis.settings import KafkaSettings
from chassis.stream_app import StreamAppRunner, build_stream_app, rows_are_there
from chassis.stream_positions import follow_in_order
from chassis.stream_table import VersionedTable
from tests.harness.topics import create_topics
from tests.harness.waiting import eventually

KEY = b"key"


class Ledger:
    """A stream app that keeps the last value of a key; the value is its version."""

    def __init__(self, settings: KafkaSettings, name: str, storage: Path) -> None:
        self.app = build_stream_app(settings, name, storage, partitions=1)
        topic = self.app.topic(
            f"{name}.in", key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )
        self.rows: Any = VersionedTable(self.app, "rows", int)
        self.app.tables.add(self.rows)
        self.app.agent(topic)(self._follow)

    async def _follow(self, stream: Any) -> None:
        await follow_in_order(stream, self.app.positions, self._keep)

    async def _keep(self, events: Any) -> int:
        for event in events:
            self.rows.put(event.message.partition, event.key, event.value)
        return len(events)

    def row(self) -> bytes | None:
        """Return the row, once all are there."""
        if not rows_are_there(self.app):
            return None
        found: bytes | None = self.rows.get(KEY)
        return found


@asynccontextmanager
async def _running(ledger: Ledger) -> AsyncIterator[Ledger]:
    runner = StreamAppRunner(ledger.app)
    task = asyncio.create_task(runner.run())
    yield ledger
    runner.stop()
    async with asyncio.timeout(10):
        await task


async def _end_of(settings: KafkaSettings, topic: str) -> int:
    consumer: Any = AIOKafkaConsumer(bootstrap_servers=settings.bootstrap_servers)
    await consumer.start()
    try:
        partition = KafkaPartition(topic, 0)
        return int((await consumer.end_offsets([partition]))[partition])
    finally:
        await consumer.stop()


async def test_what_a_replica_writes_after_it_lost_the_partition_replaces_no_newer_row(
    kafka: str, unique: str, tmp_path: Path
) -> None:
    settings = KafkaSettings(bootstrap_servers=kafka, session_timeout_ms=6000)
    await create_topics(kafka, f"{unique}.in")
    changelog = f"{unique}-rows-changelog"

    async def has_written(count: int) -> bool:
        return await _end_of(settings, changelog) == count

    async with Producer(settings, "test") as others, _running(Ledger(settings, unique, tmp_path / "first")) as first:
        await others.send_batch([Outgoing(f"{unique}.in", KEY, b"1")])
        await eventually(lambda: first.row() == b"1", 60)
        await eventually(lambda: has_written(1), 60)
        # Another replica has the partition by now and writes; the first one does not know yet.
        await others.send_batch([Outgoing(changelog, KEY, b"3")])
        await others.send_batch([Outgoing(f"{unique}.in", KEY, b"2")])
        await eventually(lambda: has_written(3), 60)

    for disk in ("first", "another"):
        async with _running(Ledger(settings, unique, tmp_path / disk)) as again:
            assert await eventually(again.row, 60) == b"3", disk

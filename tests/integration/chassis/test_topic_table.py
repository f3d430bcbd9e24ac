"""A topic as a table, on a real Kafka."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chassis.errors import RejectedMessageError, RetryableError, StartUpError
from chassis.producer import Producer
from chassis.records import Outgoing, Record
from chassis.settings import KafkaSettings
from chassis.topic_table import TopicTable
from tests.harness.topics import create_topics
from tests.harness.waiting import eventually


class Rows:
    """The rows a table folds to; a value of "garbage" is refused, one of "early" once."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}
        self.early = 1

    def fold(self, record: Record) -> None:
        """Take a record."""
        assert record.key is not None
        if record.value == b"garbage":
            raise RejectedMessageError("no row")
        if record.value == b"early" and self.early:
            self.early -= 1
            raise RetryableError("its schema has not come yet")
        if record.value is None:
            self.rows.pop(record.key, None)
        else:
            self.rows[record.key] = record.value


@asynccontextmanager
async def _running(table: TopicTable) -> AsyncIterator[None]:
    task = asyncio.create_task(table.run())
    try:
        yield
    finally:
        table.stop()
        await task


def _put(topic: str, key: str, value: str | None) -> Outgoing:
    return Outgoing(topic, key.encode(), None if value is None else value.encode())


async def test_it_is_ready_when_all_that_was_there_is_folded_and_follows_from_then_on(kafka: str, unique: str) -> None:
    settings, rows = KafkaSettings(bootstrap_servers=kafka), Rows()
    await create_topics(kafka, unique, partitions=3)
    async with Producer(settings, "test") as producer:
        await producer.send_batch([_put(unique, f"k{number}", "old") for number in range(500)])
        await producer.send_batch([_put(unique, "k7", "new"), _put(unique, "k8", None)])
        table = TopicTable(unique, settings, rows.fold)
        assert table.check() is not None
        async with _running(table):
            async with asyncio.timeout(20):
                await table.until_ready()
            assert len(rows.rows) == 499
            assert rows.rows[b"k7"] == b"new"
            await producer.send_batch([_put(unique, "later", "row")])
            async with asyncio.timeout(20):
                await table.wait_for(lambda: b"later" in rows.rows)
            assert table.check() is None


async def test_an_empty_topic_is_ready_at_once(kafka: str, unique: str) -> None:
    await create_topics(kafka, unique)
    table = TopicTable(unique, KafkaSettings(bootstrap_servers=kafka), Rows().fold)
    async with _running(table), asyncio.timeout(20):
        await table.until_ready()


async def test_garbage_is_skipped_and_what_comes_too_early_waits_for_its_turn(kafka: str, unique: str) -> None:
    settings, rows = KafkaSettings(bootstrap_servers=kafka), Rows()
    await create_topics(kafka, unique)
    async with Producer(settings, "test") as producer:
        await producer.send_batch([_put(unique, "a", "garbage"), _put(unique, "b", "early"), _put(unique, "b", "late")])
    table = TopicTable(unique, settings, rows.fold)
    async with _running(table), asyncio.timeout(20):
        await table.until_ready()
    assert rows.rows == {b"b": b"late"}


async def test_it_is_ready_again_after_compaction_and_deletions_left_gaps_at_the_end(kafka: str, unique: str) -> None:
    settings, rows = KafkaSettings(bootstrap_servers=kafka), Rows()
    await create_topics(kafka, unique)
    async with Producer(settings, "test") as producer:
        await producer.send_batch([_put(unique, "a", "1"), _put(unique, "a", None)])
    table = TopicTable(unique, settings, rows.fold)
    async with _running(table):
        await eventually(lambda: table.ready)
    assert rows.rows == {}


async def test_a_missing_topic_is_a_start_up_error(kafka: str, unique: str) -> None:
    settings = KafkaSettings(bootstrap_servers=kafka, request_timeout_ms=1000)
    with pytest.raises(StartUpError, match=f"topic {unique} is missing"):
        await TopicTable(unique, settings, Rows().fold).run()

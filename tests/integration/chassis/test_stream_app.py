"""The Faust app of the chassis on a real Kafka: rows last, and what an agent failed on comes again."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from faust.transport.consumer import Consumer

from chassis.errors import RejectedMessageError, RetryableError
from chassis.producer import Appended, Producer
from chassis.records import Outgoing
from chassis.settings import KafkaSettings
from chassis.stream_app import StreamAppRunner, build_stream_app, rows_are_there
from chassis.stream_positions import follow_in_order
from chassis.stream_table import VersionedTable
from tests.harness.topics import create_topics
from tests.harness.waiting import eventually, hold

PARTITIONS = 2


@dataclass
class Ledger:
    """A stream app that keeps the last value of each key.

    It fails once on "boom" while it is explosive, and handles nothing that is refused.
    """

    settings: KafkaSettings
    name: str
    storage: Path
    explosive: bool = False
    refused: bytes | None = None
    room: int | None = None
    pause_seconds: float = 0.0
    seen: list[bytes] = field(default_factory=list)
    rows: Any = None
    app: Any = None

    def runner(self) -> StreamAppRunner:
        """Return the app, not running yet."""
        self.app = app = build_stream_app(self.settings, self.name, self.storage, partitions=PARTITIONS)
        if self.room is not None:
            app.conf.stream_buffer_maxsize = self.room
        topic = app.topic(
            f"{self.name}.in", key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )
        self.rows = VersionedTable(app, "rows", len)
        app.tables.add(self.rows)
        app.agent(topic)(self._follow)
        return StreamAppRunner(app)

    async def _follow(self, stream: Any) -> None:
        await follow_in_order(stream, self.app.positions, self._keep)

    async def _keep(self, events: Any) -> int:
        await hold(self.pause_seconds)
        for done, event in enumerate(events):
            if event.value == b"boom" and self.explosive:
                raise ZeroDivisionError
            if event.value == self.refused:
                return done
            self.rows.put(event.message.partition, event.key, event.value)
            self.seen.append(event.value)
        return len(events)


@pytest.fixture
async def ledger(kafka: str, unique: str, tmp_path: Path) -> Ledger:
    await create_topics(kafka, f"{unique}.in", partitions=PARTITIONS)
    return Ledger(KafkaSettings(bootstrap_servers=kafka, session_timeout_ms=6000), unique, tmp_path)


@asynccontextmanager
async def _running(ledger: Ledger) -> AsyncIterator["asyncio.Task[None]"]:
    runner = ledger.runner()
    task = asyncio.create_task(runner.run())
    yield task
    # A row that reaches the changelog after Faust has closed its store opens it again, and keeps it from the next app.
    await ledger.app.producer.flush()
    runner.stop()
    async with asyncio.timeout(10):
        await task


async def _send(ledger: Ledger, *values: str) -> None:
    async with Producer(ledger.settings, "test") as producer:
        await producer.send_batch([Outgoing(f"{ledger.name}.in", value.encode(), value.encode()) for value in values])


async def test_rows_and_position_last_over_a_restart(ledger: Ledger) -> None:
    await _send(ledger, "one", "two")
    async with _running(ledger):
        await eventually(lambda: len(ledger.seen) == 2)
    await _send(ledger, "three")
    async with _running(ledger):
        await eventually(lambda: b"three" in ledger.seen)
        assert dict(ledger.rows.items()) == {
            b"one": b"one",
            b"two": b"two",
            b"three": b"three",
        }
    assert sorted(ledger.seen) == [b"one", b"three", b"two"]


async def test_rows_come_back_from_the_changelog_when_the_disk_is_lost(ledger: Ledger, tmp_path: Path) -> None:
    await _send(ledger, "one", "two")
    async with _running(ledger):
        await eventually(lambda: len(ledger.seen) == 2)
    ledger.storage = tmp_path / "another"
    await _send(ledger, "three")
    async with _running(ledger):
        await eventually(lambda: b"three" in ledger.seen)
        assert len(dict(ledger.rows.items())) == 3


@pytest.mark.expects_errors
async def test_a_bug_in_an_agent_ends_the_app_and_its_event_comes_again(ledger: Ledger) -> None:
    ledger.explosive = True
    await _send(ledger, "boom")
    with pytest.raises(ZeroDivisionError):
        async with asyncio.timeout(30):
            await ledger.runner().run()
    ledger.explosive = False
    async with _running(ledger):
        await eventually(lambda: ledger.seen == [b"boom"], within=40)


async def test_a_record_for_which_there_is_no_room_waits_for_some(ledger: Ledger) -> None:
    values = [f"value-{number}" for number in range(200)]
    await _send(ledger, *values)
    ledger.pause_seconds, ledger.room = 0.02, 3
    async with _running(ledger):
        await eventually(lambda: len(ledger.seen) == 200, within=40)
    assert sorted(ledger.seen) == sorted(value.encode() for value in values)


async def test_what_faust_reads_and_drops_is_read_again(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    getmany = Consumer.getmany
    dropped: list[object] = []

    async def dropping(consumer: Any, **options: float) -> AsyncIterator[Any]:
        async for place, message in getmany(consumer, **options):
            if place.topic.endswith(".in") and len(dropped) < 3:
                dropped.append(message.value)
            else:
                yield place, message

    monkeypatch.setattr(Consumer, "getmany", dropping)
    await _send(ledger, "one", "two", "three", "four")
    async with _running(ledger):
        await eventually(lambda: len(ledger.seen) == 4)
    assert sorted(ledger.seen) == [b"four", b"one", b"three", b"two"]
    assert len(dropped) == 3


async def test_only_what_was_handled_is_committed_and_the_rest_comes_again(ledger: Ledger) -> None:
    ledger.refused = b"two"
    await _send(ledger, "one", "two", "three")
    async with _running(ledger):
        await eventually(lambda: b"one" in ledger.seen)
        await ledger.app.consumer.commit()
    assert b"two" not in ledger.seen
    ledger.refused = None
    async with _running(ledger):
        await eventually(lambda: set(ledger.seen) == {b"one", b"two", b"three"})


@pytest.mark.parametrize("reassigned", [False, True])
async def test_nothing_is_committed_before_what_follows_from_it_is_durable(ledger: Ledger, reassigned: bool) -> None:
    async def lost() -> bool:
        ledger.app.consumer_generation_id += reassigned
        return reassigned

    await _send(ledger, "one")
    async with _running(ledger):
        ledger.app.before_commit.append(lost)
        await eventually(lambda: ledger.seen == [b"one"])
        assert not await ledger.app.consumer.commit()
    async with _running(ledger):
        await eventually(lambda: ledger.seen == [b"one", b"one"])
        assert await ledger.app.consumer.commit()
    async with _running(ledger):
        await _send(ledger, "two")
        await eventually(lambda: ledger.seen == [b"one", b"one", b"two"])


async def test_a_flush_waits_for_every_row(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Outgoing] = []
    append = Producer.append

    async def slowly(producer: Producer, records: Sequence[Outgoing]) -> list[Appended]:
        await hold(0.3)
        appended = await append(producer, records)
        written.extend(record for record in records if record.topic.endswith("changelog"))
        return appended

    monkeypatch.setattr(Producer, "append", slowly)
    await _send(ledger, "one", "two", "three")
    async with _running(ledger):
        await eventually(lambda: len(ledger.seen) == 3)
        await ledger.app.producer.flush()
        assert len(written) == 3


async def test_a_flush_ends_while_more_is_put(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    append = Producer.append

    async def while_another_is_put(producer: Producer, records: Sequence[Outgoing]) -> list[Appended]:
        if not flushed.is_set():
            ledger.rows.put(0, b"one", b"one")
        return await append(producer, records)

    flushed = asyncio.Event()
    await _send(ledger, "one")
    monkeypatch.setattr(Producer, "append", while_another_is_put)
    async with _running(ledger):
        await eventually(lambda: ledger.seen)
        async with asyncio.timeout(10):
            await ledger.app.producer.flush()
        flushed.set()


async def test_rows_that_cannot_be_written_yet_are_written_in_their_order(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, failures = Producer.append, iter([True, True])

    async def failing_at_first(producer: Producer, records: Sequence[Outgoing]) -> list[Appended]:
        if next(failures, False):
            raise RetryableError("no leader")
        return await append(producer, records)

    await _send(ledger, "one")
    monkeypatch.setattr(Producer, "append", failing_at_first)
    async with _running(ledger):
        await eventually(lambda: ledger.seen)
        ledger.rows.put(0, b"two", b"first")
        ledger.rows.put(0, b"two", b"second")
        await ledger.app.producer.flush()
    ledger.storage /= "another"
    async with _running(ledger):
        await eventually(lambda: rows_are_there(ledger.app))
        assert dict(ledger.rows.items()) == {b"one": b"one", b"two": b"second"}


@pytest.mark.expects_errors
async def test_what_makes_it_impossible_to_write_rows_ends_the_app(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(_producer: Producer, _records: Sequence[Outgoing]) -> list[Appended]:
        raise RejectedMessageError("not authorized")

    await _send(ledger, "one")
    monkeypatch.setattr(Producer, "append", refused)
    with pytest.raises(RejectedMessageError, match="not authorized"):
        async with asyncio.timeout(30):
            await ledger.runner().run()


@pytest.mark.expects_errors
async def test_it_ends_within_seconds_when_no_broker_answers(tmp_path: Path, free_port: int) -> None:
    ledger = Ledger(KafkaSettings(bootstrap_servers=f"127.0.0.1:{free_port}"), "lonely", tmp_path)
    runner = ledger.runner()
    task = asyncio.create_task(runner.run())
    await asyncio.sleep(0)
    runner.stop()
    async with asyncio.timeout(9):
        await asyncio.wait({task})

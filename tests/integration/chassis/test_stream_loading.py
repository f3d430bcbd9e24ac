"""Rows loaded from a changelog on a real Kafka: all of them, whatever breaks it off, and never fewer than there are."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from faust.types import TP

from chassis import stream_loading, stream_rows
from chassis.changelog import ChangelogReader, Entry
from chassis.producer import Producer
from chassis.records import Outgoing
from chassis.settings import KafkaSettings
from chassis.stream_app import StreamAppRunner, build_stream_app, rows_are_there
from chassis.stream_positions import follow_in_order
from chassis.stream_rows import RowsNotRecoveredError
from chassis.stream_table import VersionedTable
from tests.harness.topics import create_topics
from tests.harness.waiting import eventually, hold

PARTITIONS = 2
ROWS = 3_000


class Ledger:
    """A stream app that keeps the last value of each key; the value is its version."""

    def __init__(self, settings: KafkaSettings, name: str, storage: Path) -> None:
        self.app = build_stream_app(settings, name, storage, partitions=PARTITIONS)
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

    def known(self) -> dict[bytes, bytes] | None:
        """Return the rows of the partitions held, once all are there."""
        return dict(self.rows.items()) if rows_are_there(self.app) else None

    async def all_known(self) -> dict[bytes, bytes]:
        """Wait for them."""
        found = await eventually(self.known, 90)
        assert found is not None
        return found


@asynccontextmanager
async def _running(ledger: Ledger) -> AsyncIterator[Ledger]:
    runner = StreamAppRunner(ledger.app)
    task = asyncio.create_task(runner.run())
    yield ledger
    runner.stop()
    async with asyncio.timeout(15):
        await task


async def _ended(ledger: Ledger) -> BaseException:
    async with asyncio.timeout(60):
        with pytest.raises(RowsNotRecoveredError) as caught:
            await StreamAppRunner(ledger.app).run()
    return caught.value


class Changelog:
    """What a test writes to the changelog before, after and beside the app."""

    def __init__(self, settings: KafkaSettings, name: str, out: Producer) -> None:
        self.settings = settings
        self.name = name
        self._topic = f"{name}-rows-changelog"
        self._out = out

    def ledger(self, storage: Path) -> Ledger:
        return Ledger(self.settings, self.name, storage)

    async def write(self, rows: dict[bytes, bytes | None]) -> None:
        await self._out.send_batch([Outgoing(self._topic, key, value) for key, value in rows.items()])


@pytest.fixture
async def changelog(kafka: str, unique: str) -> AsyncIterator[Changelog]:
    settings = KafkaSettings(bootstrap_servers=kafka, session_timeout_ms=6000)
    await create_topics(kafka, f"{unique}.in", f"{unique}-rows-changelog", partitions=PARTITIONS)
    async with Producer(settings, "test") as out:
        yield Changelog(settings, unique, out)


def _rows(count: int) -> dict[bytes, bytes | None]:
    return {f"key-{number}".encode(): b"5" for number in range(count)}


async def test_all_rows_are_loaded_but_what_is_deleted_and_what_is_older(changelog: Changelog, tmp_path: Path) -> None:
    await changelog.write(_rows(ROWS))
    await changelog.write({b"key-1": b"4", b"key-2": None, b"key-3": b"6"})
    expected = {**_rows(ROWS), b"key-3": b"6"}
    del expected[b"key-2"]
    async with _running(changelog.ledger(tmp_path / "one")) as ledger:
        assert await ledger.all_known() == expected
        assert sum(ledger.app.row_counts.on_disk.values()) == ROWS - 1
        assert ledger.app.row_counts.on_disk == ledger.app.row_counts.in_changelog


async def test_faust_has_nothing_left_to_read(
    changelog: Changelog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_by_faust: list[Any] = []
    monkeypatch.setattr(VersionedTable, "apply_changelog_batch", lambda _, batch: read_by_faust.extend(batch))
    await changelog.write(_rows(ROWS))
    async with _running(changelog.ledger(tmp_path / "one")) as ledger:
        assert await ledger.all_known() == _rows(ROWS)
    assert not read_by_faust


async def test_a_start_after_one_goes_on_where_that_was_and_finds_the_rows_of_the_changelog(
    changelog: Changelog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await changelog.write(_rows(ROWS))
    async with _running(changelog.ledger(tmp_path / "one")) as ledger:
        await ledger.all_known()
    loaded = _spied(monkeypatch)
    await changelog.write({b"key-1": b"6", b"key-2": None})
    async with _running(changelog.ledger(tmp_path / "one")) as ledger:
        rows = await ledger.all_known()
        assert rows[b"key-1"] == b"6"
        assert b"key-2" not in rows
        await eventually(lambda: sum(ledger.app.row_counts.in_changelog.values()) == ROWS - 1, 60)
        assert ledger.app.row_counts.on_disk == ledger.app.row_counts.in_changelog
    assert len(loaded) == 2


async def test_a_rebalance_breaks_it_off_and_the_next_one_goes_on(
    changelog: Changelog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_loading, "_ROWS_AT_ONCE", 100)
    loaded = _spied(monkeypatch, pause_seconds=0.3)
    await changelog.write(_rows(ROWS))
    async with _running(changelog.ledger(tmp_path / "one")) as one:
        await eventually(lambda: loaded, 60)
        async with _running(changelog.ledger(tmp_path / "two")) as two:
            held = [await ledger.all_known() for ledger in (one, two)]
    assert len(held[0]) + len(held[1]) == ROWS
    assert {**held[0], **held[1]} == _rows(ROWS)


async def test_what_was_loaded_when_it_ended_in_the_middle_is_not_loaded_again(
    changelog: Changelog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_loading, "_ROWS_AT_ONCE", 100)
    loaded = _spied(monkeypatch, pause_seconds=0.05)
    await changelog.write(_rows(ROWS))
    async with _running(changelog.ledger(tmp_path / "one")):
        await eventually(lambda: len(loaded) >= 500, 60)
    assert len(loaded) < ROWS
    async with _running(changelog.ledger(tmp_path / "one")) as ledger:
        assert await ledger.all_known() == _rows(ROWS)
    assert len(loaded) < ROWS + 300


@pytest.mark.expects_errors
async def test_a_row_that_cannot_be_decoded_ends_the_app_until_another_replaces_it(
    changelog: Changelog, tmp_path: Path
) -> None:
    await changelog.write({**_rows(7), b"key-7": b"no version"})
    error = await _ended(changelog.ledger(tmp_path / "one"))
    assert "1 rows cannot be decoded, the first at offset" in str(error)
    assert "cannot be decoded" in str(await _ended(changelog.ledger(tmp_path / "one")))
    await changelog.write({b"key-7": b"5"})
    async with _running(changelog.ledger(tmp_path / "one")) as ledger:
        assert await ledger.all_known() == _rows(8)


@pytest.mark.expects_errors
async def test_rows_lost_on_the_way_end_the_app_and_the_next_start_has_them(
    changelog: Changelog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await changelog.write(_rows(ROWS))
    load = VersionedTable.load
    with monkeypatch.context() as patch:
        patch.setattr(VersionedTable, "load", lambda table, place, entries: load(table, place, entries[1:]))
        error = await _ended(changelog.ledger(tmp_path / "one"))
    assert "differ; the next start reads all of them again" in str(error)
    async with _running(changelog.ledger(tmp_path / "one")) as ledger:
        assert await ledger.all_known() == _rows(ROWS)


@pytest.mark.expects_errors
async def test_a_copy_on_disk_that_lost_a_row_ends_the_app_and_the_next_start_has_it(
    changelog: Changelog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_rows, "_BETWEEN_LOOKS_SECONDS", 0.1)
    await changelog.write(_rows(8))
    async with _running(changelog.ledger(tmp_path / "one")) as ledger:
        await ledger.all_known()
        for place in ledger.app.row_counts.on_disk:
            ledger.rows._store_of(place.partition).delete(b"key-3")
    error = await _ended(changelog.ledger(tmp_path / "one"))
    assert "1 differ" in str(error)
    async with _running(changelog.ledger(tmp_path / "one")) as ledger:
        assert await ledger.all_known() == _rows(8)


async def test_a_row_that_a_crash_kept_from_the_changelog_is_waited_for(
    changelog: Changelog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_rows, "_BETWEEN_LOOKS_SECONDS", 0.5)
    await changelog.write(_rows(8))
    async with _running(changelog.ledger(tmp_path / "one")) as ledger:
        await ledger.all_known()
        for place in ledger.app.row_counts.on_disk:
            ledger.rows._store_of(place.partition).delete(b"key-3")
    async with _running(changelog.ledger(tmp_path / "one")) as ledger:
        await eventually(lambda: sum(ledger.app.row_counts.on_disk.values()) == 7, 60)
        await changelog.write({b"key-3": None})
        await eventually(lambda: sum(ledger.app.row_counts.in_changelog.values()) == 7, 60)


async def test_a_partition_that_is_kept_in_a_rebalance_is_not_compared_again(
    changelog: Changelog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await changelog.write(_rows(8))
    async with _running(changelog.ledger(tmp_path / "one")) as ledger:
        await ledger.all_known()
    compared: list[int] = []
    suspects = stream_rows.RowsCheck._suspects

    async def noting(check: stream_rows.RowsCheck, table: VersionedTable, place: TP) -> set[int]:
        compared.append(place.partition)
        return await suspects(check, table, place)

    monkeypatch.setattr(stream_rows.RowsCheck, "_suspects", noting)
    async with _running(changelog.ledger(tmp_path / "one")) as one:
        await eventually(lambda: len(one.app.row_counts.in_changelog) == PARTITIONS, 60)
        async with _running(changelog.ledger(tmp_path / "two")) as two:
            await eventually(lambda: len(two.app.row_counts.in_changelog) == 1, 60)
            (given_away,) = (place.partition for place in two.app.row_counts.in_changelog)
            assert sorted(compared) == [0, 1]
        await eventually(lambda: len(one.app.row_counts.in_changelog) == PARTITIONS, 60)
    assert sorted(compared) == sorted([0, 1, given_away])


def _spied(monkeypatch: pytest.MonkeyPatch, pause_seconds: float = 0.0) -> list[Entry]:
    """Have what is loaded noted, with a pause before each batch; return the list."""
    loaded: list[Entry] = []
    load, read = VersionedTable.load, ChangelogReader.read

    def noting(table: VersionedTable, place: TP, entries: Sequence[Entry]) -> None:
        loaded.extend(entries)
        load(table, place, entries)

    async def slowly(reader: ChangelogReader, begin: int, end: int, at_once: int) -> AsyncGenerator[Any, None]:
        async for entries in read(reader, begin, end, at_once):
            yield entries
            await hold(pause_seconds)

    monkeypatch.setattr(VersionedTable, "load", noting)
    monkeypatch.setattr(ChangelogReader, "read", slowly)
    return loaded

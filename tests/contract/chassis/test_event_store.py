"""What the event store promises, on SQLite and on PostgreSQL alike."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid5

import pytest

from chassis.errors import LostOwnershipError, RetryableError, StartUpError
from chassis.event_store import AppliedCause, EventStore, InputMoved, StoredEvent, StoredStream, check_url
from tests.contract.freeze import frozen_before_its_next_commit

NAMESPACE = UUID("6f1c1f4a-5d0e-5b0a-9c55-0e5ca1011000")
INPUT = "sla.v1/3"


def stream(name: str) -> UUID:
    return uuid5(NAMESPACE, name)


def event(name: str, version: int, value: bytes = b"\x00wire\xff") -> StoredEvent:
    return StoredEvent(stream(name), version, "escalon.test.Happened", value)


@asynccontextmanager
async def replicas(url: str, count: int) -> AsyncIterator[list[EventStore]]:
    opened = [EventStore(url) for _ in range(count)]
    try:
        yield opened
    finally:
        await asyncio.gather(*(store.close() for store in opened))


async def outcome(store: EventStore, events: list[StoredEvent], moved: InputMoved | None) -> str:
    try:
        await store.append(3, events, moved)
    except LostOwnershipError:
        return "refused"
    return "accepted"


async def test_streams_come_back_in_order_from_one_load(store: EventStore) -> None:
    await store.append(3, [event("a", 1, b"one"), event("b", 1), event("a", 2, b"two")])
    loaded = await store.load([stream("a"), stream("b"), stream("unknown")])
    assert [(e.version, e.value) for e in loaded[stream("a")].events] == [(1, b"one"), (2, b"two")]
    assert loaded[stream("b")].events == [event("b", 1)]
    assert stream("unknown") not in loaded


async def test_a_cause_without_an_event_comes_back_with_its_stream(store: EventStore) -> None:
    nothing, something = AppliedCause(stream("a"), "led to nothing"), AppliedCause(stream("b"), "neither")
    await store.append(3, [event("a", 1)], InputMoved(INPUT, None, 1), [nothing, something])
    loaded = await store.load([stream("a"), stream("b")])
    assert loaded == {
        stream("a"): StoredStream([event("a", 1)], {"led to nothing"}),
        stream("b"): StoredStream([], {"neither"}),
    }


async def test_a_cause_is_remembered_with_the_position_or_not_at_all(store: EventStore) -> None:
    cause = AppliedCause(stream("a"), "led to nothing")
    await store.append(3, [], InputMoved(INPUT, None, 1), [cause])
    with pytest.raises(LostOwnershipError):
        await store.append(3, [], InputMoved(INPUT, None, 2), [AppliedCause(stream("b"), "late")])
    with pytest.raises(LostOwnershipError):
        await store.append(3, [event("b", 1)], InputMoved(INPUT, 1, 2), [cause])
    assert await store.load([stream("b")]) == {}
    assert await store.positions([INPUT]) == {INPUT: 1}


async def test_old_causes_are_purged_in_portions_and_young_ones_stay(store: EventStore) -> None:
    causes = [AppliedCause(stream("a"), str(number)) for number in range(5)]
    await store.append(3, [event("a", 1)], None, causes)
    assert await store.purge_causes(timedelta(days=14), 100) == 0
    assert await store.purge_causes(timedelta(0), 3) == 3
    assert await store.purge_causes(timedelta(0), 3) == 2
    assert await store.load([stream("a")]) == {stream("a"): StoredStream([event("a", 1)])}


async def test_a_store_is_empty_until_an_event_or_a_position_is_stored(store: EventStore) -> None:
    assert await store.is_empty()
    await store.append(3, [], InputMoved(INPUT, None, 1))
    assert not await store.is_empty()


async def test_more_streams_than_one_query_takes_are_loaded(store: EventStore) -> None:
    await store.append(3, [event(f"s{number}", 1) for number in range(1203)])
    loaded = await store.load(stream(f"s{number}") for number in range(1203))
    assert len(loaded) == 1203


async def test_a_version_that_is_taken_refuses_the_whole_batch_and_the_position(store: EventStore) -> None:
    await store.append(3, [event("a", 1)], InputMoved(INPUT, None, 10))
    assert await outcome(store, [event("b", 1), event("a", 1)], InputMoved(INPUT, 10, 20)) == "refused"
    assert await store.load([stream("b")]) == {}
    assert await store.positions([INPUT]) == {INPUT: 10}


async def test_a_position_that_has_moved_on_refuses_the_events(store: EventStore) -> None:
    await store.append(3, [], InputMoved(INPUT, None, 10))
    await store.append(3, [], InputMoved(INPUT, 10, 20))
    assert await outcome(store, [event("a", 1)], InputMoved(INPUT, 10, 20)) == "refused"
    assert await outcome(store, [event("a", 1)], InputMoved(INPUT, None, 10)) == "refused"
    assert await store.load([stream("a")]) == {}
    assert await store.positions([INPUT, "other/1"]) == {INPUT: 20}


async def test_events_without_an_input_are_stored_too(store: EventStore) -> None:
    await store.append(3, [event("a", 1)])
    assert await store.positions([INPUT]) == {}
    assert len(await store.outbox({3: 0}, 10)) == 1


async def test_two_events_with_one_version_in_a_batch_are_a_bug_not_a_race(store: EventStore) -> None:
    with pytest.raises(ValueError, match="same version"):
        await store.append(3, [event("a", 1), event("a", 1)])


async def test_of_200_concurrent_duplicates_exactly_one_is_accepted(store: EventStore, store_url: str) -> None:
    await store.append(3, [], InputMoved(INPUT, None, 100))
    async with replicas(store_url, 20) as others:
        tries = (outcome(others[n % 20], [event(f"s{n}", 1)], InputMoved(INPUT, 100, 101)) for n in range(200))
        outcomes = await asyncio.gather(*tries)
    assert outcomes.count("accepted") == 1
    assert len(await store.outbox({3: 0}, 300)) == 1


async def test_of_200_concurrent_first_batches_exactly_one_is_accepted(store: EventStore, store_url: str) -> None:
    async with replicas(store_url, 20) as others:
        tries = (outcome(others[n % 20], [event(f"s{n}", 1)], InputMoved(INPUT, None, 1)) for n in range(200))
        outcomes = await asyncio.gather(*tries)
    assert outcomes.count("accepted") == 1
    assert len(await store.outbox({3: 0}, 300)) == 1


async def test_of_200_concurrent_appends_of_one_version_exactly_one_is_accepted(
    store: EventStore, store_url: str
) -> None:
    async with replicas(store_url, 20) as others:
        tries = (outcome(others[n % 20], [event("a", 1)], InputMoved(f"input/{n}", None, 1)) for n in range(200))
        outcomes = await asyncio.gather(*tries)
    assert outcomes.count("accepted") == 1
    assert len(await store.positions([f"input/{n}" for n in range(200)])) == 1


async def test_the_outbox_gives_the_rows_of_one_partition_in_order_of_commit(store: EventStore) -> None:
    await store.append(3, [event("a", 1), event("b", 1)])
    await store.append(4, [event("c", 1)])
    await store.append(3, [event("a", 2)])
    rows = await store.outbox({3: 0}, 10)
    assert [(row.event.stream_id, row.event.version) for row in rows] == [
        (stream("a"), 1),
        (stream("b"), 1),
        (stream("a"), 2),
    ]
    assert await store.outbox({3: rows[1].row}, 10) == rows[2:]
    assert await store.outbox({3: 0}, 1) == rows[:1]


async def test_the_outbox_gives_of_several_partitions_each_from_its_own_row(store: EventStore) -> None:
    for version in (1, 2, 3):
        await store.append(3, [event("a", version)])
        await store.append(4, [event("b", version)])
    rows = await store.outbox({4: 0, 3: 0, 5: 0}, 2)
    assert [(row.partition, row.event.version) for row in rows] == [(3, 1), (3, 2), (4, 1), (4, 2)]
    rest = await store.outbox({row.partition: row.row for row in rows}, 2)
    assert [(row.partition, row.event.version) for row in rest] == [(3, 3), (4, 3)]
    assert await store.outbox({}, 2) == []


async def test_a_reader_of_the_outbox_never_skips_a_row_that_is_committed_late(
    store: EventStore, store_url: str
) -> None:
    seen: list[UUID] = []
    written = asyncio.Event()

    async def read() -> None:
        after = 0
        while True:
            finished = written.is_set()
            rows = await store.outbox({3: after}, 7)
            seen.extend(row.event.stream_id for row in rows)
            after = rows[-1].row if rows else after
            if finished and not rows:
                return

    async with replicas(store_url, 8) as writers:
        reader = asyncio.create_task(read())
        await asyncio.gather(
            *(writers[n % 8].append(3, [event(f"s{n}-{part}", 1) for part in range(3)]) for n in range(80))
        )
        written.set()
        await reader
    assert len(seen) == 240
    assert set(seen) == {stream(f"s{n}-{part}") for n in range(80) for part in range(3)}


async def test_what_is_published_is_remembered_and_never_goes_back(store: EventStore, store_url: str) -> None:
    assert await store.published([3]) == {3: 0}
    await store.remember_published({3: 7})
    await store.remember_published({3: 5})
    async with replicas(store_url, 1) as (other,):
        assert await other.published([3]) == {3: 7}
        assert await other.published([4]) == {4: 0}


async def test_many_starters_at_once_create_the_tables(store_url: str) -> None:
    async with replicas(store_url, 6) as starters:
        await asyncio.gather(*(starter.prepare() for starter in starters))
        await starters[0].append(3, [event("a", 1)], InputMoved(INPUT, None, 1))
        assert await starters[5].positions([INPUT]) == {INPUT: 1}


async def test_a_second_start_finds_what_the_first_one_stored(store: EventStore, store_url: str) -> None:
    await store.append(3, [event("a", 1)])
    async with replicas(store_url, 1) as (again,):
        await again.prepare()
        assert await again.load([stream("a")]) == {stream("a"): StoredStream([event("a", 1)])}
        await again.ping()


async def test_a_database_that_is_locked_is_tried_again_and_nothing_counts_as_written(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    async with EventStore(f"sqlite:///{file}?timeout=0.05") as store:
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(RetryableError):
                await store.append(3, [event("a", 1)], InputMoved(INPUT, None, 1))
            other.execute("ROLLBACK")
        assert await store.load([stream("a")]) == {}
        await store.append(3, [event("a", 1)], InputMoved(INPUT, None, 1))
        assert await store.positions([INPUT]) == {INPUT: 1}


async def test_a_replica_that_froze_in_a_transaction_may_try_again(postgres_url: str) -> None:
    batch = [event("a", 1)], InputMoved(INPUT, None, 1)
    async with EventStore(postgres_url) as store:
        with frozen_before_its_next_commit() as frozen, pytest.raises(RetryableError, match="25P03"):
            await store.append(3, *batch)
        assert len(frozen) == 1
        assert await store.load([stream("a")]) == {}

        await store.append(3, *batch)
        assert await store.positions([INPUT]) == {INPUT: 1}


async def test_a_database_that_is_away_names_the_place_and_no_password(free_port: int) -> None:
    with pytest.raises(StartUpError, match=r"me:\*\*\*@127.0.0.1") as caught:
        async with EventStore(f"postgresql://me:hunter2@127.0.0.1:{free_port}/db"):
            pass
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("address", ["mysql://u:hunter2@host/db", "hunter2", "oracle://x"])
def test_an_address_of_another_kind_is_named_without_its_password(address: str) -> None:
    with pytest.raises(StartUpError, match="allowed are") as caught:
        check_url(address)
    assert "hunter2" not in str(caught.value)

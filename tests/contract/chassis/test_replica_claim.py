"""A replica's name belongs to one process, beside SQLite and in PostgreSQL alike."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import NullPool, create_engine, text

from chassis.errors import StartUpError
from chassis.event_store import EventStore
from chassis.replica_claim import ReplicaClaim
from tests.harness.postgres import a_database, a_restartable_postgres
from tests.harness.waiting import eventually

SHORT = timedelta(milliseconds=300)


def a_claim(url: str, name: str = "router-0") -> ReplicaClaim:
    return ReplicaClaim(url, name, patience=SHORT, every=timedelta(milliseconds=50))


async def test_a_name_that_is_taken_is_refused_and_another_is_not(store: EventStore, store_url: str) -> None:
    await store.ping()
    first, second, other = a_claim(store_url), a_claim(store_url), a_claim(store_url, "router-1/a b")
    await first.take()
    await other.take()
    with pytest.raises(StartUpError, match=r"another process runs as router-0.*ESCALON_REPLICA_ID"):
        await second.take()
    await first.take()
    for claim in (first, other):
        claim.stop()
        await claim.run()


async def test_a_name_is_free_again_when_its_process_has_ended(store: EventStore, store_url: str) -> None:
    await store.ping()
    first, successor = a_claim(store_url), ReplicaClaim(store_url, "router-0")
    await first.take()
    running = asyncio.create_task(first.run())
    waiting = asyncio.create_task(successor.take())
    first.stop()
    await running
    await waiting
    with pytest.raises(StartUpError):
        await a_claim(store_url).take()
    successor.stop()
    await successor.run()


async def test_a_claim_that_broke_with_its_connection_is_taken_again() -> None:
    with a_restartable_postgres() as server, a_database(server.address) as url:
        first = a_claim(url)
        await first.take()
        running = asyncio.create_task(first.run())
        await server.restart_at_once()
        await eventually(lambda: _is_locked(url), 30, what="the name is taken again")
        with pytest.raises(StartUpError):
            await a_claim(url).take()
        first.stop()
        await running


async def test_who_finds_its_name_taken_by_another_ends() -> None:
    with a_restartable_postgres() as server, a_database(server.address) as url:
        first, second = ReplicaClaim(url, "router-0", patience=SHORT, every=timedelta(minutes=1)), a_claim(url)
        await first.take()
        await server.restart_at_once()
        await second.take()
        with pytest.raises(StartUpError, match="another process runs as router-0"):
            await first.run()
        second.stop()
        await second.run()


def _is_locked(url: str) -> bool:
    """Tell whether somebody has a lock on a name; looking takes none."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return bool(connection.execute(text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")).scalar_one())

"""PostgreSQL crashes while the router works: readiness falls, it waits, goes on, and nothing is lost or twice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from chassis.event_store import EventStore
from ops.topics import DEFAULT_PARTITIONS
from tests.contract.router.streams import CODEC, opened
from tests.harness.postgres import a_database, a_restartable_postgres
from tests.harness.settings import HarnessSettings
from tests.harness.waiting import eventually
from tests.integration.router.running import RouterDesk, a_router

pytestmark = pytest.mark.timeout(400)
OPENED = ["EscalationOpened", "OwnerAssigned"]
BURST, PAUSE_SECONDS = 5, 0.005
"""A burst comes sooner than the one before it is through, so that a crash hits work whenever it comes."""


class Flow:
    """Tickets that go on being opened beside the test."""

    def __init__(self) -> None:
        self.tickets: list[str] = []

    def unheard(self, desk: RouterDesk) -> set[str]:
        """Return the tickets that were told of and led to nothing yet."""
        return set(self.tickets) - {event.meta.correlation_id for event in desk.heard}


@asynccontextmanager
async def a_flow(desk: RouterDesk) -> AsyncIterator[Flow]:
    flow, ending = Flow(), asyncio.Event()

    async def tell() -> None:
        while not ending.is_set():
            burst = [f"zendesk-eu/flow-{len(flow.tickets) + n}" for n in range(BURST)]
            flow.tickets += burst
            await desk.tell(*(opened(ticket) for ticket in burst))
            with suppress(TimeoutError):
                async with asyncio.timeout(PAUSE_SECONDS):
                    await ending.wait()

    telling = asyncio.create_task(tell())
    try:
        yield flow
    finally:
        ending.set()
        await telling


async def test_postgresql_crashes_under_load_and_nothing_is_lost_or_stored_twice(
    kafka: str, tmp_path: Path, free_port: int
) -> None:
    in_flight: list[int] = []
    with a_restartable_postgres() as server, a_database(server.address) as url:
        async with RouterDesk(kafka) as desk:
            with a_router(kafka, url, tmp_path / "log", free_port) as router:
                await eventually(router.is_ready, 120, what=lambda: router.log)
                async with a_flow(desk) as flow:
                    for _ in range(2 * HarnessSettings().rounds):
                        enough = len(desk.heard) + 4 * BURST
                        await eventually(partial(_has_heard, desk, enough), 90, what=lambda: router.log)
                        await eventually(lambda: flow.unheard(desk), what="tickets are on their way")
                        await asyncio.to_thread(server.crash)
                        in_flight.append(len(flow.unheard(desk)))
                        await eventually(
                            lambda: "does not answer" in router.readiness()["event_store"], 60, what="readiness falls"
                        )
                        assert not router.is_ready()
                        server.start()
                        await eventually(router.is_ready, 90, what=lambda: router.log)
                await eventually(lambda: not flow.unheard(desk), 120, what=lambda: router.log)
                assert router.terminate(timedelta(seconds=20)) == 0, router.log
            stored = await _stored(url)
            assert all(desk.names(ticket) == OPENED for ticket in flow.tickets)
            assert {ticket: stored[ticket] for ticket in flow.tickets} == dict.fromkeys(flow.tickets, 2)
            again = len(desk.heard) - len({event.meta.id for event in desk.heard})
    dropped = router.log.count("a batch was dropped")
    print(f"PostgreSQL crashed {len(in_flight)} times with {in_flight} tickets in flight of {len(flow.tickets)};")
    print(f"{dropped} commits recognised whose answer was lost, {again} rows published again")
    assert all(in_flight), "each crash hit work in flight"


def _has_heard(desk: RouterDesk, count: int) -> bool:
    return len(desk.heard) >= count


async def _stored(url: str) -> Counter[str]:
    """Return how many events each ticket has in the store."""
    async with EventStore(url) as store:
        rows = await store.outbox(dict.fromkeys(range(DEFAULT_PARTITIONS), 0), 100_000)
    return Counter(_ticket(row.event.value) for row in rows)


def _ticket(value: bytes) -> str:
    return CODEC.decode(value).meta.correlation_id

"""Merging crosses partitions, and the router dies in between: the survivor takes the other in exactly once."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from aiokafka.partitioner import murmur2

from ops.topics import DEFAULT_PARTITIONS
from schemas.escalations import EscalationMerged, EscalationOpened, MergeAbsorbed
from schemas.tickets import TicketMerged
from tests.fault.merging import POINTS
from tests.fault.races import PATIENCE, Races, racing
from tests.harness.load import an_outage
from tests.harness.waiting import eventually

pytestmark = [pytest.mark.timeout(400), pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def race(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Races]:
    """One installation for the module."""
    async with racing(tmp_path_factory.mktemp("merges")) as races:
        yield races


async def test_a_router_killed_between_the_end_of_one_and_what_the_other_takes_in_absorbs_once(
    race: Races, tmp_path: Path
) -> None:
    bites = tmp_path / "bites"
    ended = list(await race.open("ended", 2 * len(POINTS)))
    into_escalations = _elsewhere(ended[::2], list(await race.open("survivor", 2 * len(POINTS))))
    into_tickets = _elsewhere(ended[1::2], [f"zendesk-eu/fresh-{number}" for number in range(2 * len(POINTS))])
    race.kill("router")
    for point, *merges in zip(POINTS, into_escalations.items(), into_tickets.items(), strict=True):
        # Not waited for: what the one before has left may end it before it is ready.
        race.here.start("router", program=("-m", "tests.fault.merging", point, str(bites)))
        await race.tell(*(_merged(one, into) for one, into in merges))
        await _is_dead(race, point)
    await race.start("router")

    await race.until(EscalationMerged, ended)
    absorbed = await race.until(MergeAbsorbed, into_escalations.values())
    opened = await race.until(EscalationOpened, into_tickets.values())
    assert Counter(one.escalation.ticket for one in absorbed) == dict.fromkeys(into_escalations.values(), 1)
    assert Counter(one.escalation.ticket for one in opened) == dict.fromkeys(into_tickets.values(), 1)
    assert {one.escalation.ticket: one.merged for one in absorbed} == {b: a for a, b in into_escalations.items()}
    assert Counter(one.escalation.ticket for one in await race.log(EscalationMerged, ended)) == dict.fromkeys(ended, 1)
    print(f"\n{bites.read_text().split()[2::3]} bit while {len(ended)} escalations were merged")
    assert len(bites.read_text().splitlines()) == len(POINTS)


def _merged(key: str, into: str) -> TicketMerged:
    return TicketMerged(ticket=an_outage(key.rpartition("/")[2]).ticket, into=into)


def _partition(key: str) -> int:
    return int(murmur2(key.encode()) & 0x7FFFFFFF) % DEFAULT_PARTITIONS


def _elsewhere(tickets: Sequence[str], others: Sequence[str]) -> dict[str, str]:
    """Give each ticket another one that lies on another partition."""
    left = list(others)
    pairs: dict[str, str] = {}
    for ticket in tickets:
        pairs[ticket] = next(other for other in left if _partition(other) != _partition(ticket))
        left.remove(pairs[ticket])
    return pairs


async def _is_dead(race: Races, point: str) -> None:
    router = race.here.services["router"]
    await eventually(lambda: not router.is_alive(), PATIENCE, what=f"the router ends at {point!r}")

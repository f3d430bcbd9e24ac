"""Races of the whole path: services that were away, while what they missed waits in a topic and time passes."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from schemas.commands import AcceptEscalation
from schemas.escalations import SlaBreached, SlaKept
from schemas.vocabulary import ClockName
from tests.fault.races import Races, a_reply, minutes, racing

pytestmark = [pytest.mark.timeout(400), pytest.mark.asyncio(loop_scope="module")]

_PROMISED = (ClockName.ACCEPTANCE, ClockName.FIRST_RESPONSE, ClockName.UPDATE)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def race(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Races]:
    """One installation for the module; its time only goes on, and every test has tickets of its own."""
    async with racing(tmp_path_factory.mktemp("races")) as races:
        yield races


async def _all_kept(race: Races, tickets: dict[str, str]) -> None:
    for clock in _PROMISED:
        await race.until_recorded(SlaKept, tickets, clock)
        late = await race.cycles(SlaBreached, tickets, clock)
        assert late == [], f"{clock}: called late what was answered in time"


async def test_a_classifier_that_was_down_for_an_hour_makes_no_reply_late(race: Races) -> None:
    tickets = await race.open("unread", 12)
    race.kill("classifier")
    race.clock.turn(minutes(5))
    await race.tell(*(a_reply(ticket, owner) for ticket, owner in tickets.items()))
    race.clock.turn(minutes(60))
    said = await race.until_said(tickets, ClockName.FIRST_RESPONSE)
    held = race.metric("router", "escalon_router_held_findings_total")

    await race.start("classifier")

    await _all_kept(race, tickets)
    print(f"\n{said} breaches were said of tickets whose reply waited, held {held:g} times")
    assert held > 0


@pytest.mark.parametrize("how", ["killed", "paused"])
async def test_a_router_that_was_away_for_an_hour_takes_the_accept_and_the_reply_before_the_breach(
    race: Races, how: str
) -> None:
    tickets = await race.open(how, 12)
    router = race.here.services["router"]
    router.kill() if how == "killed" else router.pause()
    race.clock.turn(minutes(5))
    for number, (ticket, owner) in enumerate(tickets.items()):
        await race.tell(AcceptEscalation(ticket=ticket) if number % 2 else a_reply(ticket, owner), by=owner)
    race.clock.turn(minutes(60))
    said = await race.until_said(tickets, ClockName.ACCEPTANCE)
    said += await race.until_said(tickets, ClockName.FIRST_RESPONSE)

    if how == "killed":
        await race.start("router")
    else:
        router.resume()

    await _all_kept(race, tickets)
    print(f"\n{said} breaches waited beside the accepts and replies that refute them")

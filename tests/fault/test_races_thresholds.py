"""The sla_monitor is killed and frozen again and again while thresholds fall due: each is recorded once, none early."""

import random
from collections.abc import AsyncIterator, Collection
from datetime import datetime, timedelta

import pytest
import pytest_asyncio

from schemas.catalogue import SLA
from schemas.commands import AcceptEscalation
from schemas.escalations import SlaKept
from schemas.sla import ThresholdReached
from schemas.vocabulary import ClockName
from tests.fault.races import PATIENCE, Races, minutes, racing
from tests.fault.thresholds import TARGETS, all_is_as_promised
from tests.harness.settings import HarnessSettings
from tests.harness.waiting import eventually, hold

pytestmark = [pytest.mark.timeout(900), pytest.mark.asyncio(loop_scope="module")]

_TICKETS = 80 if HarnessSettings().rounds == 1 else 200
_SPEED = 90
"""The first response to a P1 is due after ten real seconds then, its acceptance after five."""
_LONGER_THAN_THE_SESSION_SECONDS = 7.0
_FINDINGS = "escalon_sla_monitor_findings_total"

Absence = tuple[datetime, datetime]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def race(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Races]:
    """One installation for the module."""
    async with racing(tmp_path_factory.mktemp("thresholds")) as races:
        yield races


async def test_each_threshold_is_recorded_once_and_none_early_though_the_monitor_is_killed_and_frozen(
    race: Races,
) -> None:
    for number in range(HarnessSettings().rounds):
        tickets = await race.open(f"due-{number}", _TICKETS)
        answered = list(tickets)[: _TICKETS // 4]
        await race.tell_by((AcceptEscalation(ticket=ticket), tickets[ticket]) for ticket in answered)
        opened_by = race.clock.now()
        await race.until_recorded(SlaKept, answered, ClockName.FIRST_RESPONSE)

        absences = await _torment(race, opened_by, random.Random(number))

        race.clock.run_at(_SPEED)
        await all_is_as_promised(race, tickets, answered)
        missed = [await _fell_due(race, tickets, absence) for absence in absences]
        said = [one for one in await race.here.log(SLA) if isinstance(one, ThresholdReached) and one.ticket in tickets]
        print(f"\nthresholds that fell due while the monitor was away: {missed}")
        print(f"{len(said)} said, {len({one.meta.id for one in said})} by id")
        assert all(missed)


async def test_two_monitors_share_the_work_and_take_it_over_while_one_is_killed_comes_back_and_the_other_freezes(
    race: Races,
) -> None:
    first, second = race.here.services["sla_monitor"], race.here.start("sla_monitor", "1")
    await eventually(second.is_ready, PATIENCE, what=lambda: second.log)
    tickets = await race.open("shared", _TICKETS)
    race.clock.run_at(_SPEED)

    first.kill()
    await race.until_said(list(tickets), ClockName.FIRST_RESPONSE)
    alone = race.metric("sla_monitor-1", _FINDINGS)
    race.clock.run_at(1)
    await race.start("sla_monitor")
    second.pause()
    race.clock.run_at(_SPEED)
    await race.until_said(list(tickets), ClockName.UPDATE)
    taken_over = race.metric("sla_monitor", _FINDINGS)
    second.resume()

    await all_is_as_promised(race, tickets, ())
    await eventually(second.is_ready, PATIENCE, what=lambda: second.log)
    print(f"\n{alone:g} findings were said by the one, {taken_over:g} by the other while it stood alone")
    assert min(alone, taken_over) > 0
    assert second.terminate(timedelta(seconds=20)) == 0


async def _torment(race: Races, opened_by: datetime, chance: random.Random) -> list[Absence]:
    """Kill and freeze the monitor, in any order, over an instant at which a clock runs out; return when it was away.

    The time hurries only while it is away: however slow the machine is, no instant passes unwatched.
    """
    absences: list[Absence] = []
    faults = [_killed, _frozen, _killed]
    chance.shuffle(faults)
    for fault, target in zip(faults, TARGETS.values(), strict=True):
        began_at = race.clock.now()
        await fault(race, opened_by + minutes(target + chance.uniform(0.0, 3.0)))
        absences.append((began_at, race.clock.now()))
    return absences


async def _killed(race: Races, until: datetime) -> None:
    race.kill("sla_monitor")
    await _hurry(race, until)
    await race.start("sla_monitor")


async def _frozen(race: Races, until: datetime) -> None:
    monitor = race.here.services["sla_monitor"]
    monitor.pause()
    await _hurry(race, until)
    await hold(_LONGER_THAN_THE_SESSION_SECONDS)
    monitor.resume()


async def _hurry(race: Races, until: datetime) -> None:
    race.clock.run_at(_SPEED)
    await race.let_pass(until - race.clock.now())
    race.clock.run_at(1)


async def _fell_due(race: Races, tickets: Collection[str], absence: Absence) -> int:
    """Return how many thresholds fell due in the meantime and were said, each once."""
    since, until = absence
    return sum(since <= one.reached_at <= until for one in await race.log(ThresholdReached, tickets))

"""Thresholds fall due while the monitor's clock is wrong, the broker away, or replicas come and go: each counts once.

Monitors that are killed and frozen are in `test_races_thresholds.py`.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from schemas.commands import AcceptEscalation
from schemas.escalations import SlaBreached, SlaKept
from schemas.vocabulary import ClockName
from tests.fault.races import PATIENCE, Races, minutes, racing
from tests.fault.thresholds import all_is_as_promised
from tests.harness.settings import HarnessSettings
from tests.harness.waiting import eventually, hold

pytestmark = [pytest.mark.timeout(900), pytest.mark.expects_errors, pytest.mark.asyncio(loop_scope="module")]

_TICKETS = 40 if HarnessSettings().rounds == 1 else 80
_SPEED = 90
_STORMY_SPEED = 45
_NOTHING_IS_DUE_SPEED = 600
_HOUR = timedelta(hours=1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def race(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Races]:
    """One installation for the module."""
    async with racing(tmp_path_factory.mktemp("trouble")) as races:
        yield races


async def test_a_monitor_whose_clock_was_an_hour_ahead_had_nothing_recorded_early_and_goes_on_when_it_is_right(
    race: Races, tmp_path: Path
) -> None:
    off = await _stepping(race, tmp_path)
    tickets, answered = await _open(race, "ahead")

    _put_off(off, _HOUR)
    await race.until_said(set(tickets) - answered, ClockName.FIRST_RESPONSE)
    assert await race.log(SlaBreached, tickets) == []
    await _step_back(race, off, to=timedelta(0))

    race.clock.run_at(_SPEED)
    await all_is_as_promised(race, tickets, answered)
    for breach in await race.cycles(SlaBreached, tickets, ClockName.FIRST_RESPONSE):
        assert breach.meta.recorded_at < breach.due_at + _HOUR, "the hour was waited out"


async def test_a_monitor_whose_clock_is_an_hour_behind_says_all_of_it_late_and_once(
    race: Races, tmp_path: Path
) -> None:
    off = await _stepping(race, tmp_path)
    tickets, answered = await _open(race, "behind")

    await _step_back(race, off, to=-_HOUR)
    race.clock.run_at(_NOTHING_IS_DUE_SPEED)
    await race.let_pass(_HOUR)
    race.clock.run_at(_SPEED)
    await race.until_recorded(SlaBreached, set(tickets) - answered, ClockName.FIRST_RESPONSE)
    _put_off(off, timedelta(0))

    await all_is_as_promised(race, tickets, answered)


async def test_a_broker_that_is_killed_while_they_fall_due_costs_no_threshold(race: Races) -> None:
    await _steady(race)
    tickets, answered = await _open(race, "broker")

    race.clock.run_at(_SPEED)
    await asyncio.to_thread(race.here.broker.kill)
    await race.let_pass(minutes(16))
    race.clock.run_at(1)
    await asyncio.to_thread(race.here.broker.start)

    race.clock.run_at(_SPEED)
    await all_is_as_promised(race, tickets, answered)


async def test_replicas_that_come_and_go_in_a_storm_cost_no_threshold(race: Races) -> None:
    await _steady(race)
    tickets, answered = await _open(race, "storm")
    chance, until, joined = random.Random(5), race.clock.now() + minutes(16), 0

    race.clock.run_at(_STORMY_SPEED)
    while race.clock.now() < until:
        guest = race.here.start("sla_monitor", str(1 + joined % 2))
        await hold(chance.uniform(1.0, 5.0))
        guest.kill()
        joined += 1

    race.clock.run_at(_SPEED)
    await all_is_as_promised(race, tickets, answered)
    print(f"\n{joined} replicas came and went while thresholds fell due")
    assert joined > 2


async def _open(race: Races, name: str) -> tuple[dict[str, str], set[str]]:
    """Open tickets, a quarter of which their owners answer at once; return the owners, and who was answered."""
    tickets = await race.open(name, _TICKETS)
    answered = set(list(tickets)[: _TICKETS // 4])
    await race.tell_by((AcceptEscalation(ticket=ticket), tickets[ticket]) for ticket in answered)
    await race.until_recorded(SlaKept, answered, ClockName.FIRST_RESPONSE)
    return tickets, answered


async def _stepping(race: Races, folder: Path) -> Path:
    """Start the monitor anew, by a clock that is off by the seconds that the file given back says."""
    off = folder / "off"
    _put_off(off, timedelta(0))
    race.kill("sla_monitor")
    await race.start("sla_monitor", ("-m", "tests.fault.stepping", "sla_monitor", str(off)))
    return off


async def _steady(race: Races) -> None:
    """Start the monitor anew, by the right clock."""
    race.kill("sla_monitor")
    await race.start("sla_monitor")


async def _step_back(race: Races, off: Path, to: timedelta) -> None:
    """Have the monitor's clock step back, and wait until it says so."""
    said = _steps_said(race)
    _put_off(off, to)
    await eventually(lambda: _steps_said(race) > said, PATIENCE, what="the step is said")


def _put_off(off: Path, by: timedelta) -> None:
    """Say at once, since the monitor may read at any time, by how much its clock is off."""
    fresh = off.with_name("fresh")
    fresh.write_text(str(by.total_seconds()))
    fresh.replace(off)


def _steps_said(race: Races) -> int:
    return race.here.services["sla_monitor"].log.count("the clock stepped back")

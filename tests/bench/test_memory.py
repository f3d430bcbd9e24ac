"""Whether a service's memory grows under a steady load of twenty tickets a second, of which escalations are closed."""

import asyncio
from collections import defaultdict
from pathlib import Path

import pytest

from schemas.catalogue import ESCALATIONS
from schemas.commands import CloseEscalation
from schemas.escalations import EscalationOpened
from tests.bench.measuring import note, row, slope
from tests.bench.path import load, warmed_up
from tests.bench.settings import BenchSettings
from tests.harness.installation import Installation, an_installation
from tests.harness.waiting import hold

pytestmark = pytest.mark.timeout(7200)

A_SECOND = 20
CLOSED_EACH_SECONDS = 60.0
_WARM_SHARE = 0.25


async def test_memory_does_not_grow_under_a_steady_load(tmp_path: Path) -> None:
    seconds = BenchSettings().seconds or 1200
    async with an_installation(tmp_path) as here:
        await warmed_up(here)
        closing = asyncio.create_task(_close_what_is_open(here))
        samples = await load(here, "steady", A_SECOND, seconds)
        closing.cancel()
    growths: list[str] = []
    for name, seen in samples.items():
        warm = [(sample.second, sample.resident_mib) for sample in seen if sample.second > seconds * _WARM_SHARE]
        an_hour = slope(warm) * 3600 / warm[0][1] * 100
        growths.append(f"{name} {an_hour:+.1f} %/h")
        note(f"{name}: {seen[0].resident_mib:.0f} MiB at first, {warm[0][1]:.0f} warm, {warm[-1][1]:.0f} at the end")
    row(f"memory at {A_SECOND} tickets/s for {seconds / 60:.0f} min", "< 5 %/h", ", ".join(growths))


async def _close_what_is_open(here: Installation) -> None:
    """Have management close, each minute, the escalations that were open a minute ago, as they are in a real day."""
    known: dict[str, str] = {}
    closed: set[str] = set()
    while True:
        await hold(CLOSED_EACH_SECONDS)
        by_manager: dict[str, list[str]] = defaultdict(list)
        for ticket in known.keys() - closed:
            by_manager[known[ticket]].append(ticket)
        for manager, tickets in by_manager.items():
            await here.send(*(CloseEscalation(ticket=ticket, reason="done") for ticket in tickets), by=manager)
        closed |= known.keys()
        opened = [one for one in await here.log(ESCALATIONS) if isinstance(one, EscalationOpened)]
        known = {one.escalation.ticket: one.escalation.management or "" for one in opened}
        note(f"{len(known)} escalations, {len(closed)} of them closed")

"""How long a ticket takes to its first notice at fifty a second, each of them a P1."""

import statistics
from pathlib import Path

import pytest

from tests.bench.arrivals import keys
from tests.bench.measuring import note, percentile, row
from tests.bench.path import at_rest, load, waits, warmed_up
from tests.bench.settings import BenchSettings
from tests.harness.installation import an_installation
from tests.harness.load import an_outage

pytestmark = pytest.mark.timeout(1800)

A_SECOND = 50


async def test_the_first_notice_comes_at_fifty_tickets_a_second(tmp_path: Path) -> None:
    settings = BenchSettings()
    seconds = settings.seconds or 60
    halves: list[float] = []
    lasts: list[float] = []
    async with an_installation(tmp_path) as here:
        await warmed_up(here)
        for turn in range(settings.rounds):
            await load(here, f"steady-{turn}", A_SECOND, seconds, an_outage)
            await at_rest(here)
            took = await waits(here, keys(f"steady-{turn}", int(A_SECOND * seconds)))
            halves.append(percentile(took, 50))
            lasts.append(percentile(took, 99))
            note(f"turn {turn}: p50 {halves[-1]:.2f} s, p99 {lasts[-1]:.2f} s, longest {max(took):.2f} s")
    told = f"p50 {statistics.median(halves):.2f} s, p99 {statistics.median(lasts):.2f} s"
    row(f"ticket to first notice at {A_SECOND}/s, all P1", "p50 ≤ 0.5 s, p99 ≤ 2 s", told)

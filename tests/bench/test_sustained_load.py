"""Whether two hundred tickets a second for three minutes leave any service further and further behind."""

from pathlib import Path

import pytest

from tests.bench.arrivals import is_p1, keys
from tests.bench.measuring import note, percentile, row, slope
from tests.bench.path import at_rest, load, nothing_is_lost, waits, warmed_up
from tests.bench.settings import BenchSettings
from tests.harness.installation import an_installation

pytestmark = pytest.mark.timeout(1800)

A_SECOND = 200
_WARM_SECONDS = 20


async def test_two_hundred_tickets_a_second_leave_no_service_behind(tmp_path: Path) -> None:
    seconds = BenchSettings().seconds or 180
    async with an_installation(tmp_path) as here:
        await warmed_up(here)
        samples = await load(here, "load", A_SECOND, seconds)
        growths: list[str] = []
        for name, seen in samples.items():
            late = [(sample.second, sample.lag) for sample in seen if sample.second > _WARM_SECONDS]
            growths.append(f"{name} {slope(late):+.1f}")
            note(f"{name}: records behind {' '.join(f'{lag:.0f}' for _, lag in late)}")
        await at_rest(here)
        await nothing_is_lost(here)
        took = await waits(here, keys("load", int(A_SECOND * seconds), is_p1))
        note(f"P1 to first notice: p50 {percentile(took, 50):.2f} s, p99 {percentile(took, 99):.2f} s")
    row(f"{A_SECOND} tickets/s for {seconds:.0f} s: growth of lag, records/s", "none grows", ", ".join(growths))

"""How long a P1 waits for its first notice while thirty times as many tickets come as before, for a minute."""

from pathlib import Path

import pytest

from tests.bench.arrivals import is_p1, keys
from tests.bench.measuring import note, percentile, row
from tests.bench.path import at_rest, load, nothing_is_lost, waits, warmed_up
from tests.bench.settings import BenchSettings
from tests.harness.installation import an_installation

pytestmark = pytest.mark.timeout(1800)

TIMES = 30
_CALM_SECONDS = 10


async def test_a_p1_is_told_in_time_in_a_surge(tmp_path: Path) -> None:
    settings = BenchSettings()
    seconds = settings.seconds or 60
    a_second = settings.surge_base * TIMES
    async with an_installation(tmp_path) as here:
        await warmed_up(here)
        await load(here, "calm", settings.surge_base, _CALM_SECONDS)
        samples = await load(here, "surge", a_second, seconds)
        for name, seen in samples.items():
            note(f"{name}: records behind {' '.join(f'{sample.lag:.0f}' for sample in seen)}")
        await at_rest(here)
        await nothing_is_lost(here)
        took = await waits(here, keys("surge", int(a_second * seconds), is_p1))
    told = f"p50 {percentile(took, 50):.2f} s, p99 {percentile(took, 99):.2f} s of {len(took)} P1, none lost"
    row(f"surge {settings.surge_base:g}/s → {a_second:g}/s for {seconds:.0f} s, 3 % P1", "p99 ≤ 30 s", told)

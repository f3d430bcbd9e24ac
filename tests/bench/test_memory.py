"""Whether a service's memory grows under a steady load of twenty tickets a second."""

from pathlib import Path

import pytest

from tests.bench.measuring import note, row, slope
from tests.bench.path import load, warmed_up
from tests.bench.settings import BenchSettings
from tests.harness.installation import an_installation

pytestmark = pytest.mark.timeout(7200)

A_SECOND = 20
_WARM_SHARE = 0.25


async def test_memory_does_not_grow_under_a_steady_load(tmp_path: Path) -> None:
    seconds = BenchSettings().seconds or 1200
    async with an_installation(tmp_path) as here:
        await warmed_up(here)
        samples = await load(here, "steady", A_SECOND, seconds)
    growths: list[str] = []
    for name, seen in samples.items():
        warm = [(sample.second, sample.resident_mib) for sample in seen if sample.second > seconds * _WARM_SHARE]
        an_hour = slope(warm) * 3600 / warm[0][1] * 100
        growths.append(f"{name} {an_hour:+.1f} %/h")
        note(f"{name}: {seen[0].resident_mib:.0f} MiB at first, {warm[0][1]:.0f} warm, {warm[-1][1]:.0f} at the end")
    row(f"memory at {A_SECOND} tickets/s for {seconds / 60:.0f} min", "< 5 %/h", ", ".join(growths))

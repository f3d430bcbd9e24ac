"""How fast the classifier is beside a bare aiokafka loop on the same waiting tickets, three times in turn."""

import asyncio
import os
import statistics
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from ops.connection import read_topics
from ops.topics import DEFAULT_PARTITIONS
from schemas.catalogue import CLASSIFICATIONS
from tests.bench.arrivals import a_complaint, encoded, put, soon
from tests.bench.measuring import caught_up, cpu_seconds, note, rate, row, times_of
from tests.bench.settings import BenchSettings
from tests.harness.installation import Installation, a_prepared_installation
from tests.harness.service_process import REPOSITORY
from tests.harness.topics import create_topics

pytestmark = pytest.mark.timeout(1800)

SINCE = {"ESCALON_SINCE": "2020-01-01T00:00:00Z"}
BARE = "bench.bare-loop"


async def test_the_classifier_is_at_least_half_as_fast_as_a_bare_loop(tmp_path: Path) -> None:
    settings = BenchSettings()
    ours: list[float] = []
    bares: list[float] = []
    async with a_prepared_installation(tmp_path, SINCE) as here:
        await create_topics(here.settings.bootstrap_servers, BARE, partitions=DEFAULT_PARTITIONS)
        tickets = encoded("waiting", settings.tickets, soon(), 1_000, a_complaint)
        for turn in range(1, settings.rounds + 1):
            await put(here, tickets)
            ours.append(await _classifier(here, turn, settings.tickets))
            bares.append(await _bare_loop(here, turn, settings.tickets))
            note(f"turn {turn}: classifier {ours[-1]:,.0f}/s, bare loop {bares[-1]:,.0f}/s, {ours[-1] / bares[-1]:.2f}")
    shares = [one / bare for one, bare in zip(ours, bares, strict=True)]
    told = f"{statistics.median(ours):,.0f}/s of {statistics.median(bares):,.0f}/s: {statistics.median(shares):.2f}"
    row("classifier / bare aiokafka loop", "≥ 0.5", told)


async def _classifier(here: Installation, turn: int, count: int) -> float:
    """Run the classifier on what waits and return its rate, by the times of what it wrote."""
    service = here.start("classifier")
    await here.ready()
    before = cpu_seconds(service.pid)

    await caught_up(service, turn * count)
    note(f"classifier: {(cpu_seconds(service.pid) - before) / count * 1e6:,.0f} µs of CPU a ticket")
    service.terminate(timedelta(seconds=30))
    times = await times_of(here, CLASSIFICATIONS, "TicketClassified")
    assert len(times) == turn * count
    return rate(times[-count:])


async def _bare_loop(here: Installation, turn: int, count: int) -> float:
    environment = {"BOOTSTRAP": here.settings.bootstrap_servers, "TOPIC": BARE, "GROUP": BARE, "COUNT": str(count)}
    before = os.times().children_user + os.times().children_system
    await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "tests.bench.bare_loop"],
        cwd=REPOSITORY,
        env={**os.environ, **{f"BARE_LOOP_{name}": value for name, value in environment.items()}},
        check=True,
        timeout=300,
    )
    spent = os.times().children_user + os.times().children_system - before
    note(f"bare loop: {spent / count * 1e6:,.0f} µs of CPU a ticket, its start included")
    times = sorted([record.timestamp_ms async for record in read_topics(here.settings, [BARE])])
    assert len(times) == turn * count
    return rate(times[-count:])

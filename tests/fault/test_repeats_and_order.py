"""5,000 ticket events, each twice, mixed and under kill -9, leave what a clean run of the same histories leaves."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from aiokafka.partitioner import murmur2

from ops.connection import Publisher, publisher
from ops.topics import DEFAULT_PARTITIONS
from schemas.catalogue import CLASSIFICATIONS, ESCALATIONS, NOTIFICATIONS, SERVICES
from schemas.classifications import ClassifierProgressed
from schemas.escalations import EscalationMerged, EscalationOpened, SlaBreached, SlaRecord
from schemas.message import Message
from schemas.tickets import TicketEvent
from tests.fault.path_positions import PathPositions
from tests.fault.run_outcome import Outcome, differences, outcome_of
from tests.fault.ticket_history import (
    ACTS,
    BEGAN_AT,
    Doubled,
    Written,
    act_ends_at,
    clean_order,
    ticket_histories,
)
from tests.harness.installation import Installation, an_installation
from tests.harness.settings import HarnessSettings
from tests.harness.waiting import eventually

pytestmark = pytest.mark.timeout(900)

_SEED = 4711
_MANY, _ENOUGH = 5_000, 500
"""Ticket events in `make prove`, and in `make test`, which has other things to do, too."""
_TIME_PASSES_TO = BEGAN_AT + timedelta(minutes=20)
"""Longer than a P1 may go without a first response: in the end clocks run out, in both runs alike."""
_CLOCK_IS_SEEN_SECONDS = 0.25
"""A process looks at a shared clock's state ten times a second."""


class Stage:
    """An installation in which the business time stands where the story is."""

    def __init__(self, here: Installation, out: Publisher, positions: PathPositions, clock: Path) -> None:
        self.here = here
        self.positions = positions
        self.bites: Counter[str] = Counter()
        """By service, how many records waited for it when it was killed."""
        self._out = out
        self._clock = clock

    async def turn_to(self, instant: datetime) -> None:
        """Let everybody see another business time, and wait until they do."""
        _stand_at(self._clock, instant)
        seen_at = time.monotonic() + _CLOCK_IS_SEEN_SECONDS
        await eventually(lambda: time.monotonic() >= seen_at, what="everybody has looked at the clock")

    async def play(self, order: Sequence[Written], kill: Sequence[str] = ()) -> None:
        """Send an act's messages in this order while the services named are killed one after the other; until quiet."""
        parts = _in_parts(order, len(kill) + 1)
        for part, service in zip(parts, kill, strict=False):
            await self._send_and_kill(part, service)
        await self._send(parts[-1])
        await self.positions.quiet()

    async def _send(self, part: Sequence[Written]) -> None:
        await self._out.publish((one.key, one.message) for one in part)

    async def _send_and_kill(self, part: Sequence[Written], service: str) -> None:
        """Kill a service in the middle of the first records of a part, with the others waiting for it.

        It stands still while those come: else a fast one would be done with them before it is killed.
        """
        victim = self.here.services[service]
        await self._send(part[: len(part) // 3])
        victim.pause()
        await self._send(part[len(part) // 3 :])
        waiting = await eventually(lambda: self._caught(service), 180, what=f"{service} has work")
        victim.kill()
        self.bites[service] += waiting
        self.here.start(service)

    async def _caught(self, service: str) -> int:
        """Return how much waits for a service that stands still; let it go on where nothing does."""
        self.here.services[service].pause()
        waiting = await self.positions.waiting(service)
        if not waiting:
            self.here.services[service].resume()
        return waiting


def _stand_at(clock: Path, instant: datetime) -> None:
    state = {"business_at": instant.isoformat(), "anchor_seconds": 0.0, "speed": 0.0, "beat_seconds": 0.0}
    fresh = clock.with_suffix(".fresh")
    fresh.write_text(json.dumps(state))
    fresh.replace(clock)


@asynccontextmanager
async def _a_stage(folder: Path) -> AsyncIterator[Stage]:
    clock = folder / "clock.json"
    _stand_at(clock, act_ends_at(0))
    async with (
        an_installation(folder, {"ESCALON_CLOCK_FILE": str(clock)}) as here,
        PathPositions(here) as positions,
        publisher(here.settings) as out,
    ):
        yield Stage(here, out, positions, clock)


def _in_parts(order: Sequence[Written], parts: int) -> list[Sequence[Written]]:
    size = len(order) // parts + 1
    return [order[start * size : (start + 1) * size] for start in range(parts)]


@asynccontextmanager
async def _two_stages(folder: Path) -> AsyncIterator[tuple[Stage, Stage]]:
    for name in ("clean", "fired"):
        (folder / name).mkdir()
    async with _a_stage(folder / "clean") as clean, _a_stage(folder / "fired") as fired:
        yield clean, fired


def _victims(act: int) -> tuple[str, ...]:
    """Return whom an act kills: each service in turn, two in an act, then once more together with its neighbour."""
    return SERVICES[act % 4], SERVICES[(act + 1 + act // 4) % 4]


@pytest.mark.expects_errors
async def test_doubled_and_mixed_events_under_kill_leave_what_a_clean_run_leaves(tmp_path: Path) -> None:
    ticket_events = _MANY if HarnessSettings().rounds > 1 else _ENOUGH
    histories, rng = ticket_histories(_SEED, ticket_events), random.Random(_SEED)
    doubled = Doubled(histories, rng)
    sent: list[Written] = []
    async with _two_stages(tmp_path) as (clean, fired):
        for act in range(ACTS):
            once, twice = clean_order(histories, act, rng), doubled.order(act)
            await asyncio.gather(*(stage.turn_to(act_ends_at(act)) for stage in (clean, fired)))
            await asyncio.gather(clean.play(once), fired.play(twice, kill=_victims(act)))
            sent += once
        await _time_passes(clean, fired, doubled.order(ACTS))
        outcome = await _check_equal(clean, fired, sent)
        await _tell(fired, outcome, sent)
        assert sum(isinstance(one.message, TicketEvent) for one in sent) == ticket_events


async def _time_passes(clean: Stage, fired: Stage, late: Sequence[Written]) -> None:
    """Let clocks run out while the last repeats come and the watch is killed."""
    await asyncio.gather(*(stage.turn_to(_TIME_PASSES_TO) for stage in (clean, fired)))
    await asyncio.gather(_until(clean, {SlaBreached}), fired.play(late, kill=("sla_monitor",)))
    await clean.play(())
    await _until_all_of(clean, fired)
    await fired.play(())


async def _until(stage: Stage, kinds: set[type[Message]]) -> None:
    async def on_record() -> bool:
        return kinds <= {type(one) for one in await stage.here.log(ESCALATIONS)}

    await eventually(on_record, 60, what=f"{kinds} are on record")


async def _until_all_of(clean: Stage, fired: Stage) -> None:
    """Wait until the fired run has said what the clean one has said of clocks: what is due comes by itself."""
    wanted = {one.meta.id for one in await clean.here.log(ESCALATIONS) if isinstance(one, SlaRecord | EscalationOpened)}

    async def said() -> bool:
        return wanted <= {one.meta.id for one in await fired.here.log(ESCALATIONS)}

    await eventually(said, 120, what="the fired run says all that fell due")


async def _check_equal(clean: Stage, fired: Stage, sent: Sequence[Written]) -> Outcome:
    messages = [one.message for one in sent]
    left, wanted = await outcome_of(fired.here, messages), await outcome_of(clean.here, messages)
    found = differences(wanted, left)
    assert not found, "the runs differ, clean first:\n" + "\n".join(found)
    return left


async def _tell(fired: Stage, outcome: Outcome, sent: Sequence[Written]) -> None:
    """Print how often what happened, and check that it did."""
    written = [one for topic in (CLASSIFICATIONS, ESCALATIONS, NOTIFICATIONS) for one in await fired.here.log(topic)]
    written = [one for one in written if not isinstance(one, ClassifierProgressed)]
    merges = [one for one in written if isinstance(one, EscalationMerged)]
    across = sum(_partition(one.escalation.ticket) != _partition(one.into) for one in merges)
    tickets = sum(isinstance(one.message, TicketEvent) for one in sent)
    print(
        f"\n{tickets} ticket events and {len(sent) - tickets} commands, each twice, left {len(outcome.events)} events,"
        f" {len(outcome.owners)} escalations, {len(outcome.notices)} notices ({len(outcome.overtaken)} overtaken);"
        f" {len(merges)} merges, {across} of them across partitions;"
        f" our own topics hold {len(written) - len({(type(one), one.meta.id) for one in written})} repeats;"
        f" records that waited for a service when it was killed: {dict(fired.bites)}"
    )
    assert set(fired.bites) == set(SERVICES)
    assert 0 < across < len(merges)


def _partition(ticket: str) -> int:
    return int((murmur2(ticket.encode()) & 0x7FFFFFFF) % DEFAULT_PARTITIONS)

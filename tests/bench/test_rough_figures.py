"""Rough figures of the whole path on this machine: events a second through each service, first notices, memory.

Run by hand: `make test ARGS=bench`. Every message goes to a broker of its own on the loopback address; nothing is
asserted but that nothing was lost.
"""

import asyncio
import os
import statistics
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ops.connection import read_topics
from schemas.catalogue import CLASSIFICATIONS, ESCALATIONS, NOTIFICATIONS, SLA, TICKETS, Topic
from schemas.codec import Codec, SchemaBook
from schemas.errors import WireError
from schemas.message import Message
from schemas.notifications import NoticeDelivered
from schemas.tickets import Customer, Ticket, TicketEvent, TicketFields, TicketOpened
from tests.harness.installation import Installation, a_prepared_installation
from tests.harness.waiting import eventually

pytestmark = pytest.mark.timeout(900)

SINCE = "2020-01-01T00:00:00Z"
BACKLOG = 3_000
A_SECOND = 50
SECONDS = 30
_CODEC = Codec(SchemaBook())
_WORK = {
    "classifier": (TICKETS, CLASSIFICATIONS),
    "router": (CLASSIFICATIONS, ESCALATIONS),
    "sla_monitor": (ESCALATIONS, SLA),
    "notifier": (ESCALATIONS, NOTIFICATIONS),
}


async def test_the_rough_figures_of_the_whole_path_are_taken(tmp_path: Path) -> None:
    lines = [f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, {BACKLOG} tickets waiting"]
    async with a_prepared_installation(tmp_path, {"ESCALON_SINCE": SINCE}) as here:
        await here.send(*(_ticket(f"backlog-{number}") for number in range(BACKLOG)))
        for name, (read, written) in _WORK.items():
            lines.append(await _rate_of(here, name, read, written))
        lines.append(await _first_notices(here))
        lines += [f"{name}: {_resident_mib(service.pid):.0f} MiB" for name, service in here.services.items()]
    sys.stdout.write("\n" + "\n".join(lines) + "\n")


async def _rate_of(here: Installation, name: str, read: Topic, written: Topic) -> str:
    """Start the service on what waits for it, and take the rate from the broker's times of what it wrote."""
    waiting = len(await here.log(read))
    here.start(name)
    await here.ready()
    times = await _settled(here, written)
    # The first tenth is the start.
    cut = len(times) // 10
    took = (times[-1] - times[cut]) / 1000
    share = (len(times) - cut) / len(times)
    return f"{name}: {waiting} events in, {len(times)} out, {waiting * share / max(took, 0.001):,.0f} events/s"


async def _settled(here: Installation, topic: Topic) -> list[int]:
    """Return the broker's times of a topic's events, once none has come for two seconds."""
    times: list[int] = []

    async def is_quiet() -> bool:
        nonlocal times
        before = len(times)
        times = sorted([time async for time, message in _timed(here, topic) if not _is_progress(message)])
        await asyncio.sleep(2)
        return len(times) == before > 0

    await eventually(is_quiet, 300, what=f"{topic.name} settles")
    return times


async def _first_notices(here: Installation) -> str:
    """Send tickets at a steady rate and return how long each took to its first notice, by the broker's clock."""
    for second in range(SECONDS):
        began = asyncio.get_running_loop().time()
        await here.send(*(_ticket(f"steady-{second}-{number}") for number in range(A_SECOND)))
        await asyncio.sleep(max(0.0, 1 - (asyncio.get_running_loop().time() - began)))
    await _settled(here, NOTIFICATIONS)
    sent = {m.ticket.key: at async for at, m in _timed(here, TICKETS) if isinstance(m, TicketEvent)}
    told: dict[str, int] = {}
    async for at, message in _timed(here, NOTIFICATIONS):
        if isinstance(message, NoticeDelivered):
            told[message.ticket] = min(at, told.get(message.ticket, at))
    steady = [key for key in sent if "/steady-" in key]
    assert set(steady) <= set(told), "every ticket is told of"
    waits = sorted((told[key] - sent[key]) / 1000 for key in steady)
    p99 = waits[int(len(waits) * 0.99) - 1]
    return f"ticket to first notice at {A_SECOND}/s: p50 {statistics.median(waits):.2f} s, p99 {p99:.2f} s"


async def _timed(here: Installation, topic: Topic) -> AsyncIterator[tuple[int, Message]]:
    async for record in read_topics(here.settings, [topic.name]):
        try:
            yield record.timestamp_ms, _CODEC.decode(record.value or b"")
        except WireError:
            continue


def _is_progress(message: Message) -> bool:
    return type(message).__name__ == "ClassifierProgressed"


def _ticket(number: str) -> TicketOpened:
    return TicketOpened(
        ticket=Ticket(
            helpdesk="zendesk-eu",
            ticket_id=number,
            subject="The export is broken for the whole team",
            description="Since this morning the export fails for 40 of us and there is no way around it.",
            customer=Customer(name="Carla Customer", email="carla@customer.example"),
            fields=TicketFields(affected_users=40, workaround=False, agent_escalated=True),
        )
    )


def _resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024

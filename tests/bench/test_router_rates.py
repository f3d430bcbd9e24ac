"""How fast the router is on PostgreSQL, beside the library saving one at a time, and how long a ticket takes.

Stands on `classifications.v1` alone: what comes in is written by the bench, encoded before.
"""

import asyncio
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from msgspec.structs import replace
from sqlalchemy import URL

from chassis.producer import Producer
from chassis.records import Outgoing
from chassis.settings import KafkaSettings
from ops.connection import read_topics
from ops.local.kafka import LocalKafka
from schemas.catalogue import CLASSIFICATIONS, ESCALATIONS
from schemas.classifications import TicketClassified
from schemas.envelope import headers_of
from tests.bench.measuring import cpu_seconds, note, percentile, rate, row
from tests.bench.settings import BenchSettings
from tests.contract.router.streams import CODEC, opened
from tests.harness.postgres import a_database
from tests.harness.waiting import eventually
from tests.integration.router.running import RouterDesk, a_router
from tests.unit.router.telling import VERSION, judgement

pytestmark = pytest.mark.timeout(1800)

TICKETS = 4_000
SAVED_ALONE = 1_000
A_SECOND = 200
STEADY_SECONDS = 20.0
_STRIDE_SECONDS = 0.02


async def test_the_router_opens_escalations_faster_than_the_library_saves_them_one_at_a_time(
    own_kafka: LocalKafka, postgres_server: URL, postgres_url: str, tmp_path: Path, free_port: int
) -> None:
    settings = BenchSettings()
    servers = own_kafka.bootstrap_servers
    ours: list[float] = []
    alone: list[float] = []
    async with RouterDesk(servers) as desk:
        with a_router(servers, postgres_url, tmp_path / "log", free_port) as router:
            await eventually(router.is_ready, 120, what=lambda: router.log)
            await _put(desk.settings, _records("warm", 500))
            await _published(desk.settings, "warm", 500)
            for turn in range(1, settings.rounds + 1):
                before = cpu_seconds(router.pid)
                await _put(desk.settings, _records(f"turn-{turn}", TICKETS))
                ours.append(rate(await _published(desk.settings, f"turn-{turn}", TICKETS)))
                note(f"router: {(cpu_seconds(router.pid) - before) / TICKETS * 1e6:,.0f} µs of CPU an escalation")
                with a_database(postgres_server) as empty:
                    alone.append(await asyncio.to_thread(_saving_alone, empty))
                note(f"turn {turn}: router {ours[-1]:,.0f}/s, the library {alone[-1]:,.0f}/s")
            quiet = [await _rate_of_nothing(desk.settings, turn) for turn in range(1, settings.rounds + 1)]
            waits = [wait for turn in range(settings.rounds) for wait in await _steady(desk.settings, turn)]
    times = [one / other for one, other in zip(ours, alone, strict=True)]
    row("router: tickets → OwnerAssigned, PostgreSQL", "≥ 400/s", f"{statistics.median(ours):,.0f}/s")
    told = f"{statistics.median(alone):,.0f}/s: {statistics.median(times):.1f} times"
    row("router / the library saving one at a time", "≥ 2 times", told)
    row("router: tickets that lead to nothing", "", f"{statistics.median(quiet):,.0f}/s")
    p50, p99 = statistics.median(waits), percentile(waits, 99)
    row(f"router: classified → opened at {A_SECOND}/s", "p99 ≤ 250 ms", f"p50 {p50:.0f} ms, p99 {p99:.0f} ms")


def _records(prefix: str, count: int, *, qualifies: bool = True) -> list[Outgoing]:
    return [_record(opened(f"zendesk-eu/{prefix}-{number}"), qualifies=qualifies) for number in range(count)]


def _record(event: TicketClassified, *, qualifies: bool) -> Outgoing:
    assert event.meta.policy_version == VERSION
    event = replace(event, judgement=judgement(qualifies=qualifies))
    return Outgoing(CLASSIFICATIONS.name, event.ticket.key.encode(), CODEC.encode(event), headers_of(event))


async def _put(settings: KafkaSettings, records: Sequence[Outgoing], at_once: int = 500) -> None:
    async with Producer(settings, "bench") as out:
        for start in range(0, len(records), at_once):
            await out.send_batch(records[start : start + at_once])


async def _published(settings: KafkaSettings, prefix: str, count: int) -> list[int]:
    """Return when the owner of each of these tickets was published, in order."""
    found: dict[str, int] = {}

    async def are_all_there() -> bool:
        await asyncio.sleep(1.0)
        found.update(await _times(settings, ESCALATIONS.name, f"/{prefix}-", "OwnerAssigned"))
        return len(found) == count

    await eventually(are_all_there, 300, what=lambda: f"{len(found)} of {count} tickets have an owner")
    return sorted(found.values())


async def _rate_of_nothing(settings: KafkaSettings, turn: int) -> float:
    """Return how many tickets a second lead to nothing but being remembered; the last one opens, and tells the end."""
    prefix = f"nothing-{turn}"
    began = time.time()
    last = [_record(opened(f"zendesk-eu/{prefix}-last-{number}"), qualifies=True) for number in range(64)]
    await _put(settings, [*_records(prefix, TICKETS, qualifies=False), *last])
    times = await _published(settings, f"{prefix}-last", len(last))
    return TICKETS / (times[-1] / 1000 - began)


async def _steady(settings: KafkaSettings, turn: int) -> list[float]:
    """Write at a pace, and return for each ticket the milliseconds from its verdict to its opening."""
    prefix = f"steady-{turn}"
    records = _records(prefix, int(A_SECOND * STEADY_SECONDS))
    began, sent = time.monotonic(), 0
    async with Producer(settings, "bench") as out:
        while sent < len(records):
            due = min(len(records), int((time.monotonic() - began) * A_SECOND) + 1)
            if due > sent:
                await out.send_batch(records[sent:due])
                sent = due
            await asyncio.sleep(_STRIDE_SECONDS)
    await _published(settings, prefix, len(records))
    asked = await _times(settings, CLASSIFICATIONS.name, f"/{prefix}-", "TicketClassified")
    answered = await _times(settings, ESCALATIONS.name, f"/{prefix}-", "EscalationOpened")
    return [float(answered[ticket] - at) for ticket, at in asked.items()]


async def _times(settings: KafkaSettings, topic: str, part: str, kind: str) -> dict[str, int]:
    """Return when the first event of a type was written for each ticket whose key has this part."""
    found: dict[str, int] = {}
    async for record in read_topics(settings, [topic]):
        ticket = (record.key or b"").decode()
        if part in ticket and dict(record.headers).get("ce_type", b"").decode().endswith(f".{kind}"):
            found.setdefault(ticket, record.timestamp_ms)
    return found


class Case(Aggregate):
    """What the library's own documentation would make of an escalation: an aggregate with two events."""

    @event("Opened")
    def __init__(self, ticket: str, subject: str) -> None:
        self.ticket = ticket
        self.subject = subject
        self.owner = ""

    @event("OwnerAssigned")
    def assign(self, owner: str) -> None:
        """Give it an owner."""
        self.owner = owner


def _saving_alone(url: str) -> float:
    """Return how many such aggregates a second the library stores, each in a transaction of its own."""
    cases: Application[UUID] = Application(
        {
            "PERSISTENCE_MODULE": "eventsourcing_sqlalchemy",
            "SQLALCHEMY_URL": url,
        }
    )
    began = time.monotonic()
    for number in range(SAVED_ALONE):
        case = Case(f"zendesk-eu/{number}", "Search finds nothing")
        case.assign("ana")
        cases.save(case)
    took = time.monotonic() - began
    cases.close()
    return SAVED_ALONE / took

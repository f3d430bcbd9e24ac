"""Tickets that arrive at a rate: encoded before, written when they are due, so that sending costs next to nothing."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chassis.producer import Producer
from chassis.records import Outgoing
from ops.event_file import FileEvent
from schemas.catalogue import TICKETS
from schemas.codec import Codec, SchemaBook
from schemas.envelope import headers_of
from schemas.tickets import Customer, Ticket, TicketOpened
from tests.harness.installation import Installation
from tests.harness.load import an_outage

TEXTS: list[dict[str, str]] = json.loads(
    (Path(__file__).parent / "texts" / "cfpb_narratives.json").read_text(encoding="utf-8")
)
P1_EACH = 33
"""One ticket of so many is a P1, 3 %: UCI's log of incidents has 2.1 % critical ones."""
_STRIDE_SECONDS = 0.05
_CODEC = Codec(SchemaBook())


def a_complaint(number: str) -> TicketOpened:
    """Return a ticket with a real complaint's text; one of nineteen qualifies, as P3."""
    text = TEXTS[hash_of(number) % len(TEXTS)]
    return TicketOpened(
        ticket=Ticket(
            helpdesk="zendesk-eu",
            ticket_id=number,
            subject=text["subject"],
            description=text["description"],
            customer=Customer(name="Carla Customer", email="carla@customer.example"),
        )
    )


def mixed(number: str) -> TicketOpened:
    """Return a P1 for one ticket of thirty-three, else a complaint."""
    return an_outage(number) if is_p1(number) else a_complaint(number)


def is_p1(number: str) -> bool:
    """Tell whether `mixed` makes a P1 of this one."""
    return hash_of(number) % P1_EACH == 0


def hash_of(number: str) -> int:
    """Return the number at the end of a ticket's id."""
    return int(number.rpartition("-")[2])


def encoded(
    prefix: str, count: int, begins_at: datetime, a_second: float, make: Callable[[str], TicketOpened] = mixed
) -> list[Outgoing]:
    """Return the records of tickets `<prefix>-<n>`, each dated when it is due."""
    return [
        _record(make(f"{prefix}-{number}"), begins_at + timedelta(seconds=number / a_second)) for number in range(count)
    ]


async def arrive(here: Installation, records: Sequence[Outgoing], begins_at: datetime, a_second: float) -> float:
    """Write the records as they fall due, and return by how many seconds the worst one was late."""
    worst = 0.0
    async with Producer(here.settings, "bench") as out:
        await asyncio.sleep(max(0.0, (begins_at - datetime.now(UTC)).total_seconds()))
        sent = 0
        while sent < len(records):
            since = (datetime.now(UTC) - begins_at).total_seconds()
            due = min(len(records), int(since * a_second) + 1)
            if due > sent:
                worst = max(worst, since - sent / a_second)
                await out.send_batch(records[sent:due])
                sent = due
            await asyncio.sleep(_STRIDE_SECONDS)
    return worst


async def put(here: Installation, records: Sequence[Outgoing], at_once: int = 2_000) -> None:
    """Write all records as fast as the broker takes them."""
    async with Producer(here.settings, "bench") as out:
        for start in range(0, len(records), at_once):
            await out.send_batch(records[start : start + at_once])


def soon(seconds: float = 3.0) -> datetime:
    """Return an instant shortly from now."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


def keys(prefix: str, count: int, chosen: Callable[[str], bool] = lambda _: True) -> Iterator[str]:
    """Yield the keys of the tickets that `encoded` made."""
    return (f"zendesk-eu/{prefix}-{number}" for number in range(count) if chosen(f"{prefix}-{number}"))


def _record(draft: TicketOpened, at: datetime) -> Outgoing:
    event = FileEvent(line=0, at=None, arrives=None, by=None, id=None, draft=draft).sealed(at)
    return Outgoing(TICKETS.name, draft.ticket.key.encode(), _CODEC.encode(event), headers_of(event))

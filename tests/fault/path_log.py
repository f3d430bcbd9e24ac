"""What a fault test sends and what must come of it, read from topics and stores as an outsider would."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from chassis.event_store import EventStore
from chassis.startup import check_kafka
from schemas.catalogue import ESCALATIONS, NOTIFICATIONS, SLA, TICKETS
from schemas.codec import Codec, SchemaBook
from schemas.commands import AcceptEscalation
from schemas.escalations import (
    CustomerAcknowledged,
    CustomerReplyReceived,
    EscalationAccepted,
    EscalationEvent,
    EscalationOpened,
    OwnerAssigned,
    SlaKept,
    StreamEvent,
)
from schemas.message import Message
from schemas.notifications import NoticeDelivered
from schemas.sla import PromiseScheduled
from schemas.tickets import CustomerReplied, TicketOpened
from schemas.vocabulary import NoticeKind
from tests.harness.installation import Installation
from tests.harness.load import an_outage
from tests.harness.tickets import a_comment
from tests.harness.waiting import eventually

Step = tuple[str, type[Message]]
"""A ticket, and what is to be on record about it."""

_OF_A_TICKET = (EscalationOpened, OwnerAssigned, NoticeDelivered, PromiseScheduled)
_OF_AN_ACCEPTANCE = (EscalationAccepted, CustomerAcknowledged, SlaKept)


@dataclass(slots=True)
class Sent:
    """What was sent, and so what is to come of it."""

    tickets: set[str] = field(default_factory=set)
    wanted: set[Step] = field(default_factory=set)

    def opened(self, tickets: Iterable[str]) -> None:
        """Want an owner who knows, and a promise, for each of the tickets."""
        named = set(tickets)
        self.tickets |= named
        self.wanted |= {(ticket, kind) for ticket in named for kind in _OF_A_TICKET}

    def accepted(self, tickets: Iterable[str]) -> None:
        """Want the acceptance, the customer's acknowledgement and the clocks that were kept by it."""
        self.wanted |= {(ticket, kind) for ticket in tickets for kind in _OF_AN_ACCEPTANCE}

    def replied(self, tickets: Iterable[str]) -> None:
        """Want the customer's reply on record."""
        self.wanted |= {(ticket, CustomerReplyReceived) for ticket in tickets}

    async def missing(self, here: Installation, by: datetime | None = None) -> set[Step]:
        """Return what is not on record yet, or was not by then."""
        told = await here.log(ESCALATIONS, SLA, NOTIFICATIONS)
        log = told if by is None else [one for one in told if one.meta.recorded_at <= by]
        return self.wanted - {(one.meta.correlation_id, type(one)) for one in log if not _is_other_notice(one)}


async def send_tickets(here: Installation, sent: Sent, prefix: str, count: int) -> list[str]:
    """Open tickets that have all four services at work; return their keys."""
    outages = [an_outage(f"{prefix}-{number}") for number in range(count)]
    await here.send(*outages)
    keys: list[str] = [outage.ticket.key for outage in outages]
    sent.opened(keys)
    return keys


async def send_acts(here: Installation, sent: Sent, tickets: Iterable[str]) -> None:
    """Have the owners of escalations accept and the customers write, all at once."""
    wanted = set(tickets)
    owners = {ticket: owner for ticket, owner in (await owners_of(here)).items() if ticket in wanted}
    by_owner: dict[str, list[str]] = defaultdict(list)
    for ticket, owner in owners.items():
        by_owner[owner].append(ticket)
    for owner, theirs in by_owner.items():
        await here.send(*(AcceptEscalation(ticket=ticket) for ticket in theirs), by=owner)
    opened = {str(one.ticket.key): one.ticket for one in await here.log(TICKETS) if isinstance(one, TicketOpened)}
    reply = a_comment("It is still down.")
    await here.send(*(CustomerReplied(ticket=opened[ticket], comment=reply) for ticket in owners))
    sent.accepted(owners)
    sent.replied(owners)


async def told_tickets(here: Installation) -> set[str]:
    """Return the tickets whose owner was told: the end of the path."""
    log = await here.log(NOTIFICATIONS)
    return {one.ticket for one in log if isinstance(one, NoticeDelivered) and not _is_other_notice(one)}


async def owners_of(here: Installation) -> dict[str, str]:
    """Return the owner of each escalation."""
    log = await here.log(ESCALATIONS)
    return {one.escalation.ticket: one.owner for one in log if isinstance(one, OwnerAssigned)}


async def wait_until_done(here: Installation, sent: Sent, within: float = 120) -> None:
    """Return when all that is to come of what was sent is on record; fails telling what is missing."""
    missing = sent.wanted

    async def nothing_is_missing() -> bool:
        nonlocal missing
        missing = await sent.missing(here)
        return not missing

    def what() -> str:
        examples = sorted((key, kind.__name__) for key, kind in missing)[:8]
        return f"all steps are on record; missing {len(missing)}: {examples}"

    await eventually(nothing_is_missing, within, what=what)


def repeats(events: Iterable[Message]) -> int:
    """Return how many records have an identity that another one before them has."""
    return sum(count - 1 for count in Counter((one.wire_name(), one.meta.id) for one in events).values())


async def check_streams(here: Installation, tickets: set[str]) -> None:
    """Check as readers see it: one opening, one owner, versions without gap, an id a version, repeats identical."""
    log = [one for one in await here.log(ESCALATIONS) if isinstance(one, EscalationEvent)]
    streams: dict[str, dict[int, EscalationEvent]] = defaultdict(dict)
    for event in log:
        seen = streams[event.escalation.ticket].setdefault(event.escalation.version, event)
        assert seen == event, f"version {event.escalation.version} of {event.escalation.ticket} is two events"
    for ticket in tickets:
        stream = streams[ticket]
        assert sorted(stream) == list(range(1, len(stream) + 1)), f"{ticket} has gaps: {sorted(stream)}"
        kinds = Counter(type(one) for one in stream.values())
        assert kinds[EscalationOpened] == kinds[OwnerAssigned] == 1, (ticket, kinds)
        assert kinds[EscalationAccepted] <= 1, (ticket, kinds)
        assert kinds[CustomerAcknowledged] <= 1, (ticket, kinds)
    ids = [one.meta.id for stream in streams.values() for one in stream.values()]
    assert len(ids) == len(set(ids)), "an id stands for two versions"


async def check_stored(here: Installation) -> None:
    """Check that what is published is what is stored, once all is at rest: each event once, in a ticket's order."""

    async def agree() -> bool:
        stored = await _stored(here)
        assert repeats(stored) == 0
        return _by_ticket(stored) == _by_ticket(_once(await here.log(ESCALATIONS)))

    await eventually(agree, 60, what="what is published is what is stored")


async def _stored(here: Installation) -> list[Message]:
    codec = Codec(SchemaBook())
    async with EventStore(here.environment["ESCALON_ROUTER_STORE_URL"]) as store:
        (count,) = (await check_kafka(here.settings, (ESCALATIONS.name,))).values()
        rows = await store.outbox(dict.fromkeys(range(count), 0), 1_000_000)
    return [codec.decode(row.event.value) for row in rows]


def _once(events: Iterable[Message]) -> list[Message]:
    return list({one.meta.id: one for one in events if isinstance(one, StreamEvent)}.values())


def _is_other_notice(message: Message) -> bool:
    return isinstance(message, NoticeDelivered) and message.kind is not NoticeKind.NEW_OWNER


def _by_ticket(events: Iterable[Message]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for event in events:
        found[event.meta.correlation_id].append(event.meta.id)
    return dict(found)


def check_sink(here: Installation) -> None:
    """Check that no letter reached the local sink twice: it can be asked what it has."""
    lines = (here.folder / "sink.jsonl").read_text(encoding="utf-8").splitlines()
    letters = Counter(json.loads(line)["key"] for line in lines)
    assert not [key for key, times in letters.items() if times > 1]

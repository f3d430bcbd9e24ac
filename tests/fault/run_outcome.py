"""What came of a run: events, owners and notices, each by its id; and in what two runs differ."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import select

from chassis.event_store import EventStore
from ops.topics import DEFAULT_PARTITIONS
from schemas.catalogue import CLASSIFICATIONS, ESCALATIONS
from schemas.classifications import TicketClassified
from schemas.codec import Codec, SchemaBook
from schemas.context import NO_CONTEXT, EscalationContext
from schemas.escalations import EscalationEvent, OwnerAssigned, OwnerNotified, StreamEvent, WatchEvent
from schemas.ids import derived_id
from schemas.message import Message
from services.notifier.adapters.sql_tables import NOTICES, connect
from services.notifier.domain.notice import Notice
from tests.harness.installation import Installation

_SUPERSEDED = "escalon.notifications.NoticeSuperseded"
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Planned:
    """A notice as the receiver would see it, and how it ended."""

    recipient: str
    content: str
    outcome: str | None


@dataclass(slots=True)
class Outcome:
    """All that a run left behind. `orders`: what each ticket's own events and commands led to, in order."""

    events: dict[str, str] = field(default_factory=dict)
    verdicts: dict[str, str] = field(default_factory=dict)
    orders: dict[str, list[str]] = field(default_factory=dict)
    owners: dict[str, list[str]] = field(default_factory=dict)
    escalations: dict[str, str] = field(default_factory=dict)
    notices: dict[str, Planned] = field(default_factory=dict)
    overtaken: set[str] = field(default_factory=set)
    """Notices that came too late to be sent, and events that say that one was."""


async def outcome_of(here: Installation, sent: Iterable[Message]) -> Outcome:
    """Read what is there, and check what must hold in any run: streams without gap, published as stored, sent once."""
    found = Outcome()
    published = _once(one for one in await here.log(ESCALATIONS) if isinstance(one, StreamEvent))
    _check_streams(published.values())
    assert await _stored(here) == published, "what is published is not what is stored"
    own = {message.meta.id for message in sent}
    own |= {derived_id(one, TicketClassified.wire_name()) for one in own}
    _note_events(found, published.values(), own)
    for one in await here.log(CLASSIFICATIONS):
        if isinstance(one, TicketClassified):
            verdict = _plain(replace(one, meta=_untimed(one)))
            assert found.verdicts.setdefault(one.meta.id, verdict) == verdict, "a ticket event has two verdicts"
    found.notices = _notices(here)
    _check_sink(here, found.notices)
    late = {key for key, notice in found.notices.items() if notice.outcome == _SUPERSEDED}
    told = {one.meta.id for one in published.values() if isinstance(one, OwnerNotified) and one.notice_id in late}
    found.overtaken = late | told
    return found


def differences(one: Outcome, other: Outcome) -> list[str]:
    """Return in what two runs differ, by id; what either overtook before it was sent is left out."""
    told: list[str] = []
    either = one.overtaken | other.overtaken | _reports_on(one, other)
    for what in ("events", "verdicts", "orders", "owners", "escalations", "notices"):
        ours, theirs = (_without(getattr(run, what), either) for run in (one, other))
        told += [f"{what} {key}:\n  {ours.get(key)}\n  {theirs.get(key)}" for key in _unequal(ours, theirs)]
    return told[:_SHOWN]


def _reports_on(one: Outcome, other: Outcome) -> set[str]:
    """Return the events that say of a notice that it arrived which the other run overtook."""
    late = {key for run in (one, other) for key in run.overtaken}
    return {
        key for run in (one, other) for key, event in run.events.items() if json.loads(event).get("notice_id") in late
    }


def _without(found: Mapping[str, Any], keys: set[str]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key not in keys}


def _unequal(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    return sorted(key for key in {*one, *other} if one.get(key) != other.get(key))


def _note_events(found: Outcome, events: Iterable[StreamEvent], own: set[str]) -> None:
    """Note each event by its id.

    What follows from a ticket's own events and commands is compared with all it says; what comes from elsewhere (a
    delivery, a clock, another ticket) says how things stand at a moment that is not the same in two runs.
    """
    orders: dict[str, list[str]] = defaultdict(list)
    owners: dict[str, list[str]] = defaultdict(list)
    for event in sorted(events, key=_version):
        ticket, is_own = event.meta.correlation_id, event.meta.causation_id in own
        found.events[event.meta.id] = _plain(_comparable(event, is_own=is_own))
        if is_own:
            orders[ticket].append(f"{type(event).__name__} {event.meta.id}")
        if isinstance(event, OwnerAssigned):
            owners[ticket].append(event.owner)
        if isinstance(event, EscalationEvent):
            found.escalations[ticket] = _plain(replace(event.escalation, version=0))
    found.orders, found.owners = dict(orders), dict(owners)


def _comparable(event: StreamEvent, *, is_own: bool) -> StreamEvent:
    event = replace(event, meta=_untimed(event))
    if isinstance(event, WatchEvent):
        return replace(event, watch=replace(event.watch, version=0))
    if isinstance(event, EscalationEvent):
        return replace(event, escalation=_identity(event.escalation) if not is_own else _unnumbered(event.escalation))
    return event


def _identity(context: EscalationContext) -> EscalationContext:
    return replace(
        NO_CONTEXT,
        escalation_id=context.escalation_id,
        reference=context.reference,
        ticket=context.ticket,
        started_at=context.started_at,
    )


def _unnumbered(context: EscalationContext) -> EscalationContext:
    return replace(context, version=0)


def _untimed(event: Message) -> Any:
    return replace(event.meta, recorded_at=event.meta.occurred_at)


def _plain(record: msgspec.Struct) -> str:
    return msgspec.json.encode(record, order="sorted").decode()


def _version(event: StreamEvent) -> int:
    if isinstance(event, EscalationEvent):
        return event.escalation.version
    assert isinstance(event, WatchEvent)
    return event.watch.version


def _once(events: Iterable[StreamEvent]) -> dict[str, StreamEvent]:
    found: dict[str, StreamEvent] = {}
    for event in events:
        assert found.setdefault(event.meta.id, event) == event, f"two events have the id {event.meta.id}"
    return found


def _check_streams(events: Iterable[StreamEvent]) -> None:
    versions: dict[str, list[int]] = defaultdict(list)
    for event in events:
        versions[event.meta.correlation_id].append(_version(event))
    for ticket, numbers in versions.items():
        assert sorted(numbers) == list(range(1, len(numbers) + 1)), f"{ticket}: {sorted(numbers)}"


async def _stored(here: Installation) -> dict[str, StreamEvent]:
    codec = Codec(SchemaBook())
    found: list[StreamEvent] = []
    async with EventStore(here.environment["ESCALON_ROUTER_STORE_URL"]) as store:
        for number in range(DEFAULT_PARTITIONS):
            for row in await store.outbox({number: 0}, 1_000_000):
                event = codec.decode(row.event.value)
                assert isinstance(event, StreamEvent)
                found.append(event)
    assert len({event.meta.id for event in found}) == len(found), "an event is stored twice"
    return {event.meta.id: event for event in found}


def _notices(here: Installation) -> dict[str, Planned]:
    engine = connect(here.environment["ESCALON_NOTIFIER_LEDGER_URL"])
    try:
        with engine.connect() as connection:
            rows = connection.execute(select(NOTICES.c.document, NOTICES.c.outcome_name)).all()
    finally:
        engine.dispose()
    return {notice.id: notice_of for notice, notice_of in (_planned(*row) for row in rows)}


def _planned(document: str, outcome: str | None) -> tuple[Notice, Planned]:
    notice = msgspec.json.decode(document, type=Notice)
    content = _plain(replace(notice, planned_at=notice.about.started_at or notice.planned_at))
    return notice, Planned(recipient=notice.recipient, content=content, outcome=outcome)


def _check_sink(here: Installation, notices: Mapping[str, Planned]) -> None:
    """Check the receiver's journal: what is delivered arrived, and once."""
    lines = (here.folder / "sink.jsonl").read_text(encoding="utf-8").splitlines()
    arrived = Counter(json.loads(line)["key"].partition(":")[0] for line in lines)
    assert max(arrived.values(), default=1) == 1, "the sink got a notice twice"
    delivered = {key for key, notice in notices.items() if notice.outcome != _SUPERSEDED}
    assert set(arrived) == delivered

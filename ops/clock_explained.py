"""The clocks of an escalation explained from the log alone, with who did what stopped them."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from chassis.errors import EscalonError
from ops.connection import EventLog
from ops.view.board import timeline
from ops.view.storytelling import told
from policy.model import Policy
from policy.publication import policy_of
from schemas.catalogue import ESCALATIONS, POLICIES
from schemas.escalations import (
    EscalationEnded,
    EscalationEvent,
    EscalationMerged,
    SlaBreached,
    SlaCorrected,
    SlaKept,
    SlaWarned,
    StreamEvent,
)
from schemas.ids import PolicyVersion
from schemas.message import Message
from schemas.reference_data import PolicyPublished
from services.sla_monitor.domain.explaining import ClockExplained, Segment, duration_words, explain
from services.sla_monitor.domain.folding import ended, fold
from services.sla_monitor.domain.ledger import LedgerEntry
from services.sla_monitor.domain.pinning import pinned
from services.sla_monitor.domain.row import AnyRow, EscalationRow

_SAID = (SlaWarned, SlaBreached, SlaKept, SlaCorrected)


class UnexplainedError(EscalonError):
    """There are no clocks to explain; says why."""


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """A clock with its stretches in words, and what was recorded of it, each as it was explained then."""

    clock: ClockExplained
    lines: tuple[str, ...]
    said: tuple[str, ...] = ()


async def explained(log: EventLog, reference: str, now: datetime) -> list[Explained]:
    """Return the clocks of an escalation as they stand; raises UnexplainedError where it has none."""
    policies: dict[str, str] = {}
    messages: list[Message | None] = []
    async for entry in log.entries(POLICIES, ESCALATIONS):
        if isinstance(entry.message, PolicyPublished):
            policies[entry.message.version] = entry.message.document
        else:
            messages.append(entry.message)
    return clocks_of(reference, messages, policies, now)


def clocks_of(
    reference: str, messages: Iterable[Message | None], policies: Mapping[str, str], now: datetime
) -> list[Explained]:
    """Return the same from what is on `escalations.v1`, and from policies by their version."""
    found = timeline(reference, messages)
    if found is None:
        raise UnexplainedError(f"there is no escalation {reference}")
    events = [event for event in found.events if isinstance(event, StreamEvent)]
    row, because = _row(events, reference)
    by_version = {event.escalation.version: event for event in events if isinstance(event, EscalationEvent)}
    held_to = pinned(row, lambda version: _policy(version, policies))
    clocks = explain(row, held_to.policy, now, held_to.earlier, ended_because=because)
    return [
        Explained(clock=one, lines=tuple(_lines(one, by_version)), said=tuple(_said(one, events))) for one in clocks
    ]


def _row(events: Iterable[StreamEvent], reference: str) -> tuple[EscalationRow, str | None]:
    """Return what the clocks go by, and why they ended where the ticket was merged or deleted."""
    row: AnyRow | None = None
    last: StreamEvent | None = None
    over: tuple[EscalationRow, str] | None = None
    for event in events:
        if isinstance(event, EscalationMerged | EscalationEnded) and isinstance(row, EscalationRow):
            over = ended(row, event), told(event)
        row, last = fold(row, event), event
    if over is not None:
        return over
    if isinstance(row, EscalationRow):
        return row, None
    why = "is watched, no escalation" if row is not None else f"has no clocks any more: {told(last)}" if last else ""
    raise UnexplainedError(f"{reference} {why}")


def _policy(version: PolicyVersion, policies: Mapping[str, str]) -> Policy:
    document = policies.get(version)
    if document is None:
        raise UnexplainedError(f"policy {version}, by which its clocks run, is not on {POLICIES.name}")
    return policy_of(document)


def _lines(clock: ClockExplained, by_version: dict[int, EscalationEvent]) -> Iterator[str]:
    pauses = {one.since: one for one in clock.pauses}
    for one in clock.segments:
        event = by_version.get(one.version)
        why = ("" if event is None else f"  {told(event)}") + _stood(one, pauses)
        yield f"{one.what:6}  {_utc(one.since)} to {_utc(one.until)}  {duration_words(one.length)}{why}"


def _stood(segment: Segment, pauses: dict[datetime, LedgerEntry]) -> str:
    """Return why a clock stood, who brought it about, and how close to the breach it was by then."""
    entry = pauses.get(segment.since) if segment.why is not None else None
    if entry is None:
        return ""
    words = [entry.why.replace("_", " "), *([f"by {entry.by}"] if entry.by else [])]
    if entry.percent_used is not None and entry.left_seconds is not None:
        left = timedelta(seconds=entry.left_seconds)
        rest = f"{duration_words(left)} left" if left >= timedelta(0) else f"{duration_words(-left)} over"
        words.append(f"{entry.percent_used:g} % used and {rest} by then")
    return f"  ({', '.join(words)})"


def _said(clock: ClockExplained, events: Iterable[StreamEvent]) -> Iterator[str]:
    for one in events:
        if isinstance(one, _SAID) and (one.clock, one.cycle) == (clock.clock, clock.cycle):
            why = "" if one.explanation is None else f": {one.explanation.sentence}"
            yield f"said    {_utc(one.meta.occurred_at)}  {told(one)}{why}"


def _utc(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S}Z"

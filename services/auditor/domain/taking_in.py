"""From `escalations.v1` to cases: every event of the topic is a fact, an entry of the record, or moves no clock.

A repeat changes nothing.
"""

from datetime import datetime

from msgspec.structs import replace

from schemas import escalations as told
from schemas.merging import MergePassedOn
from schemas.vocabulary import ClockName, Reason
from services.auditor.domain.case import AFTERCARE, Case, Fact, Happening, Rule, Watch
from services.auditor.domain.events import ENTRIES, FACTS

_WATCHES = "sla_monitor"
"""Who causes an opening that follows from a watch."""

MOVES_NO_CLOCK: frozenset[type[told.StreamEvent]] = frozenset(
    {
        told.CommandRejected,
        told.NoteAdded,
        told.EvidenceAttached,
        told.RootCauseRecorded,
        told.DocumentationMissing,
        told.ReclassificationProposed,
        told.OwnerNotified,
        told.CustomerAcknowledged,
        MergePassedOn,
    }
)


def ticket_of(event: told.StreamEvent) -> str:
    """Return the key of the ticket the event is about."""
    return _context_of(event)[0]


def take_in(case: Case | None, event: told.StreamEvent) -> Case | None:
    """Return the case after the event; None where nothing is promised (any more)."""
    version = _context_of(event)[1]
    if case is not None and version <= case.version:
        return case
    match event:
        case told.EscalationOpened():
            return _opened(event, case)
        case told.TicketWatched() if case is None or case.severity is None:
            return _watched(event)
        case told.TicketUnwatched() if case is None or case.severity is None:
            return None
        case told.EscalationMerged() | told.EscalationEnded():
            return None
        case _:
            return None if case is None else _gone_on(case, event, version)


def _context_of(event: told.StreamEvent) -> tuple[str, int]:
    match event:
        case told.EscalationEvent():
            return event.escalation.ticket, event.escalation.version
        case told.WatchEvent():
            return event.watch.ticket, event.watch.version
        case _:
            raise TypeError(f"{event.wire_name()} is of no stream")


def _opened(event: told.EscalationOpened, before: Case | None) -> Case:
    """Open an escalation; `at_risk` where the watch led to it, and not a person's act or a verdict."""
    context = event.escalation
    by_the_clock = event.meta.actor.id == _WATCHES and Reason.SLA_AT_RISK in event.reasons
    return Case(
        ticket=context.ticket,
        reference=context.reference,
        version=context.version,
        rule=Rule(event.meta.policy_version or "", context.calendar),
        started_at=context.started_at,
        severity=context.severity,
        watch=None if before is None else before.watch,
        at_risk=by_the_clock and before is not None and before.watch is not None,
    )


def _watched(event: told.TicketWatched) -> Case:
    return Case(
        ticket=event.watch.ticket,
        reference=event.watch.reference or "",
        version=event.watch.version,
        rule=Rule(event.meta.policy_version or ""),
        started_at=event.front_line_started_at,
        watch=Watch(started_at=event.front_line_started_at, due_at=event.front_line_due_at),
    )


def _gone_on(case: Case, event: told.StreamEvent, version: int) -> Case:
    case = replace(case, version=version, has_gap=case.has_gap or version > case.version + 1)
    if not isinstance(event, told.EscalationEvent) or case.severity is None:
        return case
    if isinstance(event, told.NoticeFailed):
        return _voided(case, event)
    if type(event) in FACTS:
        return _with_fact(case, FACTS[type(event)](event, case), event.meta.recorded_at)
    if type(event) in ENTRIES:
        return replace(case, entries=(*case.entries, ENTRIES[type(event)](event, case)))
    return case


def _with_fact(case: Case, fact: Fact | None, recorded_at: datetime) -> Case:
    if fact is None:
        return case
    names_a_time = fact.merge is not None and fact.merge.of(ClockName.PROMISE) is not None
    begins_update = names_a_time or fact.what in {Happening.CONTACT, Happening.REJECTED, Happening.REOPENED}
    closed_at = None if fact.what is Happening.REOPENED else case.closed_at
    return replace(
        case,
        facts=tuple(sorted((*case.facts, fact), key=lambda one: (one.at, one.version))),
        next_update_cycle=case.next_update_cycle + begins_update,
        closed_at=recorded_at if fact.what is Happening.CLOSED else closed_at,
        followed_up_at=recorded_at if fact.what in AFTERCARE else case.followed_up_at,
    )


def _voided(case: Case, event: told.NoticeFailed) -> Case:
    """Take back a message that never arrived; a request to confirm is one message with its proposal."""
    lost = next((one for one in case.facts if one.contact_id and one.contact_id == event.contact_id), None)
    if lost is None:
        return case
    with_it = {lost.version} | {
        one.version for one in case.facts if lost.marked and one.what is Happening.PROPOSED and one.at == lost.at
    }
    version = event.escalation.version
    facts = (
        replace(one, void_from=version) if one.version in with_it and not one.void_from else one for one in case.facts
    )
    return replace(case, facts=tuple(facts))


OPENS_AND_ENDS: frozenset[type[told.StreamEvent]] = frozenset(
    {
        told.EscalationOpened,
        told.TicketWatched,
        told.TicketUnwatched,
        told.EscalationMerged,
        told.EscalationEnded,
        told.NoticeFailed,
    }
)

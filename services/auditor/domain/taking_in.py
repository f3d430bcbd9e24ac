"""From `escalations.v1` to cases: every event of the topic is a fact, an entry of the record, or moves no clock.

A repeat changes nothing.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from schemas import escalations as told
from schemas.merging import MergePassedOn
from schemas.message import ActorKind
from schemas.prevention import PreventiveActionCompleted, PreventiveActionPlanned, ReviewHeld
from schemas.vocabulary import ClockName, ContactKind, Reason, Verdict
from services.auditor.domain.case import AFTERCARE, NOTHING_FURTHER, Case, Entry, Fact, Happening, Rule, Watch

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
    if isinstance(event, told.MergeAbsorbed) and event.promises:
        return replace(case, is_beyond=True)
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
    begins_update = fact.what in {Happening.CONTACT, Happening.REJECTED, Happening.REOPENED}
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


def _fact(event: told.EscalationEvent, what: Happening, number: int = 0, *, marked: bool = False) -> Fact:
    return Fact(at=event.meta.occurred_at, version=event.escalation.version, what=what, number=number, marked=marked)


def _assigned(event: told.OwnerAssigned, _case: Case) -> Fact:
    return _fact(event, Happening.ASSIGNED, event.cycle, marked=event.last_in_chain)


def _informed(event: told.CustomerInformed, case: Case) -> Fact | None:
    if event.automatic:
        return None
    is_request = event.kind is ContactKind.CONFIRMATION_REQUEST
    contact = _fact(event, Happening.CONTACT, case.next_update_cycle, marked=is_request)
    return replace(contact, contact_id=event.meta.id, next_at=event.next_at, question=event.question)


def _replied(event: told.CustomerReplyReceived, case: Case) -> Fact | None:
    if event.awaits_reply is None:
        return None
    return replace(_fact(event, Happening.REPLIED), reply=_next_reply(case) if event.awaits_reply else 0)


def _next_reply(case: Case) -> int:
    return 1 + sum(fact.reply > 0 for fact in case.facts)


def _proposed(event: told.ResolutionProposed, _case: Case) -> Fact:
    return _fact(event, Happening.PROPOSED, event.proposal, marked=event.by == event.escalation.owner)


def _reopened(event: told.EscalationReopened, case: Case) -> Fact:
    """Take in a reopening; nobody waits for an answer where an agent brought it back."""
    reply = 0 if event.meta.actor.kind is ActorKind.PERSON else _next_reply(case)
    return replace(_fact(event, Happening.REOPENED, case.next_update_cycle), opening=event.opening, reply=reply)


def _reclassified(event: told.EscalationReclassified, _case: Case) -> Fact | None:
    severity = event.escalation.severity
    if severity is event.previous_severity:
        return None
    return replace(_fact(event, Happening.SEVERITY), severity=severity)


def _adopted(event: told.PolicyAdopted, _case: Case) -> Fact:
    return replace(_fact(event, Happening.ADOPTED), rule=Rule(event.version, event.escalation.calendar))


def _planned(event: PreventiveActionPlanned, _case: Case) -> Fact:
    return replace(_fact(event, Happening.PLANNED, event.number), next_at=event.due_at)


FACTS: dict[type[told.StreamEvent], Callable[[Any, Case], Fact | None]] = {
    told.OwnerAssigned: _assigned,
    told.EscalationAccepted: lambda event, _: _fact(event, Happening.ACCEPTED, event.cycle),
    told.CustomerInformed: _informed,
    told.CustomerReplyReceived: _replied,
    told.ResolutionProposed: _proposed,
    told.ResolutionConfirmed: lambda event, _: _fact(event, Happening.CONFIRMED),
    told.ResolutionRejected: lambda event, case: _fact(event, Happening.REJECTED, case.next_update_cycle),
    told.EscalationClosed: lambda event, _: _fact(event, Happening.CLOSED),
    told.EscalationReopened: _reopened,
    told.EscalationReclassified: _reclassified,
    told.PolicyAdopted: _adopted,
    ReviewHeld: lambda event, _: _fact(event, Happening.REVIEWED),
    PreventiveActionPlanned: _planned,
    PreventiveActionCompleted: lambda event, _: _fact(event, Happening.DONE, event.number),
}
"""What each event that moves a clock says of it."""


def _entry(event: told.EscalationEvent, clock: ClockName, cycle: int, percent: int) -> Entry:
    return Entry(at=event.meta.occurred_at, version=event.escalation.version, clock=clock, cycle=cycle, percent=percent)


def _of_sla(event: told.SlaRecord, percent: int = 0) -> Entry:
    return replace(_entry(event, event.clock, event.cycle, percent), due_at=event.due_at)


def _breached(event: told.SlaBreached, _case: Case) -> Entry:
    return replace(_of_sla(event, event.percent), verdict=Verdict.BROKEN, unverified=event.unverified)


def _corrected(event: told.SlaCorrected, _case: Case) -> Entry:
    return replace(_of_sla(event), verdict=event.verdict, previous=event.previous, withdrawn=event.withdrawn)


def _of_the_proposal(event: told.EscalationEvent, case: Case, percent: int) -> Entry:
    proposals = (one.number for one in case.facts if one.what is Happening.PROPOSED)
    return _entry(event, ClockName.CONFIRMATION, max(proposals, default=0), percent)


ENTRIES: dict[type[told.StreamEvent], Callable[[Any, Case], Entry]] = {
    told.OwnerReminded: lambda event, _: _entry(event, ClockName.ACCEPTANCE, event.cycle, event.percent),
    told.SlaWarned: lambda event, _: _of_sla(event, event.percent),
    told.SlaBreached: _breached,
    told.SlaKept: lambda event, _: replace(_of_sla(event), verdict=Verdict.KEPT),
    told.SlaCorrected: _corrected,
    told.ConfirmationRepeated: lambda event, case: _of_the_proposal(event, case, event.attempt * 100),
    told.CustomerCallDue: lambda event, case: _of_the_proposal(event, case, NOTHING_FURTHER),
}
"""What each event that the router records of a finding says."""

OPENS_AND_ENDS: frozenset[type[told.StreamEvent]] = frozenset(
    {
        told.EscalationOpened,
        told.TicketWatched,
        told.TicketUnwatched,
        told.EscalationMerged,
        told.EscalationEnded,
        told.NoticeFailed,
        told.MergeAbsorbed,
    }
)

"""What each event of `escalations.v1` says: of a clock that moves, or of a finding that is on record."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from schemas import escalations as told
from schemas.message import ActorKind
from schemas.prevention import PreventiveActionCompleted, PreventiveActionPlanned, ReviewHeld
from schemas.vocabulary import ClockName, ContactKind, Verdict
from services.auditor.domain.case import NOTHING_FURTHER, Case, Entry, Fact, HandedOn, Happening, Merge, Rule


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


def _absorbed(event: told.MergeAbsorbed, case: Case) -> Fact | None:
    if not event.promises and not event.alone:
        return None
    promises = tuple(
        HandedOn(
            clock=one.clock,
            started_at=one.started_at,
            due_at=one.due_at,
            severity=one.severity,
            percent=one.percent,
        )
        for one in event.promises
    )
    absorbed = _fact(event, Happening.ABSORBED, case.next_update_cycle)
    merge = Merge(promises=promises, alone=event.alone)
    reply = 0 if merge.of(ClockName.NEXT_REPLY) is None else _next_reply(case)
    return replace(absorbed, opening=event.opening, reply=reply, merge=merge)


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
    told.MergeAbsorbed: _absorbed,
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

"""State after an event. Never fails: what was stored happened, whatever the rules say today."""

from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace

from schemas import escalations as ev
from schemas.escalations import EscalationEvent, StreamEvent, moves_clocks
from schemas.message import ActorKind
from schemas.prevention import PreventionEvent
from schemas.vocabulary import AssignmentCause, ClockName, ContactKind, EscalationState, RecordPart, Severity, Verdict
from services.router.domain.course import course_after
from services.router.domain.prevention import actions_after
from services.router.domain.state import Assignment, Classification, Cycle, Escalation, Mark, TicketState, Watch

_WATCH_EVENTS = (ev.TicketWatched, ev.TicketUnwatched)


def evolve(state: TicketState, event: StreamEvent) -> TicketState:
    """Return the state after the event, drafts included; an event it does not know only counts."""
    version = state.version + 1
    moved = moves_clocks(event) or isinstance(event, (*_WATCH_EVENTS, PreventionEvent))
    cause = event.meta.causation_id
    counted = replace(
        state,
        version=version,
        clock_version=version if moved else state.clock_version,
        applied=state.applied if cause is None else state.applied | {cause},
    )
    if isinstance(event, ev.TicketWatched):
        return replace(counted, watch=_watch(event))
    if isinstance(event, ev.TicketUnwatched):
        return replace(counted, watch=None)
    if isinstance(event, EscalationEvent):
        return replace(counted, watch=None, escalation=_evolve_escalation(state.escalation, event))
    return counted


def with_applied(state: TicketState, message_id: str) -> TicketState:
    """Return the state after a message that led to no event: the same, but it knows the message."""
    return replace(state, applied=state.applied | {message_id})


def _watch(event: ev.TicketWatched) -> Watch:
    return Watch(
        judgement=event.judgement,
        ticket=event.ticket,
        started_at=event.front_line_started_at,
        due_at=event.front_line_due_at,
        policy_version=event.meta.policy_version,
    )


def _evolve_escalation(before: Escalation | None, event: EscalationEvent) -> Escalation | None:
    if isinstance(event, ev.EscalationOpened):
        return _opened(event)
    if before is None:
        return None
    known = replace(
        _adopt(before, event),
        course=course_after(before.course, event),
        actions=actions_after(before.actions, event),
    )
    step = _STEPS.get(type(event))
    return known if step is None else step(known, event)


def _opened(event: ev.EscalationOpened) -> Escalation:
    judged = event.judgement
    return Escalation(
        context=event.escalation,
        policy_version=event.meta.policy_version,
        reasons=event.reasons,
        opened_as=event.escalation,
        classification=Classification(severity=judged.severity, type=judged.type, highest=judged.severity),
    )


def _adopt(before: Escalation, event: EscalationEvent) -> Escalation:
    """Take over what a sealed event says of the ticket and of who management is; a draft says nothing of it."""
    told = event.escalation
    if told.version == 0:
        return before
    known = replace(
        before.context,
        ticket_url=told.ticket_url,
        subject=told.subject,
        excerpt=told.excerpt,
        channel=told.channel,
        customer=told.customer,
        account=told.account,
        management=told.management,
    )
    return replace(before, context=known)


def _assigned(before: Escalation, event: ev.OwnerAssigned) -> Escalation:
    goes_on = event.cause is AssignmentCause.NOT_ACCEPTED
    assignment = Assignment(cycle=event.cycle, owner=event.owner, assigned_at=event.meta.occurred_at)
    return replace(
        before,
        context=replace(before.context, owner=event.owner),
        assignments=(*before.assignments, assignment),
        asked=(*before.asked, event.owner) if goes_on else (event.owner,),
    )


def _accepted(before: Escalation, event: ev.EscalationAccepted) -> Escalation:
    return replace(
        before,
        accepted=before.accepted | {event.cycle},
        acknowledged_cycle=event.cycle if event.explicit else before.acknowledged_cycle,
    )


def _informed(before: Escalation, event: ev.CustomerInformed) -> Escalation:
    asks = event.kind is ContactKind.CONFIRMATION_REQUEST
    return replace(before, confirmation_request_id=event.meta.id) if asks else before


def _evidence(before: Escalation, _event: ev.EvidenceAttached) -> Escalation:
    return replace(before, recorded=before.recorded | {RecordPart.EVIDENCE})


def _root_cause(before: Escalation, _event: ev.RootCauseRecorded) -> Escalation:
    return replace(before, recorded=before.recorded | {RecordPart.ROOT_CAUSE})


def _proposed(before: Escalation, event: ev.ResolutionProposed) -> Escalation:
    return replace(
        _in_state(before, EscalationState.RESOLUTION_PROPOSED),
        proposals=event.proposal,
        proposed_at=event.meta.occurred_at,
        category=event.category,
        recorded=before.recorded | {RecordPart.CATEGORY},
    )


def _confirmed(before: Escalation, _event: ev.ResolutionConfirmed) -> Escalation:
    return replace(_in_state(before, EscalationState.CONFIRMED), confirmed=True)


def _rejected(before: Escalation, _event: ev.ResolutionRejected) -> Escalation:
    return _in_state(before, EscalationState.OPEN)


def _closed(before: Escalation, event: ev.EscalationClosed) -> Escalation:
    return _over(before, event.meta.occurred_at, ended=False)


def _ended(before: Escalation, event: ev.EscalationMerged | ev.EscalationEnded) -> Escalation:
    return _over(before, event.meta.occurred_at, ended=True)


def _reopened(before: Escalation, event: ev.EscalationReopened) -> Escalation:
    """Go on with root cause and evidence; the category belonged to the resolution that did not hold."""
    return replace(
        _in_state(before, EscalationState.OPEN),
        opening=event.opening,
        closed_at=None,
        confirmed=False,
        category=None,
        recorded=before.recorded - {RecordPart.CATEGORY},
    )


def _absorbed(before: Escalation, event: ev.MergeAbsorbed) -> Escalation:
    return replace(before, opening=max(before.opening, event.opening))


def _reclassified(before: Escalation, event: ev.EscalationReclassified) -> Escalation:
    told, spoken = event.escalation, before.classification
    if event.by.kind is ActorKind.ESCALON:
        classification = replace(spoken, severity=told.severity, highest=_higher(spoken.highest, told.severity))
    else:
        changed = told.severity is not event.previous_severity
        classification = replace(spoken, by_person=spoken.by_person or changed)
    context = replace(before.context, severity=told.severity, type=told.type)
    return replace(before, context=context, classification=classification)


def _policy_adopted(before: Escalation, event: ev.PolicyAdopted) -> Escalation:
    context = replace(before.context, calendar=event.escalation.calendar)
    return replace(before, context=context, policy_version=event.version)


def _reclassification_proposed(before: Escalation, event: ev.ReclassificationProposed) -> Escalation:
    """Remember what was proposed; where it names what is in force already, nothing was proposed of it."""
    spoken, now = before.classification, before.context
    classification = replace(
        spoken,
        severity=spoken.severity if event.severity is now.severity else event.severity,
        type=spoken.type if event.type is now.type else event.type,
        highest=_higher(spoken.highest, event.verdict or event.severity),
    )
    return replace(before, classification=classification)


def _reminded(before: Escalation, event: ev.OwnerReminded) -> Escalation:
    return _give(before, Mark(ClockName.ACCEPTANCE, event.cycle, event.percent))


def _repeated(before: Escalation, event: ev.ConfirmationRepeated) -> Escalation:
    return _give(before, Mark(ClockName.CONFIRMATION, before.proposals, 100 * event.attempt))


def _call_due(before: Escalation, _event: ev.CustomerCallDue) -> Escalation:
    return _give(before, call_mark(before))


def _warned(before: Escalation, event: ev.SlaWarned) -> Escalation:
    return _give(before, Mark(event.clock, event.cycle, event.percent))


def _breached(before: Escalation, event: ev.SlaBreached) -> Escalation:
    cycle = Cycle(event.clock, event.cycle)
    given = _give(before, Mark(event.clock, event.cycle, event.percent))
    unverified = before.unverified | {cycle} if event.unverified else before.unverified - {cycle}
    return replace(given, unverified=unverified, verdicts={**before.verdicts, cycle: Verdict.BROKEN})


def _kept(before: Escalation, event: ev.SlaKept) -> Escalation:
    return replace(before, verdicts={**before.verdicts, Cycle(event.clock, event.cycle): Verdict.KEPT})


def _corrected(before: Escalation, event: ev.SlaCorrected) -> Escalation:
    cycle = Cycle(event.clock, event.cycle)
    return replace(
        before,
        unverified=before.unverified - {cycle},
        verdicts={**before.verdicts, cycle: event.verdict},
        corrected={**before.corrected, cycle: event.escalation.version},
    )


def call_mark(escalation: Escalation) -> Mark:
    """Return the mark of the present proposal's last step: its percentage depends on the policy, so it has none."""
    return Mark(ClockName.CONFIRMATION, escalation.proposals, 0)


def _give(before: Escalation, mark: Mark) -> Escalation:
    return replace(before, given=before.given | {mark})


def _in_state(before: Escalation, state: EscalationState) -> Escalation:
    return replace(before, context=replace(before.context, state=state))


def _over(before: Escalation, at: datetime, *, ended: bool) -> Escalation:
    return replace(_in_state(before, EscalationState.CLOSED), closed_at=at, ended=before.ended or ended)


def _higher(one: Severity, other: Severity) -> Severity:
    return one if one.is_above(other) else other


_STEPS: dict[type[EscalationEvent], Callable[..., Escalation]] = {
    ev.OwnerAssigned: _assigned,
    ev.EscalationAccepted: _accepted,
    ev.CustomerInformed: _informed,
    ev.EvidenceAttached: _evidence,
    ev.RootCauseRecorded: _root_cause,
    ev.ResolutionProposed: _proposed,
    ev.ResolutionConfirmed: _confirmed,
    ev.ResolutionRejected: _rejected,
    ev.EscalationClosed: _closed,
    ev.EscalationReopened: _reopened,
    ev.EscalationReclassified: _reclassified,
    ev.PolicyAdopted: _policy_adopted,
    ev.ReclassificationProposed: _reclassification_proposed,
    ev.EscalationMerged: _ended,
    ev.MergeAbsorbed: _absorbed,
    ev.EscalationEnded: _ended,
    ev.OwnerReminded: _reminded,
    ev.ConfirmationRepeated: _repeated,
    ev.CustomerCallDue: _call_due,
    ev.SlaWarned: _warned,
    ev.SlaBreached: _breached,
    ev.SlaKept: _kept,
    ev.SlaCorrected: _corrected,
}

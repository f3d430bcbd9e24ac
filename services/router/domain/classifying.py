"""Severity and type over time: verdicts raise by themselves, people decide the rest (procedure, section 1)."""

from msgspec.structs import replace

from policy.routing import Routing
from schemas.classifications import Judgement
from schemas.escalations import EscalationEvent, EscalationReclassified, ReclassificationProposed
from schemas.message import Actor, ActorKind
from schemas.vocabulary import AssignmentCause, IssueType, Severity
from services.router.domain.ownership import assignment
from services.router.domain.situation import Situation
from services.router.domain.state import Escalation

ROUTER = Actor(kind=ActorKind.ESCALON, id="router")


def decide_on_verdict(escalation: Escalation, judgement: Judgement, routing: Routing) -> list[EscalationEvent]:
    """Return the raise by a higher verdict and the proposal of what a person must decide, once per change.

    After a person has set the severity, only a verdict above the highest one seen raises it by itself. So a new
    highest one is put on record also where it says what a person has set already.
    """
    if escalation.is_closed or not judgement.qualifies:
        return []
    severity = escalation.context.severity
    events: list[EscalationEvent] = []
    if _raises(escalation, judgement.severity):
        severity = judgement.severity
        if routing.raise_severity_at_once:
            events.append(_reclassified(escalation, ROUTER, severity, escalation.context.type))
    elif severity.is_above(judgement.severity):
        severity = judgement.severity
    proposal = _proposal(escalation, severity, judgement, decided=bool(events))
    return events if proposal is None else [*events, proposal]


def reclassify(
    escalation: Escalation, by: Actor, to: tuple[Severity | None, IssueType | None], reason: str, situation: Situation
) -> list[EscalationEvent]:
    """Return a person's change; a new type's first in the chain becomes owner. Nothing where it changes nothing."""
    now = escalation.context
    severity, issue_type = to[0] or now.severity, to[1] or now.type
    if severity is now.severity and issue_type is now.type:
        return []
    changed: list[EscalationEvent] = [_reclassified(escalation, by, severity, issue_type, reason)]
    if issue_type is now.type:
        return changed
    chain = situation.chain_of(issue_type)
    if chain[0] == escalation.owner:
        return changed
    handover = assignment(escalation, chain[0], AssignmentCause.TYPE_CHANGED, chain)
    return [*changed, replace(handover, by=by.id, reason=reason)]


def raised(escalation: Escalation, severity: Severity, reason: str) -> list[EscalationEvent]:
    """Return that the severity is raised, at once and whoever set it; nothing where the severity is no higher."""
    now = escalation.context
    if not severity.is_above(now.severity):
        return []
    return [_reclassified(escalation, ROUTER, severity, now.type, reason)]


def _raises(escalation: Escalation, verdict: Severity) -> bool:
    spoken = escalation.classification
    is_news = verdict.is_above(spoken.highest) or not spoken.by_person
    return is_news and verdict.is_above(escalation.context.severity)


def _proposal(
    escalation: Escalation, severity: Severity, judgement: Judgement, *, decided: bool
) -> ReclassificationProposed | None:
    """Propose what differs from what is in force and from the last verdict on record."""
    now, spoken = escalation.context, escalation.classification
    of_severity = not decided and severity not in (now.severity, spoken.severity)
    of_type = judgement.type not in (now.type, spoken.type)
    is_seen_first = not decided and judgement.severity.is_above(spoken.highest)
    if not of_severity and not of_type and not is_seen_first:
        return None
    in_force = severity if decided else now.severity
    return ReclassificationProposed(
        severity=severity if of_severity else in_force,
        type=judgement.type if of_type else now.type,
        verdict=judgement.severity,
    )


def _reclassified(
    escalation: Escalation, by: Actor, severity: Severity, issue_type: IssueType, reason: str | None = None
) -> EscalationReclassified:
    now = escalation.context
    return EscalationReclassified(
        escalation=replace(now, severity=severity, type=issue_type, version=0),
        previous_severity=now.severity,
        previous_type=now.type,
        by=by,
        reason=reason,
    )

"""From the proposal to the close: nothing closes before the customer's word and the record are there (section 5)."""

from policy.model import Policy
from schemas.escalations import (
    CustomerInformed,
    DocumentationMissing,
    EscalationClosed,
    EscalationEvent,
    ResolutionConfirmed,
    ResolutionProposed,
    ResolutionRejected,
)
from schemas.message import Actor
from schemas.vocabulary import ContactKind, EscalationState, RecordPart
from services.router.domain.state import Escalation


def propose(escalation: Escalation, by: str, category: str, steps: str) -> list[EscalationEvent]:
    """Return the proposal and the message that asks the customer about it."""
    return [
        ResolutionProposed(by=by, category=category, steps=steps, proposal=escalation.proposals + 1),
        CustomerInformed(kind=ContactKind.CONFIRMATION_REQUEST, by=by, text=steps),
    ]


def confirm(escalation: Escalation, by: Actor, policy: Policy) -> list[EscalationEvent]:
    """Return the confirmation and, by it, the close; or what is missing for that. Nothing unless one is asked for."""
    if not escalation.is_proposed:
        return []
    missing = missing_parts(escalation, policy, escalation.recorded)
    if missing:
        return [ResolutionConfirmed(by=by), DocumentationMissing(missing=missing)]
    return [ResolutionConfirmed(by=by), close(escalation, by, confirmed=True)]


def reject(escalation: Escalation, by: Actor, text: str | None) -> list[EscalationEvent]:
    """Return the rejection, which resumes the work; nothing unless a resolution is proposed."""
    return [ResolutionRejected(by=by, text=text)] if escalation.is_proposed else []


def close_if_complete(
    escalation: Escalation, by: Actor, policy: Policy, part: RecordPart | None = None
) -> list[EscalationEvent]:
    """Return the close of a confirmed escalation whose record is complete, with this part if one is added."""
    recorded = escalation.recorded if part is None else escalation.recorded | {part}
    if escalation.state is not EscalationState.CONFIRMED or missing_parts(escalation, policy, recorded):
        return []
    return [close(escalation, by, confirmed=True)]


def close(escalation: Escalation, by: Actor, *, confirmed: bool, reason: str | None = None) -> EscalationClosed:
    """Return the close."""
    return EscalationClosed(by=by, confirmed=confirmed, category=escalation.category, reason=reason)


def missing_parts(escalation: Escalation, policy: Policy, recorded: frozenset[RecordPart]) -> tuple[RecordPart, ...]:
    """Return what the severity's policy wants on record before a close and is not."""
    wanted = policy.severities[escalation.context.severity].documentation
    return tuple(part for part in wanted if part not in recorded)

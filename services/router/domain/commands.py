"""What people ask: applied, nothing, or refused with a reason (procedure, "Exact defaults", Commands)."""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from schemas import commands as asked
from schemas import escalations as ev
from schemas.escalations import EscalationEvent, StreamEvent
from schemas.message import Actor, ActorKind
from schemas.vocabulary import AssignmentCause, ContactKind, EscalationState, RecordPart
from services.router.domain import merging, ownership, prevention, resolution
from services.router.domain.classifying import reclassify
from services.router.domain.situation import Situation
from services.router.domain.state import Escalation


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a command is refused, for its sender."""

    reason: str


Answer = list[EscalationEvent] | Refusal
"""What follows from a command; an empty list is the table's "nothing happens"."""

_TOO_EARLY = Refusal("this was said before the resolution was proposed")
_RECORD = (
    asked.AddNote,
    asked.AttachEvidence,
    asked.RecordRootCause,
    asked.RecordReview,
    asked.PlanPreventiveAction,
    asked.CompletePreventiveAction,
)
_ANYBODY = (asked.ConfirmResolution, asked.RejectResolution, asked.AbsorbMerged)
_NO_ACT_OF_ITS_OWN = (asked.AcceptEscalation, asked.ReassignEscalation, asked.AbsorbMerged, asked.AdoptPolicy)
"""Accepting is the acceptance itself, and handing over is none; nor is what concerns all that are open."""


def decide_on_command(escalation: Escalation, command: asked.Command, situation: Situation) -> list[StreamEvent]:
    """Return the events the command leads to, among them the acceptance that an act of the owner is; or its refusal."""
    answer = _answer(escalation, command, situation)
    if isinstance(answer, Refusal):
        return [_refused(command, answer)]
    if isinstance(command, _NO_ACT_OF_ITS_OWN):
        return [*answer]
    return [*ownership.act_of_owner(escalation, command.meta.actor), *answer]


def decide_on_command_elsewhere(command: asked.Command) -> list[StreamEvent]:
    """Return the refusal of a command about a ticket that is no escalation; what is for the record only is nothing."""
    if isinstance(command, (*_RECORD, asked.AbsorbMerged, asked.AdoptPolicy)):
        return []
    return [_refused(command, Refusal("this ticket is no escalation"))]


def _refused(command: asked.Command, refusal: Refusal) -> ev.CommandRejected:
    return ev.CommandRejected(
        command=type(command).__name__,
        command_id=command.meta.id,
        sender=command.meta.actor,
        reason=refusal.reason,
    )


def _answer(escalation: Escalation, command: asked.Command, situation: Situation) -> Answer:
    if isinstance(command, asked.AbsorbMerged):
        return merging.absorb(escalation, command, situation)
    if not isinstance(command, _ANYBODY) and command.meta.actor.kind is not ActorKind.PERSON:
        return Refusal("only people may do this")
    if escalation.is_closed and not isinstance(command, _RECORD):
        return [] if isinstance(command, asked.AdoptPolicy) else Refusal("the escalation is closed")
    return _RULES[type(command)](escalation, command, situation)


def _accept(escalation: Escalation, command: asked.AcceptEscalation, situation: Situation) -> Answer:
    if command.meta.actor.id != escalation.owner:
        return Refusal("only the owner accepts")
    return ownership.acceptance(escalation, situation.policy.routing)


def _update(_escalation: Escalation, command: asked.SendUpdate, _situation: Situation) -> Answer:
    if command.next_at is not None and command.next_at <= command.meta.occurred_at:
        return Refusal("the next update is promised for a time that has passed")
    by = command.meta.actor.id
    told = ev.CustomerInformed(kind=ContactKind.UPDATE, by=by, text=command.text)
    return [replace(told, next_at=command.next_at, question=command.question)]


def _note(_escalation: Escalation, command: asked.AddNote, _situation: Situation) -> Answer:
    return [ev.NoteAdded(by=command.meta.actor.id, text=command.text)]


def _review(escalation: Escalation, command: asked.RecordReview, _situation: Situation) -> Answer:
    if not escalation.is_closed:
        return Refusal("it is reviewed after the close")
    return prevention.review(command)


def _plan(escalation: Escalation, command: asked.PlanPreventiveAction, _situation: Situation) -> Answer:
    return _planned(prevention.plan(escalation.actions, command))


def _complete(escalation: Escalation, command: asked.CompletePreventiveAction, _situation: Situation) -> Answer:
    return _planned(prevention.complete(escalation.actions, command))


def _planned(answer: list[EscalationEvent] | str) -> Answer:
    return Refusal(answer) if isinstance(answer, str) else answer


def _evidence(escalation: Escalation, command: asked.AttachEvidence, situation: Situation) -> Answer:
    attached = ev.EvidenceAttached(
        by=command.meta.actor.id, link=command.link, checksum=command.checksum, description=command.description
    )
    return [attached, *_completed(escalation, command, situation, RecordPart.EVIDENCE)]


def _root_cause(escalation: Escalation, command: asked.RecordRootCause, situation: Situation) -> Answer:
    recorded = ev.RootCauseRecorded(by=command.meta.actor.id, category=command.category, text=command.text)
    return [recorded, *_completed(escalation, command, situation, RecordPart.ROOT_CAUSE)]


def _completed(
    escalation: Escalation, command: asked.Command, situation: Situation, part: RecordPart
) -> list[EscalationEvent]:
    return resolution.close_if_complete(escalation, command.meta.actor, situation.policy, part)


def _resolve(escalation: Escalation, command: asked.ProposeResolution, situation: Situation) -> Answer:
    if not _is_in_charge(escalation, command.meta.actor, situation):
        return Refusal("only the owner or management proposes a resolution")
    if escalation.state is not EscalationState.OPEN:
        return Refusal("a resolution is proposed or confirmed already")
    return resolution.propose(escalation, command.meta.actor.id, command.category, command.steps)


def _confirm(escalation: Escalation, command: asked.ConfirmResolution, situation: Situation) -> Answer:
    if _answers_nothing(escalation, command):
        return _TOO_EARLY
    return resolution.confirm(escalation, command.meta.actor, situation.policy)


def _reject(escalation: Escalation, command: asked.RejectResolution, _situation: Situation) -> Answer:
    if _answers_nothing(escalation, command):
        return _TOO_EARLY
    return resolution.reject(escalation, command.meta.actor, command.text)


def _answers_nothing(escalation: Escalation, command: asked.Command) -> bool:
    """Tell whether it was said before what is proposed was: a late or redriven word answers an older question."""
    proposed_at = escalation.proposed_at
    return escalation.is_proposed and proposed_at is not None and command.meta.occurred_at < proposed_at


def _reassign(escalation: Escalation, command: asked.ReassignEscalation, situation: Situation) -> Answer:
    sender = command.meta.actor
    if not _is_in_charge(escalation, sender, situation):
        return Refusal("only the owner or management hands over")
    if command.to == escalation.owner:
        return Refusal("this is the owner already")
    chain = situation.chain_of(escalation.context.type)
    if command.to not in chain:
        return Refusal("not in the chain of this type")
    handover = ownership.assignment(escalation, command.to, AssignmentCause.REASSIGNED, chain)
    return [replace(handover, by=sender.id, reason=command.reason)]


def _reclassify(escalation: Escalation, command: asked.ReclassifyEscalation, situation: Situation) -> Answer:
    if not _is_in_charge(escalation, command.meta.actor, situation):
        return Refusal("only the owner or management reclassifies")
    to = (command.severity, command.type)
    changed = reclassify(escalation, command.meta.actor, to, command.reason, situation)
    if not changed or command.severity is None:
        return changed
    # A lower severity may want no more on record than there is.
    after = replace(escalation, context=replace(escalation.context, severity=command.severity))
    return [*changed, *resolution.close_if_complete(after, command.meta.actor, situation.policy)]


def _adopt_policy(escalation: Escalation, command: asked.AdoptPolicy, situation: Situation) -> Answer:
    """Hold it to the version, which chooses the calendar by what the escalation was when it opened."""
    if command.version == escalation.policy_version:
        return []
    opened_as = escalation.opened_as
    calendar = situation.policy.chosen_calendar(opened_as.account, opened_as.type)
    return [
        ev.PolicyAdopted(
            escalation=replace(escalation.context, calendar=calendar, version=0),
            previous=escalation.policy_version or "",
            version=command.version,
        )
    ]


def _close(escalation: Escalation, command: asked.CloseEscalation, situation: Situation) -> Answer:
    if not _is_management(escalation, command.meta.actor, situation):
        return Refusal("only management closes without the customer's word or without the record")
    confirmed = escalation.state is EscalationState.CONFIRMED
    return [resolution.close(escalation, command.meta.actor, confirmed=confirmed, reason=command.reason)]


def _is_management(escalation: Escalation, sender: Actor, situation: Situation) -> bool:
    """Tell whether the sender is the last of the chain as it is now."""
    return sender.kind is ActorKind.PERSON and sender.id == situation.chain_of(escalation.context.type)[-1]


def _is_in_charge(escalation: Escalation, sender: Actor, situation: Situation) -> bool:
    return sender.id == escalation.owner or _is_management(escalation, sender, situation)


_RULES: dict[type[asked.Command], Callable[..., Answer]] = {
    asked.AcceptEscalation: _accept,
    asked.SendUpdate: _update,
    asked.AddNote: _note,
    asked.RecordReview: _review,
    asked.PlanPreventiveAction: _plan,
    asked.CompletePreventiveAction: _complete,
    asked.AttachEvidence: _evidence,
    asked.RecordRootCause: _root_cause,
    asked.ProposeResolution: _resolve,
    asked.ConfirmResolution: _confirm,
    asked.RejectResolution: _reject,
    asked.ReassignEscalation: _reassign,
    asked.ReclassifyEscalation: _reclassify,
    asked.CloseEscalation: _close,
    asked.AdoptPolicy: _adopt_policy,
}

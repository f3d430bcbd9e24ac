"""A ticket is merged into another: one surviving set of clocks, the strictest promise kept (docs/adr/0021)."""

from msgspec.structs import replace

from policy.model import Policy
from schemas.classifications import TicketClassified
from schemas.commands import AbsorbMerged
from schemas.context import EscalationContext, OpenPromise
from schemas.escalations import (
    EscalationEvent,
    EscalationMerged,
    EscalationReopened,
    MergeAbsorbed,
)
from schemas.merging import MergePassedOn
from schemas.vocabulary import AssignmentCause, ClockName, EscalationState
from services.router.domain.classifying import raised
from services.router.domain.opening import open_absorbed
from services.router.domain.ownership import assignment
from services.router.domain.promising import fresh_promises, open_promises
from services.router.domain.situation import Situation
from services.router.domain.state import Escalation, TicketState

Promises = tuple[OpenPromise, ...]


def end_merged(escalation: Escalation, event: TicketClassified, situation: Situation) -> list[EscalationEvent]:
    """Return the end of an open escalation whose ticket was merged, with what it still has promised."""
    if escalation.is_closed or event.fact.merged_into is None:
        return []
    return [
        EscalationMerged(
            into=event.fact.merged_into,
            reasons=escalation.reasons,
            promises=open_promises(escalation, situation.policy, event.meta.occurred_at),
            solved=escalation.state is EscalationState.CONFIRMED,
        )
    ]


def absorb(escalation: Escalation, command: AbsorbMerged, situation: Situation) -> list[EscalationEvent]:
    """Return what an escalation does with one that was merged into its ticket.

    It takes the promises over and the severity where that is higher; closed before the merge, it is opened again, as
    what came is not solved. Merged away itself, it passes all on. Deleted, or closed since the merge, it does nothing.
    """
    if escalation.ended:
        return _passed_on(escalation, command)
    if escalation.closed_at is None:
        return _taken_in(escalation, command, situation, reopened=False)
    if command.solved or command.escalation is None or command.meta.occurred_at < escalation.closed_at:
        return []
    chain = situation.chain_of(escalation.context.type)
    return [
        EscalationReopened(opening=escalation.opening + 1),
        assignment(escalation, escalation.owner, AssignmentCause.REOPENED, chain),
        *_taken_in(escalation, command, situation, reopened=True),
    ]


def open_survivor(
    state: TicketState, command: AbsorbMerged, lost: EscalationContext, situation: Situation
) -> list[EscalationEvent]:
    """Return the opening of a ticket that was no escalation: its promises are those that came, as far as they are kept.

    Where nothing had happened yet they are those of any opening.
    """
    opened = open_absorbed(state, command, lost, situation)
    if command.solved is None:
        return opened
    now = opened[0].escalation
    promises = _told_to(now.owner, lost, command.promises)
    if promises == fresh_promises(situation.policy.on_calendar(now.calendar), lost.severity, lost.started_at):
        return opened
    return [*opened, MergeAbsorbed(merged=command.merged, promises=promises, alone=True)]


def _taken_in(
    escalation: Escalation, command: AbsorbMerged, situation: Situation, *, reopened: bool
) -> list[EscalationEvent]:
    lost = command.escalation
    if lost is None:
        return [MergeAbsorbed(merged=command.merged)]
    promises = _told_to(escalation.owner, lost, command.promises)
    waits = any(one.clock is ClockName.FIRST_RESPONSE for one in promises)
    answered = waits and not reopened and not _is_unanswered(escalation, command, situation.policy)
    return [
        *raised(escalation, lost.severity, f"{command.merged} was merged into it"),
        MergeAbsorbed(merged=command.merged, promises=promises, opening=escalation.opening + 1 if answered else 0),
    ]


def _is_unanswered(escalation: Escalation, command: AbsorbMerged, policy: Policy) -> bool:
    own = open_promises(escalation, policy, command.meta.occurred_at)
    return any(one.clock is ClockName.FIRST_RESPONSE for one in own)


def _told_to(owner: str, lost: EscalationContext, promises: Promises) -> Promises:
    """Return the promises with what this owner was told of them: another has yet to hear it."""
    return promises if owner == lost.owner else tuple(replace(one, percent=0) for one in promises)


def _passed_on(escalation: Escalation, command: AbsorbMerged) -> list[EscalationEvent]:
    """Pass a merge on to where this ticket was merged into, unless that goes round in a circle."""
    into = escalation.course.merged_into
    if into is None or into in (command.merged, *command.through):
        return []
    return [
        MergePassedOn(
            into=into,
            merged=command.merged,
            lost=command.escalation,
            reasons=command.reasons,
            promises=command.promises,
            solved=command.solved,
            through=(*command.through, escalation.context.ticket),
        )
    ]

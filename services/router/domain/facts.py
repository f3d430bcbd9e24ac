"""What happened to the ticket of an escalation: replies, messages of people, reopening, merging, deletion."""

from collections.abc import Callable
from datetime import datetime
from functools import reduce

from schemas.classifications import TicketClassified
from schemas.escalations import (
    CustomerInformed,
    CustomerReplyReceived,
    EscalationAccepted,
    EscalationEnded,
    EscalationEvent,
    EscalationReopened,
    StreamEvent,
)
from schemas.vocabulary import AssignmentCause, AuthorKind, ContactKind, FactKind, ReplyIntent
from services.router.domain.classifying import decide_on_verdict
from services.router.domain.evolve import evolve
from services.router.domain.merging import end_merged
from services.router.domain.opening import decide_on_ticket
from services.router.domain.ownership import assignment
from services.router.domain.resolution import confirm, reject
from services.router.domain.situation import Situation
from services.router.domain.state import Escalation, TicketState


def decide_on_fact(state: TicketState, event: TicketClassified, situation: Situation) -> list[StreamEvent]:
    """Return what follows from a ticket event and the verdict taken at it.

    Our own writes coming back touch nothing; the helpdesk's status alone neither closes nor reopens.
    """
    if event.fact.author_kind is AuthorKind.ESCALON:
        return []
    if state.escalation is None:
        return decide_on_ticket(state, event, situation)
    if state.escalation.ended:
        return []
    rule = _RULES.get(event.fact.kind)
    happened = [] if rule is None else rule(state.escalation, event, situation)
    after = reduce(evolve, happened, state).escalation
    judged = [] if after is None else decide_on_verdict(after, event.judgement, situation.policy.routing)
    return [*happened, *judged]


def _agent_replied(escalation: Escalation, event: TicketClassified, _situation: Situation) -> list[EscalationEvent]:
    """Count a person's public message from the start on; after the close only one that was written before it."""
    fact, at = event.fact, event.meta.occurred_at
    is_contact = fact.public and fact.author_kind is AuthorKind.PERSON and at >= escalation.context.started_at
    if not is_contact or (escalation.closed_at is not None and at >= escalation.closed_at):
        return []
    author = fact.author_id or ""
    return [
        *_acceptance_by_reply(escalation, author, at),
        CustomerInformed(kind=ContactKind.AGENT_REPLY, by=author),
    ]


def _acceptance_by_reply(escalation: Escalation, author: str, at: datetime) -> list[EscalationEvent]:
    """Return the acceptance of the assignment that was in force when the reply was written, however late it is here."""
    held = escalation.assignment_at(at)
    if held is None or held.owner != author or held.cycle in escalation.accepted:
        return []
    return [EscalationAccepted(by=author, cycle=held.cycle, explicit=False)]


def _customer_replied(escalation: Escalation, event: TicketClassified, situation: Situation) -> list[EscalationEvent]:
    """Record the reply; while a resolution is proposed a clear one answers it, any other goes to the owner.

    After the close only one that was written before it, and only where a clock goes by it.
    """
    intent = event.fact.intent or ReplyIntent.UNCLEAR
    awaited = _awaits_reply(escalation, event.meta.occurred_at, intent, situation)
    if escalation.is_closed and (awaited is None or not _before_close(escalation, event)):
        return []
    answers = escalation.proposed_at is not None and event.meta.occurred_at >= escalation.proposed_at
    if not escalation.is_proposed or not answers:
        return [CustomerReplyReceived(intent=intent, excerpt=event.fact.reply_excerpt, awaits_reply=awaited)]
    if intent is ReplyIntent.THANKS:
        intent = ReplyIntent.UNCLEAR
    received = CustomerReplyReceived(intent=intent, excerpt=event.fact.reply_excerpt, awaits_reply=awaited)
    if intent is ReplyIntent.CONFIRMS:
        return [received, *confirm(escalation, event.meta.actor, situation.policy)]
    if intent is ReplyIntent.REJECTS:
        return [received, *reject(escalation, event.meta.actor, event.fact.reply_excerpt)]
    return [received]


def _awaits_reply(escalation: Escalation, at: datetime, intent: ReplyIntent, situation: Situation) -> bool | None:
    """Tell whether the customer awaits an answer; None where no clock goes by it, or it came before the start."""
    if not situation.policy.times_replies or at < escalation.context.started_at:
        return None
    return intent not in (ReplyIntent.THANKS, ReplyIntent.CONFIRMS)


def _before_close(escalation: Escalation, event: TicketClassified) -> bool:
    return escalation.closed_at is not None and event.meta.occurred_at < escalation.closed_at


def _reopened(escalation: Escalation, event: TicketClassified, situation: Situation) -> list[EscalationEvent]:
    """Go on with the same reference and owner, who is asked anew; a reopening from before the close is none."""
    if escalation.closed_at is None or event.meta.occurred_at < escalation.closed_at:
        return []
    chain = situation.chain_of(escalation.context.type)
    return [
        EscalationReopened(opening=escalation.opening + 1),
        assignment(escalation, escalation.owner, AssignmentCause.REOPENED, chain),
    ]


def _deleted(escalation: Escalation, event: TicketClassified, _situation: Situation) -> list[EscalationEvent]:
    if escalation.is_closed:
        return []
    why = event.fact.reason
    return [EscalationEnded(reason=f"deleted: {why}" if why else "deleted")]


_RULES: dict[str, Callable[[Escalation, TicketClassified, Situation], list[EscalationEvent]]] = {
    FactKind.AGENT_REPLIED: _agent_replied,
    FactKind.CUSTOMER_REPLIED: _customer_replied,
    FactKind.REOPENED: _reopened,
    FactKind.MERGED: end_merged,
    FactKind.DELETED: _deleted,
}

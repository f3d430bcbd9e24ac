"""A ticket that is no escalation: watched while its own front-line SLA runs, opened when it qualifies (section 1)."""

from datetime import datetime

from msgspec.structs import replace

from schemas.classifications import Because, Judgement, TicketClassified, TicketSummary
from schemas.commands import AbsorbMerged
from schemas.context import EscalationContext
from schemas.escalations import (
    EscalationEvent,
    EscalationOpened,
    StreamEvent,
    TicketUnwatched,
    TicketWatched,
)
from schemas.ids import TicketKey, escalation_id, reference
from schemas.vocabulary import EscalationState, FactKind, Reason, TicketStatus
from services.router.domain.ownership import acknowledgement_at_once, first_assignment
from services.router.domain.situation import Situation
from services.router.domain.state import TicketState, Watch

_GONE = {FactKind.MERGED: "merged", FactKind.DELETED: "deleted"}
_DONE = {TicketStatus.SOLVED: "solved", TicketStatus.CLOSED: "closed"}


def decide_on_ticket(state: TicketState, event: TicketClassified, situation: Situation) -> list[StreamEvent]:
    """Return what a fact means for a ticket that is no escalation: opened, watched, no longer watched, or nothing."""
    gone = _GONE.get(event.fact.kind)
    if gone is not None:
        return _unwatch(state, gone)
    if event.judgement.qualifies:
        return [*open_escalation(event.ticket, event.judgement, event.meta.occurred_at, situation)]
    due_at, done = event.ticket.front_line_due_at, _DONE.get(event.ticket.status)
    if done is not None or due_at is None:
        return _unwatch(state, done or "no front-line SLA")
    return _watch(state, event, due_at)


def open_at_risk(watch: Watch, at: datetime, situation: Situation) -> list[EscalationEvent]:
    """Return the opening of a watched ticket whose front-line SLA is about to break, from its last verdict."""
    reasons = (*watch.judgement.reasons, Reason.SLA_AT_RISK)
    return open_escalation(watch.ticket, replace(watch.judgement, qualifies=True, reasons=reasons), at, situation)


def open_absorbed(
    state: TicketState, command: AbsorbMerged, lost: EscalationContext, situation: Situation
) -> list[EscalationEvent]:
    """Return the opening of a ticket that took in an escalation while being none itself: no promise gets lost.

    All clocks go on from the start the escalation had.
    """
    ticket = TicketSummary(
        key=state.ticket,
        url=lost.ticket_url,
        subject=lost.subject,
        excerpt=lost.excerpt,
        channel=lost.channel,
        customer=lost.customer,
        account=lost.account,
    )
    because = Because(rule="merged", says=f"{command.merged}, an escalation, was merged into this ticket")
    judgement = Judgement(
        qualifies=True, reasons=command.reasons, severity=lost.severity, type=lost.type, because=(because,)
    )
    known = ticket if state.watch is None else state.watch.ticket
    return open_escalation(known, judgement, lost.started_at, situation)


def open_escalation(
    ticket: TicketSummary, judgement: Judgement, started_at: datetime, situation: Situation
) -> list[EscalationEvent]:
    """Return the opening and its first owner; all clocks start at `started_at`, the fact that made it qualify."""
    key = TicketKey(ticket.key)
    chain = situation.chain_of(judgement.type)
    context = EscalationContext(
        escalation_id=escalation_id(key),
        version=0,
        reference=reference(key),
        ticket=key,
        ticket_url=ticket.url,
        subject=ticket.subject,
        excerpt=ticket.excerpt,
        severity=judgement.severity,
        type=judgement.type,
        state=EscalationState.OPEN,
        owner=chain[0],
        management=chain[-1],
        started_at=started_at,
        channel=ticket.channel,
        customer=ticket.customer,
        account=ticket.account,
        calendar=situation.policy.chosen_calendar(ticket.account, judgement.type),
    )
    opened = EscalationOpened(escalation=context, reasons=judgement.reasons, judgement=judgement)
    return [opened, first_assignment(chain), *acknowledgement_at_once(chain[0], situation.policy.routing)]


def _watch(state: TicketState, event: TicketClassified, due_at: datetime) -> list[StreamEvent]:
    """Watch from the start the helpdesk names, or else from when it first named a due time."""
    known, ticket = state.watch, event.ticket
    told_before = known is not None and known.due_at == due_at
    fallback = known.started_at if known is not None and told_before else event.meta.occurred_at
    started_at = ticket.front_line_started_at or fallback
    if known is not None and told_before and _is_same(known, event.judgement, started_at):
        return []
    return [
        TicketWatched(
            judgement=event.judgement, ticket=ticket, front_line_started_at=started_at, front_line_due_at=due_at
        )
    ]


def _is_same(known: Watch, judgement: Judgement, started_at: datetime) -> bool:
    same_verdict = (known.judgement.severity, known.judgement.type) == (judgement.severity, judgement.type)
    return same_verdict and known.started_at == started_at


def _unwatch(state: TicketState, reason: str) -> list[StreamEvent]:
    return [] if state.watch is None else [TicketUnwatched(reason=reason)]

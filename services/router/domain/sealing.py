"""Gives decided events their identity, time and context; the same cause at the same state gives the same events."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from schemas import escalations as ev
from schemas.classifications import TicketSummary
from schemas.commands import AbsorbMerged
from schemas.context import EscalationContext, WatchContext
from schemas.escalations import EscalationEvent, StreamEvent, WatchEvent
from schemas.ids import derived_id, escalation_id, reference
from schemas.message import Actor, ActorKind, Message, Meta
from schemas.vocabulary import IssueType
from services.router.domain.evolve import evolve
from services.router.domain.state import TicketState

PRODUCER = "router"
_DECIDED_HERE = (
    ev.OwnerAssigned,
    ev.OwnerReminded,
    ev.SlaRecord,
    ev.ConfirmationRepeated,
    ev.CustomerCallDue,
    ev.TicketWatched,
    ev.TicketUnwatched,
    ev.CommandRejected,
)
"""What the router itself decides is dated when it decides it; everything else is an act and keeps the act's time."""
_DATED_HERE = (*_DECIDED_HERE, ev.PolicyAdopted)
"""A policy is adopted by whoever asks, and holds from the decision: what is on record by then is judged by the old."""


@dataclass(frozen=True, slots=True)
class Seal:
    """What the events of one decision share.

    `ticket` is as it is now, where the cause tells; `management_of` gives a type's last in the chain as it is now.
    The context follows both.
    """

    cause: Message
    now: datetime
    policy_version: str | None
    management_of: Callable[[IssueType], str] | None = None
    ticket: TicketSummary | None = None


def seal(state: TicketState, drafts: Sequence[StreamEvent], by: Seal) -> tuple[list[StreamEvent], TicketState]:
    """Return the events as they are stored and published, numbered on from the state, and the state after them."""
    sealed: list[StreamEvent] = []
    seen: Counter[str] = Counter()
    for draft in drafts:
        name = draft.wire_name()
        meta = _meta(state, draft, by, _discriminator(state, draft, seen[name]))
        seen[name] += 1
        event = _in_context(state, replace(draft, meta=meta), by)
        state = evolve(state, event)
        sealed.append(event)
    return sealed, state


def _meta(state: TicketState, draft: StreamEvent, by: Seal, discriminator: str) -> Meta:
    cause = by.cause.meta
    raised_by_merge = _is_raised_by_merge(draft, by.cause)
    decided_here = isinstance(draft, _DECIDED_HERE) or raised_by_merge
    occurred_at = by.now if isinstance(draft, _DATED_HERE) or raised_by_merge else cause.occurred_at
    if isinstance(draft, ev.EscalationOpened):
        occurred_at = draft.escalation.started_at
    pinned = None if state.escalation is None else state.escalation.policy_version
    return Meta(
        id=derived_id(cause.id, draft.wire_name(), discriminator),
        correlation_id=state.ticket,
        causation_id=cause.id,
        occurred_at=occurred_at,
        recorded_at=by.now,
        actor=Actor(kind=ActorKind.ESCALON, id=PRODUCER) if decided_here else cause.actor,
        producer=PRODUCER,
        policy_version=draft.version if isinstance(draft, ev.PolicyAdopted) else pinned or by.policy_version,
        traceparent=cause.traceparent,
    )


def _is_raised_by_merge(draft: StreamEvent, cause: Message) -> bool:
    """Tell whether a merge raises the severity: told late, it comes after what was decided of the severity since."""
    return isinstance(draft, ev.EscalationReclassified) and isinstance(cause, AbsorbMerged)


def _discriminator(state: TicketState, draft: StreamEvent, ordinal: int) -> str:
    """Tell apart what one cause may lead to more than once; a finding comes again with the same id."""
    match draft:
        case ev.SlaBreached(unverified=True):
            return "unverified"
        case ev.SlaCorrected():
            return f"version {state.version + 1}"
        case _:
            return str(ordinal)


def _in_context(state: TicketState, event: StreamEvent, by: Seal) -> StreamEvent:
    after = evolve(state, event)
    if isinstance(event, WatchEvent):
        return replace(event, watch=_watch_context(after))
    if not isinstance(event, EscalationEvent) or after.escalation is None:
        return event
    context = replace(after.escalation.context, version=after.version)
    if by.management_of is not None:
        context = replace(context, management=by.management_of(context.type))
    return replace(event, escalation=context if by.ticket is None else _with_ticket(context, by.ticket))


def _watch_context(after: TicketState) -> WatchContext:
    return WatchContext(
        stream_id=escalation_id(after.ticket),
        version=after.version,
        ticket=after.ticket,
        reference=None if after.escalation is None else reference(after.ticket),
    )


def _with_ticket(context: EscalationContext, ticket: TicketSummary) -> EscalationContext:
    return replace(
        context,
        ticket_url=ticket.url,
        subject=ticket.subject,
        excerpt=ticket.excerpt,
        channel=ticket.channel,
        customer=ticket.customer,
        account=ticket.account,
    )

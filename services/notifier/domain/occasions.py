"""Which event of an escalation is an occasion to tell somebody something (procedure, sections 2, 4 and 5)."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from policy.model import Policy
from schemas import escalations as events
from schemas import prevention
from schemas.escalations import StreamEvent
from schemas.merging import MergePassedOn
from schemas.vocabulary import Audience, ClockName, ContactKind, EscalationState, NoticeKind, ReplyIntent, Severity
from services.notifier.domain.threshold_audiences import told_at, told_of_breach

EventT = TypeVar("EventT", bound=StreamEvent)


class Occasion(msgspec.Struct, frozen=True, kw_only=True):
    """Something to tell; the policy says whom, `audiences` where the event itself decides it."""

    kind: NoticeKind
    audiences: tuple[Audience, ...] | None = None


_TOLD: Mapping[type[StreamEvent], NoticeKind] = {
    events.OwnerAssigned: NoticeKind.NEW_OWNER,
    events.OwnerReminded: NoticeKind.REMINDER,
    events.SlaCorrected: NoticeKind.CORRECTION,
    events.ResolutionProposed: NoticeKind.CONFIRMATION_REQUEST,
    events.ConfirmationRepeated: NoticeKind.CONFIRMATION_REQUEST,
    events.CustomerCallDue: NoticeKind.CALL_CUSTOMER,
    events.DocumentationMissing: NoticeKind.DOCUMENTATION_MISSING,
    events.CommandRejected: NoticeKind.REFUSED,
}
"""Events that are always told, and as what."""

SILENT: frozenset[type[StreamEvent]] = frozenset(
    {
        events.TicketWatched,
        events.TicketUnwatched,
        events.EscalationAccepted,
        events.NoteAdded,
        events.EvidenceAttached,
        events.RootCauseRecorded,
        events.ResolutionConfirmed,
        events.ResolutionRejected,
        events.MergeAbsorbed,
        events.PolicyAdopted,
        MergePassedOn,
        prevention.ReviewHeld,
        prevention.PreventiveActionPlanned,
        prevention.PreventiveActionCompleted,
        events.SlaKept,
        events.OwnerNotified,
        events.CustomerAcknowledged,
    }
)
"""Events nobody is told about."""

_CONTACTS: Mapping[ContactKind, NoticeKind] = {
    ContactKind.ACKNOWLEDGEMENT: NoticeKind.ACKNOWLEDGEMENT,
    ContactKind.UPDATE: NoticeKind.UPDATE,
}
"""Messages to the customer that are ours to send; an agent's reply is there already, a request to confirm is told
by `ResolutionProposed`."""

_ESCALATED = frozenset(
    {
        ClockName.FIRST_RESPONSE,
        ClockName.UPDATE,
        ClockName.RESOLUTION,
        ClockName.PROMISE,
        ClockName.NEXT_REPLY,
        ClockName.REVIEW,
        ClockName.PREVENTIVE_ACTION,
    }
)
"""Clocks whose breach is told; that of an acceptance is told to nobody but the new owner."""


def occasions_of(event: StreamEvent, policy: Policy) -> tuple[Occasion, ...]:
    """Return what is to be told about an event, in order; raises KeyError for an event nobody thought of."""
    kind = type(event)
    if kind in SILENT:
        return ()
    if kind in _TOLD:
        return (Occasion(kind=_TOLD[kind]),)
    return _JUDGED[kind](event, policy)


def _opened(event: events.EscalationOpened, policy: Policy) -> tuple[Occasion, ...]:
    now = event.escalation
    occasions = [Occasion(kind=NoticeKind.TICKET_TAGGED)]
    if now.type in policy.routing.management_at_once:
        occasions.append(Occasion(kind=NoticeKind.COMPLIANCE))
    if _has_channel(policy, now.severity):
        occasions.append(Occasion(kind=NoticeKind.OPENED))
    return tuple(occasions)


def _reclassified(event: events.EscalationReclassified, policy: Policy) -> tuple[Occasion, ...]:
    now, at_once = event.escalation, policy.routing.management_at_once
    occasions = [Occasion(kind=NoticeKind.TICKET_TAGGED)]
    if now.type in at_once and event.previous_type not in at_once:
        occasions.append(Occasion(kind=NoticeKind.COMPLIANCE))
    if _has_channel(policy, now.severity) and not _has_channel(policy, event.previous_severity):
        occasions.append(Occasion(kind=NoticeKind.OPENED))
    return tuple(occasions)


def _proposed(event: events.ReclassificationProposed, _policy: Policy) -> tuple[Occasion, ...]:
    in_force = (event.escalation.severity, event.escalation.type)
    is_news = (event.severity, event.type) != in_force
    return (Occasion(kind=NoticeKind.RECLASSIFICATION_PROPOSED),) if is_news else ()


def _reopened(event: events.EscalationReopened, policy: Policy) -> tuple[Occasion, ...]:
    return (Occasion(kind=NoticeKind.OPENED),) if _has_channel(policy, event.escalation.severity) else ()


def _closed(_event: StreamEvent, _policy: Policy) -> tuple[Occasion, ...]:
    return (Occasion(kind=NoticeKind.CLOSED), Occasion(kind=NoticeKind.ARCHIVED))


def _over(_event: StreamEvent, _policy: Policy) -> tuple[Occasion, ...]:
    return (Occasion(kind=NoticeKind.ARCHIVED),)


def _informed(event: events.CustomerInformed, _policy: Policy) -> tuple[Occasion, ...]:
    kind = _CONTACTS.get(event.kind)
    return () if kind is None else (Occasion(kind=kind),)


def _replied(event: events.CustomerReplyReceived, _policy: Policy) -> tuple[Occasion, ...]:
    asked = event.escalation.state is EscalationState.RESOLUTION_PROPOSED
    unclear = event.intent in (ReplyIntent.UNCLEAR, ReplyIntent.THANKS)
    return (Occasion(kind=NoticeKind.REPLY_UNCLEAR),) if asked and unclear else ()


def _breached(event: events.SlaBreached, policy: Policy) -> tuple[Occasion, ...]:
    if event.clock not in _ESCALATED:
        return ()
    audiences = (Audience.OWNER,) if event.unverified else told_of_breach(event, policy)
    return (Occasion(kind=NoticeKind.BREACH, audiences=audiences),)


def _warned(event: events.SlaWarned, policy: Policy) -> tuple[Occasion, ...]:
    return (Occasion(kind=NoticeKind.WARNING, audiences=told_at(event, event.percent, policy)),)


def _failed(event: events.NoticeFailed, _policy: Policy) -> tuple[Occasion, ...]:
    if event.kind is NoticeKind.UNDELIVERED:
        return ()
    # Whoever cannot be reached is not told so: management is, in the owner's place.
    unreachable = event.recipient == event.escalation.owner
    return (Occasion(kind=NoticeKind.UNDELIVERED, audiences=(Audience.MANAGEMENT,) if unreachable else None),)


def _has_channel(policy: Policy, severity: Severity) -> bool:
    return policy.severities[severity].incident_channel


def _judge(
    event: type[EventT], judge: Callable[[EventT, Policy], tuple[Occasion, ...]]
) -> tuple[type[StreamEvent], Callable[[StreamEvent, Policy], tuple[Occasion, ...]]]:
    def judged(actual: StreamEvent, policy: Policy) -> tuple[Occasion, ...]:
        return judge(actual, policy) if isinstance(actual, event) else ()

    return event, judged


_JUDGED: Mapping[type[StreamEvent], Callable[[StreamEvent, Policy], tuple[Occasion, ...]]] = dict(
    [
        _judge(events.EscalationOpened, _opened),
        _judge(events.EscalationReclassified, _reclassified),
        _judge(events.ReclassificationProposed, _proposed),
        _judge(events.EscalationReopened, _reopened),
        _judge(events.EscalationClosed, _closed),
        _judge(events.EscalationMerged, _over),
        _judge(events.EscalationEnded, _over),
        _judge(events.CustomerInformed, _informed),
        _judge(events.CustomerReplyReceived, _replied),
        _judge(events.SlaWarned, _warned),
        _judge(events.SlaBreached, _breached),
        _judge(events.NoticeFailed, _failed),
    ]
)
"""Events where it depends."""

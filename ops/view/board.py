"""The present state of every escalation, folded from the log as any outsider could."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec

from schemas.context import EscalationContext
from schemas.escalations import EscalationEvent, StreamEvent
from schemas.message import Message
from schemas.notifications import NoticeOutcome
from schemas.sla import PromiseScheduled
from schemas.vocabulary import ClockName, EscalationState


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A line of `escalon escalation list`."""

    reference: str
    ticket: str
    state: EscalationState
    severity: str
    type: str
    owner: str
    opened_at: datetime
    next_promise: ClockName | None = None
    next_due_at: datetime | None = None
    subject: str = ""


@dataclass(slots=True)
class Board:
    """Rows by ticket; feed it what is on `escalations.v1` and `sla.v1`, repeats and all."""

    _contexts: dict[str, EscalationContext] = field(default_factory=dict)
    _promises: dict[str, PromiseScheduled] = field(default_factory=dict)

    def take(self, message: Message | None) -> None:
        """Fold one event; a version that was seen, or an event that is not for the board, changes nothing."""
        if isinstance(message, EscalationEvent):
            known = self._contexts.get(message.escalation.ticket)
            if known is None or message.escalation.version > known.version:
                self._contexts[message.escalation.ticket] = message.escalation
        elif isinstance(message, PromiseScheduled):
            earlier = self._promises.get(message.ticket)
            if earlier is None or message.version >= earlier.version:
                self._promises[message.ticket] = message

    def rows(self, *, closed: bool = True) -> list[Row]:
        """Return the rows, what is due next first; escalations without a promise stand last."""
        rows = [self._row(context) for context in self._contexts.values()]
        chosen = [row for row in rows if closed or row.state is not EscalationState.CLOSED]
        return sorted(
            chosen, key=lambda row: (row.next_due_at is None, row.next_due_at or row.opened_at, row.reference)
        )

    def _row(self, context: EscalationContext) -> Row:
        row = Row(
            reference=context.reference,
            ticket=context.ticket,
            state=context.state,
            severity=context.severity.value,
            type=context.type.value,
            owner=context.owner,
            opened_at=context.started_at,
            subject=context.subject,
        )
        promise = self._promises.get(context.ticket)
        if promise is None or context.state is EscalationState.CLOSED:
            return row
        return msgspec.structs.replace(row, next_promise=promise.clock, next_due_at=promise.due_at)


@dataclass(frozen=True, slots=True)
class Timeline:
    """Everything on record about one escalation, oldest first."""

    reference: str
    events: tuple[Message, ...] = ()

    def with_event(self, event: Message) -> "Timeline":
        """Return the timeline with one more event."""
        return replace(self, events=(*self.events, event))


def timeline(reference: str, messages: Iterable[Message | None]) -> Timeline | None:
    """Return the timeline of an escalation by reference or ticket key; None if there is none."""
    by_ticket: dict[str, dict[str, Message]] = {}
    wanted: str | None = None
    for message in messages:
        ticket = _ticket_of(message)
        if message is None or ticket is None:
            continue
        by_ticket.setdefault(ticket, {}).setdefault(message.meta.id, message)
        if reference == ticket or (isinstance(message, EscalationEvent) and message.escalation.reference == reference):
            wanted = ticket
    if wanted is None:
        return None
    events = sorted(by_ticket[wanted].values(), key=_order)
    return Timeline(reference, tuple(events))


def _order(message: Message) -> tuple[datetime, int]:
    version = message.escalation.version if isinstance(message, EscalationEvent) else 1 << 30
    return message.meta.recorded_at, version


def _ticket_of(message: Message | None) -> str | None:
    if isinstance(message, StreamEvent | NoticeOutcome | PromiseScheduled):
        return message.meta.correlation_id
    return None

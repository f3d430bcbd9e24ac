"""Nothing is lost on its way: tickets are judged, verdicts and what followed from them are acted on."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from ops.verify.evidence import Check, Moment, Piece, PutAside, Seen, Step, Violation
from ops.verify.streams import Streams
from schemas.catalogue import CLASSIFICATIONS, COMMANDS, ESCALATIONS
from schemas.classifications import TicketClassified
from schemas.commands import AbsorbMerged
from schemas.escalations import (
    CustomerAcknowledged,
    EscalationClosed,
    EscalationEnded,
    EscalationMerged,
    OwnerNotified,
)
from schemas.ids import derived_id
from schemas.merging import MergePassedOn
from schemas.notifications import NoticeDelivered
from schemas.tickets import TicketEvent
from schemas.vocabulary import Audience, AuthorKind, FactKind, NoticeKind

_GONE = (FactKind.MERGED, FactKind.DELETED)
_ASKS_THE_OWNER = (NoticeKind.NEW_OWNER, NoticeKind.REMINDER, NoticeKind.CALL_CUSTOMER, NoticeKind.REPLY_UNCLEAR)


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that something must follow from; the first of all its repeats."""

    where: str
    at: datetime
    place: str


class TicketsJudged(Check):
    """See `promise`."""

    name = "tickets judged"
    promise = "every ticket event that can be read and was not put aside has its TicketClassified, by its derived id"

    def __init__(self) -> None:
        super().__init__()
        self._causes: dict[str, Cause] = {}
        self._judged: set[str] = set()
        self._aside: set[str] = set()

    def take(self, piece: Piece) -> None:
        """Remember ticket events, verdicts and dead letters."""
        match piece:
            case PutAside(origin=origin):
                self._aside.add(origin)
            case Seen(message=TicketEvent() as event) if event.meta.id:
                cause = Cause(event.ticket.key, piece.written_at, piece.place)
                self._causes.setdefault(derived_id(event.meta.id, TicketClassified.wire_name()), cause)
            case Seen(message=TicketClassified() as verdict):
                self._judged.add(verdict.meta.id)
            case _:
                pass

    def violations(self, moment: Moment) -> Iterator[Violation]:
        """Yield ticket events without a verdict."""
        self.looked_at = len(self._causes)
        for wanted, cause in self._causes.items():
            if wanted in self._judged or cause.place in self._aside:
                continue
            if moment.expects(CLASSIFICATIONS, cause.at):
                yield Violation(f"{cause.where} at {cause.place}", "has no verdict", cause.at)


@dataclass(frozen=True, slots=True)
class _Reply:
    id: str
    cause: Cause
    offset: int
    occurred_at: datetime
    by_customer: bool


@dataclass(slots=True)
class _Judged:
    """What the verdicts of a ticket call for."""

    first: Cause | None = None
    """The first verdict that qualifies."""
    offsets: dict[str, int] = field(default_factory=dict)
    """Where each qualifying verdict stands on the ticket's partition."""
    replies: list[_Reply] = field(default_factory=list)


class VerdictsActedOn(Check):
    """See `promise`."""

    name = "verdicts acted on"
    promise = "every verdict that qualifies has its escalation, and every reply on an open one is on its record"

    def __init__(self, streams: Streams) -> None:
        super().__init__()
        self._streams = streams
        self._judged: dict[str, _Judged] = {}
        self._over: set[str] = set()
        self._aside: set[str] = set()

    def take(self, piece: Piece) -> None:
        """Remember what qualifies, what was written, and what is over."""
        match piece:
            case PutAside(origin=origin):
                self._aside.add(origin)
            case Seen(message=TicketClassified() as verdict):
                self._verdict(piece, verdict)
            case Step(event=EscalationClosed() | EscalationMerged() | EscalationEnded() as event):
                self._over.add(event.escalation.ticket)
            case _:
                pass

    def violations(self, moment: Moment) -> Iterator[Violation]:
        """Yield what was said and had no consequence."""
        for ticket, judged in self._judged.items():
            for cause, what in (*self._unopened(ticket, judged), *self._unheard(ticket, judged)):
                if cause.place not in self._aside and moment.expects(ESCALATIONS, cause.at):
                    yield Violation(f"{cause.where} at {cause.place}", what, cause.at)

    def _verdict(self, seen: Seen, verdict: TicketClassified) -> None:
        fact, ticket = verdict.fact, verdict.ticket.key
        if fact.author_kind is AuthorKind.ESCALON or fact.kind in _GONE:
            return
        judged = self._judged.setdefault(ticket, _Judged())
        cause = Cause(ticket, seen.written_at, seen.place)
        if verdict.judgement.qualifies and verdict.meta.id not in judged.offsets:
            self.looked_at += 1
            judged.first = judged.first or cause
            judged.offsets[verdict.meta.id] = seen.offset
        by_customer = fact.kind is FactKind.CUSTOMER_REPLIED
        by_person = fact.kind is FactKind.AGENT_REPLIED and fact.public and fact.author_kind is AuthorKind.PERSON
        if by_customer or by_person:
            self.looked_at += 1
            occurred_at = verdict.meta.occurred_at
            judged.replies.append(_Reply(verdict.meta.id, cause, seen.offset, occurred_at, by_customer))

    def _unopened(self, ticket: str, judged: _Judged) -> Iterator[tuple[Cause, str]]:
        stream = self._streams.by_ticket.get(ticket)
        if judged.first is not None and (stream is None or stream.opened_at is None):
            yield judged.first, "qualifies and there is no escalation"

    def _unheard(self, ticket: str, judged: _Judged) -> Iterator[tuple[Cause, str]]:
        """Yield replies behind the verdict that opened the escalation; once it was over they may have meant nothing."""
        stream = self._streams.by_ticket.get(ticket)
        opened_by = None if stream is None else stream.opened_by
        if stream is None or opened_by not in judged.offsets or ticket in self._over:
            return
        escalation = stream.state.escalation
        for reply in judged.replies:
            began = escalation is not None and reply.occurred_at >= escalation.context.started_at
            counts = reply.by_customer or began
            behind = reply.offset > judged.offsets[opened_by]
            if counts and behind and reply.id not in stream.causes:
                yield reply.cause, "is a reply and is not on the record"


class MergesTold(Check):
    """See `promise`."""

    name = "merges told"
    promise = "every escalation that ended by a merge is told to the surviving ticket by one AbsorbMerged"

    def __init__(self) -> None:
        super().__init__()
        self._wanted: dict[str, Cause] = {}
        self._told: set[str] = set()

    def take(self, piece: Piece) -> None:
        """Remember merges and what was told of them."""
        if isinstance(piece, Step) and isinstance(piece.event, EscalationMerged | MergePassedOn):
            event = piece.event
            wanted = derived_id(event.meta.id, AbsorbMerged.wire_name(), event.into)
            self._wanted[wanted] = Cause(event.escalation.ticket, piece.seen.written_at, piece.seen.place)
            self.looked_at += 1
        elif isinstance(piece, Seen) and isinstance(piece.message, AbsorbMerged):
            self._told.add(piece.message.meta.id)

    def violations(self, moment: Moment) -> Iterator[Violation]:
        """Yield merges of which the survivor was not told."""
        for wanted, cause in self._wanted.items():
            if wanted not in self._told and moment.expects(COMMANDS, cause.at):
                yield Violation(f"{cause.where} at {cause.place}", "the survivor was not told of the merge", cause.at)


class DeliveriesRecorded(Check):
    """See `promise`."""

    name = "deliveries recorded"
    promise = "every delivery that something rests on (to the owner, the acknowledgement) is on the escalation's record"

    def __init__(self, streams: Streams) -> None:
        super().__init__()
        self._streams = streams
        self._delivered: dict[str, Cause] = {}
        self._recorded: set[str] = set()
        self._aside: set[str] = set()

    def take(self, piece: Piece) -> None:
        """Remember deliveries and their records."""
        match piece:
            case PutAside(origin=origin):
                self._aside.add(origin)
            case Step(event=OwnerNotified(notice_id=notice_id) | CustomerAcknowledged(notice_id=notice_id)):
                self._recorded.add(notice_id)
            case Seen(message=NoticeDelivered() as outcome) if _matters(outcome):
                cause = Cause(f"{outcome.ticket} notice {outcome.notice_id}", piece.written_at, piece.place)
                self._delivered.setdefault(outcome.notice_id, cause)
            case _:
                pass

    def violations(self, moment: Moment) -> Iterator[Violation]:
        """Yield deliveries that are not on record."""
        self.looked_at = len(self._delivered)
        for notice_id, cause in self._delivered.items():
            if notice_id in self._recorded or cause.place in self._aside:
                continue
            if moment.expects(ESCALATIONS, cause.at):
                yield Violation(f"{cause.where} at {cause.place}", "was delivered and is not on record", cause.at)


def _matters(outcome: NoticeDelivered) -> bool:
    if outcome.audience is Audience.OWNER:
        return outcome.kind in _ASKS_THE_OWNER
    return outcome.audience is Audience.CUSTOMER and outcome.kind is NoticeKind.ACKNOWLEDGEMENT

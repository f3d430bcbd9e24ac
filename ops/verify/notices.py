"""Every notice that the events call for ends once, and a receiver's journal has what is called delivered."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis.errors import RetryableError
from ops.verify.evidence import Check, Journaled, Moment, Piece, Planned, Reference, Seen, Source, Step, Violation
from ops.verify.streams import Streams
from schemas.catalogue import NOTIFICATIONS
from schemas.escalations import NoticeFailed, StreamEvent
from schemas.ids import PolicyVersion
from schemas.notifications import NoticeDelivered, NoticeOutcome, NoticeUndeliverable
from schemas.vocabulary import Audience, NoticeKind
from services.notifier.domain.notice import Notice
from services.notifier.domain.planning import Setting, plan_notices

PATIENCE = timedelta(minutes=20)
"""How long the notifier keeps trying, in real time (services/notifier/domain/delivery.py): until then it is no loss."""


@dataclass(frozen=True, slots=True)
class _Called:
    ticket: str
    recipient: str
    kind: NoticeKind
    place: str
    at: datetime


@dataclass(slots=True)
class _Ended:
    """What is published of how a notice ended; there is to be one outcome."""

    ticket: str
    recipient: str
    kind: NoticeKind
    audience: Audience
    given_up: bool
    at: datetime
    outcome_id: str
    is_double: bool = False


class NoticesEnd(Check):
    """See `promise`. What is called for is planned anew by the policies and the roster on the topics."""

    name = "notices end"
    promise = "every notice the events call for ends delivered, superseded or alarmed, once by id and recipient"

    def __init__(self, streams: Streams, reference: Reference) -> None:
        super().__init__()
        self._streams = streams
        self._reference = reference
        self._called: dict[str, _Called] = {}
        self._unsure: set[str] = set()
        self._ended: dict[str, _Ended] = {}
        self._alarmed: set[str] = set()
        self._rows: dict[str, Planned] = {}
        self._rooms: set[str] = set()
        self._unplanned: list[Violation] = []

    def take(self, piece: Piece) -> None:
        """Plan what an event calls for; remember outcomes, alarms and the ledger."""
        match piece:
            case Step(event=event):
                self._plan(piece.seen, event)
                if isinstance(event, NoticeFailed):
                    self._alarmed.add(event.notice_id)
            case Seen(message=NoticeOutcome() as outcome):
                ended = self._ended.setdefault(outcome.notice_id, _ended(outcome, piece))
                ended.is_double = ended.is_double or ended.outcome_id != outcome.meta.id
            case Planned():
                self._rows[piece.notice_id] = piece
            case _:
                pass

    def violations(self, moment: Moment) -> Iterator[Violation]:
        """Yield notices without an end, with two, or that nothing calls for; failures nobody was told of."""
        self.looked_at = len(self._called)
        yield from self._unplanned
        for notice_id, called in self._called.items():
            if notice_id not in self._ended and moment.expects(NOTIFICATIONS, called.at):
                yield self._endless(notice_id, called)
        for notice_id, ended in self._ended.items():
            yield from self._wrong_end(notice_id, ended)

    def _plan(self, seen: Seen, event: StreamEvent) -> None:
        try:
            notices = self._planned(event)
        except RetryableError as error:
            self._unplanned.append(Violation(f"{event.meta.correlation_id} at {seen.place}", str(error)))
            return
        for notice in notices:
            if notice.requires is not None and notice.about.ticket not in self._rooms:
                continue
            if notice.kind is NoticeKind.OPENED:
                self._rooms.add(notice.about.ticket)
            if notice.audience is Audience.SENDER and seen.written_at < self._reference.roster_at:
                # Whether a sender was one of ours is a matter of the roster then.
                self._unsure.add(notice.id)
                continue
            self._called[notice.id] = _called(notice, seen)

    def _planned(self, event: StreamEvent) -> tuple[Notice, ...]:
        version, policies = event.meta.policy_version, self._reference.policies
        policy = policies.get(PolicyVersion(version)) if version else policies.latest().policy
        roster = self._reference.rosters.current()
        return plan_notices(event, Setting(policy=policy, roster=roster, now=event.meta.recorded_at)).notices

    def _endless(self, notice_id: str, called: _Called) -> Violation:
        row, where = self._rows.get(notice_id), f"{called.ticket} notice {notice_id}"
        what = f"{called.kind} to {called.recipient}, called for at {called.place}"
        if row is None:
            return Violation(where, f"{what}, has no end", called.at + PATIENCE)
        if not row.ended:
            return Violation(where, f"{what}, is planned and not delivered", called.at + PATIENCE)
        return Violation(where, f"{what}, has ended in the ledger and not on the topic", called.at)

    def _wrong_end(self, notice_id: str, ended: _Ended) -> Iterator[Violation]:
        called, where = self._called.get(notice_id), f"{ended.ticket} notice {notice_id}"
        if ended.is_double:
            yield Violation(where, "ends in more than one way")
        if called is None and notice_id not in self._unsure and ended.audience is not Audience.SENDER:
            yield Violation(where, f"{ended.kind} to {ended.audience} ended, and nothing calls for it")
        elif called is not None and called.recipient != ended.recipient:
            yield Violation(where, "went to somebody else than it was for")
        if self._needs_alarm(ended) and notice_id not in self._alarmed:
            yield Violation(where, "was given up and the escalation's record does not say so", ended.at)

    def _needs_alarm(self, ended: _Ended) -> bool:
        """Tell whether a failure must be on record: where there is an escalation, but for news of a failure itself."""
        stream = self._streams.by_ticket.get(ended.ticket)
        is_news = ended.given_up and ended.kind is not NoticeKind.UNDELIVERED
        return is_news and stream is not None and stream.opened_at is not None


class JournalAgrees(Check):
    """See `promise`."""

    name = "journal agrees"
    promise = "what was delivered to the sink stands in its file, once; a repeat at most once, and marked as possible"
    needs = Source.JOURNAL

    def __init__(self) -> None:
        super().__init__()
        self._delivered: dict[str, tuple[str, bool]] = {}
        self._lines: Counter[str] = Counter()

    def take(self, piece: Piece) -> None:
        """Remember what the topic and the file say."""
        if isinstance(piece, Journaled):
            self._lines[piece.key] += 1
        elif isinstance(piece, Seen) and isinstance(piece.message, NoticeDelivered):
            outcome = piece.message
            if outcome.via == "sink":
                key = outcome.external_id or f"{outcome.notice_id}:{outcome.via}"
                self._delivered[key] = (outcome.ticket, outcome.possible_repeat)

    def violations(self, moment: Moment) -> Iterator[Violation]:
        """Yield what the file lacks or has too often."""
        del moment
        self.looked_at = len(self._delivered)
        for key, (ticket, _) in self._delivered.items():
            if key not in self._lines:
                yield Violation(f"{ticket} notice {key}", "is called delivered and the journal has it not")
        for key, count in self._lines.items():
            # One whose outcome is not published yet may still be marked as a repeat.
            ticket, may_repeat = self._delivered.get(key, ("", True))
            if ticket and count > 1 + may_repeat:
                yield Violation(f"{ticket} notice {key}", f"stands in the journal {count} times")


def _called(notice: Notice, seen: Seen) -> _Called:
    return _Called(notice.about.ticket, notice.recipient, notice.kind, seen.place, seen.written_at)


def _ended(outcome: NoticeOutcome, seen: Seen) -> _Ended:
    return _Ended(
        ticket=outcome.ticket,
        recipient=outcome.recipient,
        kind=outcome.kind,
        audience=outcome.audience,
        given_up=isinstance(outcome, NoticeUndeliverable),
        at=seen.written_at,
        outcome_id=outcome.meta.id,
    )

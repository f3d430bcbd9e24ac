"""The clocks: each threshold on record once, none before its time, none false, none missing.

The log is folded anew and asked what there is to say of it by now.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from ops.verify.evidence import Check, Moment, Piece, Reference, Seen, Step, Violation
from ops.verify.streams import Streams
from schemas import escalations as ev
from schemas.catalogue import SLA
from schemas.escalations import SlaRecord, StreamEvent
from schemas.sla import SlaFinding, ThresholdReached
from services.router.domain.state import Cycle, TicketState
from services.sla_monitor.domain.evaluation import Finding, evaluate
from services.sla_monitor.domain.folding import fold
from services.sla_monitor.domain.pinning import pinned
from services.sla_monitor.domain.row import AnyRow
from wire.reference_data import PolicyNotKnownError

_HAND_TIME = timedelta(seconds=5)
"""Real time that a threshold may take from its instant to its record before anybody asks."""
_RECORDS = (ev.SlaRecord, ev.OwnerReminded, ev.ConfirmationRepeated, ev.CustomerCallDue)
_Key = tuple[str | int | bool, ...]


class ThresholdsOnce(Check):
    """See `promise`."""

    name = "thresholds once"
    promise = "each threshold is on record once, each cycle has one verdict, and only a correction changes it"

    def __init__(self) -> None:
        super().__init__()
        self._given: dict[str, set[_Key]] = {}
        self._wrong: list[Violation] = []

    def take(self, piece: Piece) -> None:
        """Hold each record against those before it."""
        if not isinstance(piece, Step) or not isinstance(piece.event, _RECORDS):
            return
        self.looked_at += 1
        ticket, event = piece.event.escalation.ticket, piece.event
        key = _identity(event, piece.before)
        given = self._given.setdefault(ticket, set())
        if key in given:
            self._wrong.append(_at(piece, f"{named(event)} is on record a second time"))
        given.add(key)
        if isinstance(event, SlaRecord) and piece.before is not None and _contradicts(event, piece.before):
            self._wrong.append(_at(piece, f"{named(event)} contradicts the verdict on record"))

    def violations(self, moment: Moment) -> Iterator[Violation]:
        """Yield what was met."""
        del moment
        yield from self._wrong


@dataclass(frozen=True, slots=True)
class _Record:
    """What is looked at of a record of a threshold: events are too large to be kept."""

    where: str
    what: str
    cause: str
    recorded_at: datetime
    due_at: datetime | None
    written_at: datetime


class NoneEarly(Check):
    """See `promise`."""

    name = "none early"
    promise = "every record of a threshold rests on a finding and is not made before that threshold was reached"

    def __init__(self) -> None:
        super().__init__()
        self._reached: dict[str, datetime] = {}
        self._found: set[str] = set()
        self._records: list[_Record] = []

    def take(self, piece: Piece) -> None:
        """Remember findings and what was recorded of them."""
        if isinstance(piece, Seen) and isinstance(piece.message, SlaFinding):
            finding = piece.message
            self._found.add(finding.meta.id)
            if isinstance(finding, ThresholdReached):
                known = self._reached.get(finding.meta.id, finding.reached_at)
                self._reached[finding.meta.id] = min(known, finding.reached_at)
        elif isinstance(piece, Step) and isinstance(piece.event, _RECORDS):
            self._records.append(_record(piece.seen, piece.event))

    def violations(self, moment: Moment) -> Iterator[Violation]:
        """Yield records that came too early, or from nowhere."""
        self.looked_at = len(self._records)
        for record in self._records:
            if record.cause not in self._found and moment.expects(SLA, record.written_at):
                yield Violation(record.where, f"{record.what} rests on no finding")
            instants = (self._reached.get(record.cause), record.due_at)
            if any(at is not None and record.recorded_at < at for at in instants):
                yield Violation(record.where, f"{record.what} is recorded before it was reached")


class ClocksRight(Check):
    """See `promise`."""

    name = "clocks right"
    promise = "each cycle has on record what its log gives, folded anew: no verdict or threshold missing, none false"

    def __init__(self, streams: Streams, reference: Reference) -> None:
        super().__init__()
        self._streams = streams
        self._reference = reference
        self._rows: dict[str, AnyRow] = {}

    def take(self, piece: Piece) -> None:
        """Fold the log as whoever watches the clocks would."""
        if isinstance(piece, Step):
            ticket = piece.event.meta.correlation_id
            row = fold(self._rows.get(ticket), piece.event)
            self._rows.pop(ticket, None)
            if row is not None:
                self._rows[ticket] = row

    def violations(self, moment: Moment) -> Iterator[Violation]:
        """Yield what there is to say of each log that is not on record."""
        self.looked_at = len(self._rows)
        asked_at = moment.business - _HAND_TIME * moment.speed
        for ticket, row in self._rows.items():
            stream = self._streams.by_ticket[ticket]
            if stream.is_broken or stream.last_at < moment.since:
                continue
            try:
                held_to = pinned(row, self._reference.policies.get)
            except PolicyNotKnownError as error:
                yield Violation(ticket, f"is pinned to a policy that is not published: {error}")
                continue
            for finding in evaluate(row, held_to.policy, asked_at, held_to.earlier).findings:
                fell_due = stream.last_at if finding.falls_due_at is None else moment.real_of(finding.falls_due_at)
                yield Violation(ticket, f"{_said(finding)} is not on record", max(fell_due, stream.last_at))


def _record(seen: Seen, event: StreamEvent) -> _Record:
    return _Record(
        where=f"{event.meta.correlation_id} at {seen.place}",
        what=named(event),
        cause=event.meta.causation_id or "",
        recorded_at=event.meta.occurred_at,
        due_at=event.due_at if isinstance(event, ev.SlaBreached) else None,
        written_at=seen.written_at,
    )


def _identity(event: StreamEvent, before: TicketState | None) -> _Key:
    """Return what may be on record once."""
    proposals = 0 if before is None or before.escalation is None else before.escalation.proposals
    match event:
        case ev.SlaBreached():
            return ("breached", event.clock, event.cycle, event.percent, event.unverified)
        case ev.SlaWarned():
            return ("warned", event.clock, event.cycle, event.percent)
        case ev.SlaKept():
            return ("kept", event.clock, event.cycle)
        case ev.SlaCorrected():
            return ("corrected", event.meta.id)
        case ev.OwnerReminded():
            return ("reminded", event.cycle, event.percent)
        case ev.ConfirmationRepeated():
            return ("repeated", proposals, event.attempt)
        case _:
            return ("call", proposals)


def _contradicts(event: SlaRecord, before: TicketState) -> bool:
    if before.escalation is None:
        return True
    cycle = Cycle(event.clock, event.cycle)
    said = before.escalation.verdicts.get(cycle)
    match event:
        case ev.SlaBreached():
            return said is not None and cycle not in before.escalation.unverified
        case ev.SlaKept():
            return said is not None
        case ev.SlaCorrected():
            return said is not event.previous
        case _:
            return False


def named(event: StreamEvent) -> str:
    """Return a record in words: what, of which cycle of which clock."""
    match event:
        case ev.SlaWarned() | ev.SlaBreached():
            return f"{type(event).__name__} of {event.clock} {event.cycle} at {event.percent} %"
        case ev.SlaRecord():
            return f"{type(event).__name__} of {event.clock} {event.cycle}"
        case _:
            return type(event).__name__


def _said(finding: Finding) -> str:
    """Return a finding's identity as words: clock, cycle, what."""
    return " ".join(finding.key)


def _at(step: Step, what: str) -> Violation:
    return Violation(f"{step.event.meta.correlation_id} at {step.seen.place}", what)

"""Whoever asks gets an answer: commands of people, and findings of the sla_monitor."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from ops.verify.evidence import Check, Moment, Piece, PutAside, Seen, Step, Violation
from ops.verify.streams import Stream, Streams
from schemas import commands as asked
from schemas.catalogue import ESCALATIONS
from schemas.escalations import EscalationAccepted, EscalationEvent, ResolutionProposed, SlaCorrected
from schemas.message import DRAFT
from schemas.sla import ClockKept, FrontLineAtRisk, SlaFinding, ThresholdReached, VerdictCorrected
from schemas.vocabulary import ClockName, EscalationState
from services.router.domain.evolve import call_mark
from services.router.domain.findings import HOLD_LIMIT
from services.router.domain.state import Cycle, Mark, TicketState

_RECORD = (
    asked.AddNote,
    asked.AttachEvidence,
    asked.RecordRootCause,
    asked.RecordReview,
    asked.PlanPreventiveAction,
    asked.CompletePreventiveAction,
)


@dataclass(frozen=True, slots=True)
class _Asked:
    command: asked.Command
    place: str
    at: datetime


class CommandsAnswered(Check):
    """See `promise`."""

    name = "commands answered"
    promise = 'every command led to an event or a CommandRejected, or is one of the procedure\'s "nothing happens"'

    def __init__(self, streams: Streams) -> None:
        super().__init__()
        self._streams = streams
        self._asked: dict[str, _Asked] = {}
        self._aside: set[str] = set()
        self._accepted: set[tuple[str, str]] = set()
        self._proposed_at: dict[str, datetime] = {}
        self._classes: dict[str, set[tuple[str, str]]] = {}

    def take(self, piece: Piece) -> None:
        """Remember commands, and what makes one of them mean nothing."""
        if isinstance(piece, PutAside):
            self._aside.add(piece.origin)
        elif isinstance(piece, Seen) and isinstance(piece.message, asked.Command):
            command = piece.message
            self._asked.setdefault(command.meta.id, _Asked(command, piece.place, piece.written_at))
        elif isinstance(piece, Step) and isinstance(piece.event, EscalationEvent):
            self._follow(piece, piece.event)

    def violations(self, moment: Moment) -> Iterator[Violation]:
        """Yield commands that nothing followed from, though something had to."""
        self.looked_at = len(self._asked)
        for command_id, one in self._asked.items():
            stream = self._streams.by_ticket.get(one.command.ticket)
            answered = stream is not None and command_id in stream.causes
            if answered or one.place in self._aside or not moment.expects(ESCALATIONS, one.at):
                continue
            if self._must_be_answered(one, stream):
                what = f"{type(one.command).__name__} led to nothing"
                yield Violation(f"{one.command.ticket} at {one.place}", what, one.at)

    def _follow(self, step: Step, event: EscalationEvent) -> None:
        now = event.escalation
        self._classes.setdefault(now.ticket, set()).add((now.severity, now.type))
        if isinstance(event, EscalationAccepted) and event.explicit:
            self._accepted.add((now.ticket, event.by))
        elif isinstance(event, ResolutionProposed):
            self._proposed_at[now.ticket] = step.seen.written_at

    def _must_be_answered(self, one: _Asked, stream: Stream | None) -> bool:
        """Tell whether the command cannot have meant nothing; where the order of two topics is open, it can."""
        command = one.command
        was_open = stream is not None and stream.opened_at is not None and stream.opened_at < one.at
        if isinstance(command, _RECORD):
            return was_open
        judge = self._JUDGES.get(type(command))
        return True if judge is None else judge(self, one, stream)

    def _accept(self, one: _Asked, _stream: Stream | None) -> bool:
        return (one.command.ticket, one.command.meta.actor.id) not in self._accepted

    def _answer(self, one: _Asked, stream: Stream | None) -> bool:
        """Judge the customer's word, which means nothing unless it was asked for."""
        escalation = None if stream is None else stream.state.escalation
        if escalation is None:
            return stream is None or stream.opened_at is None
        proposed_at = self._proposed_at.get(one.command.ticket)
        waits = escalation.state is EscalationState.RESOLUTION_PROPOSED
        return waits and proposed_at is not None and proposed_at < one.at

    def _reclassify(self, one: _Asked, _stream: Stream | None) -> bool:
        command = one.command
        if not isinstance(command, asked.ReclassifyEscalation):
            return True
        held = self._classes.get(command.ticket, set())
        return not any(command.severity in (None, severity) and command.type in (None, kind) for severity, kind in held)

    def _absorb(self, _one: _Asked, stream: Stream | None) -> bool:
        """Judge a merge told: it means nothing only where the survivor's escalation is over."""
        escalation = None if stream is None else stream.state.escalation
        return escalation is not None and not escalation.is_closed and escalation.opening == 1

    _JUDGES: dict[type[asked.Command], Callable[["CommandsAnswered", _Asked, Stream | None], bool]] = {
        asked.AcceptEscalation: _accept,
        asked.ConfirmResolution: _answer,
        asked.RejectResolution: _answer,
        asked.ReclassifyEscalation: _reclassify,
        asked.AbsorbMerged: _absorb,
    }


class FindingsTaken(Check):
    """See `promise`."""

    name = "findings taken"
    promise = "every finding of the sla_monitor is on record, or a clock has moved since the version it was made from"

    def __init__(self, streams: Streams) -> None:
        super().__init__()
        self._streams = streams
        self._found: dict[str, tuple[SlaFinding, str, datetime]] = {}
        self._aside: set[str] = set()
        self._corrected: set[tuple[str, Cycle]] = set()

    def take(self, piece: Piece) -> None:
        """Remember the last of each finding's repeats, and corrections."""
        match piece:
            case PutAside(origin=origin):
                self._aside.add(origin)
            case Seen(message=ThresholdReached() | FrontLineAtRisk() | ClockKept() | VerdictCorrected() as finding):
                self._found[finding.meta.id] = (replace(finding, meta=DRAFT), piece.place, piece.written_at)
            case Step(event=SlaCorrected() as event):
                self._corrected.add((event.escalation.ticket, Cycle(event.clock, event.cycle)))
            case _:
                pass

    def violations(self, moment: Moment) -> Iterator[Violation]:
        """Yield findings without a consequence; one may be held for as long as the router's limit."""
        self.looked_at = len(self._found)
        for finding, place, at in self._found.values():
            stream = self._streams.by_ticket.get(finding.ticket)
            if stream is None or stream.is_broken or place in self._aside or not moment.expects(ESCALATIONS, at):
                continue
            if not self._is_settled(finding, stream.state):
                what = f"{type(finding).__name__} of version {finding.version} is not on record"
                yield Violation(f"{finding.ticket} at {place}", what, at + HOLD_LIMIT)

    def _is_settled(self, finding: SlaFinding, state: TicketState) -> bool:
        escalation = state.escalation
        if isinstance(finding, FrontLineAtRisk):
            return escalation is not None or state.watch is None or finding.version < state.clock_version
        if escalation is None:
            return True
        match finding:
            case ThresholdReached():
                return finding.version < state.clock_version or _is_given(finding, state)
            case ClockKept():
                return Cycle(finding.clock, finding.cycle) in escalation.verdicts
            case VerdictCorrected():
                cycle = Cycle(finding.clock, finding.cycle)
                said = escalation.verdicts.get(cycle)
                return said is not finding.previous or (finding.ticket, cycle) in self._corrected
            case _:
                return True


def _is_given(finding: ThresholdReached, state: TicketState) -> bool:
    escalation = state.escalation
    if escalation is None:
        return True
    cycle, mark = Cycle(finding.clock, finding.cycle), Mark(finding.clock, finding.cycle, finding.percent)
    if finding.clock is ClockName.CONFIRMATION:
        over = finding.cycle != escalation.proposals or not escalation.is_proposed
        return over or mark in escalation.given or call_mark(escalation) in escalation.given
    if finding.percent == 100 and cycle in escalation.verdicts:
        return cycle not in escalation.unverified
    return mark in escalation.given

"""First response and acceptance, the clocks that never pause, worked out once more from policy and calendar alone."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from msgspec.structs import replace

from ops.verify.evidence import Check, Moment, Piece, Reference, Seen, Step, Violation
from ops.verify.promises import named
from ops.verify.streams import Streams
from policy.working_time import add_working_time, calendar_for, due_at, seconds_of
from schemas import escalations as ev
from schemas.context import NO_CONTEXT
from schemas.escalations import EscalationEvent, SlaRecord
from schemas.ids import PolicyVersion
from schemas.message import DRAFT
from schemas.vocabulary import ClockName, Severity, Verdict
from services.router.domain.state import Cycle, TicketState
from wire.reference_data import PolicyNotKnownError


@dataclass(slots=True)
class _Told:
    """What the log tells of the two clocks that never pause."""

    policy_version: str
    severity: Severity
    calendar: str | None
    started_at: datetime
    openings: dict[int, datetime]
    assignments: dict[int, datetime] = field(default_factory=dict)
    accepted: dict[int, datetime] = field(default_factory=dict)
    contacts: dict[str, datetime] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    brought: set[datetime] = field(default_factory=set)
    """When first responses are due that came with a merge."""
    records: list[tuple[str, SlaRecord]] = field(default_factory=list)
    last_at: datetime | None = None
    targets_changed: bool = False


class FirstResponseAndAcceptance(Check):
    """See `promise`."""

    name = "first answers"
    promise = "first response and acceptance are due when policy and calendar say, and kept where answered by then"

    def __init__(self, streams: Streams, reference: Reference) -> None:
        super().__init__()
        self._streams = streams
        self._reference = reference
        self._told: dict[str, _Told] = {}

    def take(self, piece: Piece) -> None:
        """Remember when something began, who answered, and what was recorded."""
        if not isinstance(piece, Step) or not isinstance(piece.event, EscalationEvent):
            return
        event = piece.event
        if isinstance(event, ev.EscalationOpened):
            self._told[event.escalation.ticket] = _opened(event)
        told = self._told.get(event.escalation.ticket)
        if told is not None:
            told.last_at = piece.seen.written_at
            _follow(told, piece.seen, event)

    def violations(self, moment: Moment) -> Iterator[Violation]:
        """Yield records with another due time, and verdicts that the answers on the log refute."""
        del moment
        for ticket, told in self._told.items():
            stream = self._streams.by_ticket[ticket]
            if told.targets_changed or stream.is_broken:
                continue
            for place, record in told.records:
                self.looked_at += 1
                due = self._due_at(told, record)
                if due is not None and record.due_at not in (due, *told.brought):
                    yield Violation(f"{ticket} at {place}", f"{named(record)} names another due time than the policy")
            yield from self._refuted(ticket, told, stream.state)

    def _refuted(self, ticket: str, told: _Told, state: TicketState) -> Iterator[Violation]:
        """Yield verdicts in force that the answer on the log refutes; a correction may be on its way."""
        verdicts = {} if state.escalation is None else state.escalation.verdicts
        dues = {Cycle(record.clock, record.cycle): record.due_at for _, record in told.records}
        for cycle, verdict in verdicts.items():
            if cycle not in dues or cycle.clock not in (ClockName.FIRST_RESPONSE, ClockName.ACCEPTANCE):
                continue
            name, answered_at = f"{cycle.clock} {cycle.number}", _answered_at(told, cycle)
            in_time = answered_at is not None and answered_at <= dues[cycle]
            if in_time and verdict is Verdict.BROKEN:
                yield Violation(
                    ticket, f"{cycle.clock} {cycle.number} was answered in time and is broken", told.last_at
                )
            unanswered = answered_at is None and cycle.clock is ClockName.FIRST_RESPONSE
            if unanswered and verdict is Verdict.KEPT:
                yield Violation(ticket, f"{name} was not answered and is kept", told.last_at)

    def _due_at(self, told: _Told, record: SlaRecord) -> datetime | None:
        """Return when the policy has it fall due; None for the clocks that pause, or where it cannot be told."""
        try:
            policy = self._reference.policies.get(PolicyVersion(told.policy_version)).on_calendar(told.calendar)
        except PolicyNotKnownError:
            return None
        promises = policy.severities[told.severity]
        target = promises.first_response
        calendar = calendar_for(target, policy.calendar_of(told.severity))
        if record.clock is ClockName.FIRST_RESPONSE and record.cycle in told.openings:
            return due_at(calendar, told.openings[record.cycle], target)
        if record.clock is ClockName.ACCEPTANCE and record.cycle in told.assignments:
            whole = timedelta(seconds=seconds_of(target, calendar, told.started_at))
            return add_working_time(calendar, told.assignments[record.cycle], whole * promises.acceptance_share)
        return None


def _opened(event: ev.EscalationOpened) -> _Told:
    now = event.escalation
    version = event.meta.policy_version or ""
    return _Told(version, now.severity, now.calendar, now.started_at, openings={1: now.started_at})


def _follow(told: _Told, seen: Seen, event: EscalationEvent) -> None:
    at = event.meta.occurred_at
    match event:
        case ev.EscalationReopened() | ev.MergeAbsorbed():
            _begin(told, event)
        case ev.OwnerAssigned():
            told.assignments[event.cycle] = at
        case ev.EscalationAccepted():
            told.accepted[event.cycle] = at
        case ev.CustomerInformed() if not event.automatic:
            told.contacts[event.meta.id] = at
        case ev.NoticeFailed(contact_id=str(lost)):
            told.contacts.pop(lost, None)
        case ev.EscalationReclassified() | ev.PolicyAdopted():
            told.targets_changed = told.targets_changed or _changes_targets(event)
        case ev.SlaRecord():
            # Meta and context are the larger part of it, and not looked at.
            told.records.append((seen.place, replace(event, meta=DRAFT, escalation=NO_CONTEXT)))
        case _:
            pass


def _changes_targets(event: ev.EscalationReclassified | ev.PolicyAdopted) -> bool:
    return isinstance(event, ev.PolicyAdopted) or event.previous_severity is not event.escalation.severity


def _begin(told: _Told, event: ev.EscalationReopened | ev.MergeAbsorbed) -> None:
    """Note a first-response cycle that begins; one that waits for an answer already may have come with a merge."""
    if event.opening:
        told.openings[event.opening] = event.meta.occurred_at
    if isinstance(event, ev.MergeAbsorbed):
        told.brought |= {one.due_at for one in event.promises if one.clock is ClockName.FIRST_RESPONSE}


def _answered_at(told: _Told, cycle: Cycle) -> datetime | None:
    if cycle.clock is ClockName.ACCEPTANCE:
        return told.accepted.get(cycle.number)
    began = told.openings.get(cycle.number)
    return None if began is None else min((at for at in told.contacts.values() if at >= began), default=None)

"""What the router knows of a ticket: the fold of its stream. Immutable; only `evolve` makes the next one."""

from datetime import datetime
from typing import NamedTuple

import msgspec

from schemas.classifications import Judgement, TicketSummary
from schemas.context import NO_CONTEXT, EscalationContext
from schemas.ids import TicketKey
from schemas.vocabulary import ClockName, EscalationState, IssueType, Reason, RecordPart, Severity, Verdict
from services.router.domain.course import Course
from services.router.domain.prevention import Actions


class Cycle(NamedTuple):
    """One run of a clock."""

    clock: ClockName
    number: int


class Mark(NamedTuple):
    """A threshold of a cycle; what was given is never given again."""

    clock: ClockName
    number: int
    percent: int


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody became owner; `cycle` counts from 1 and is the acceptance clock's."""

    cycle: int
    owner: str
    assigned_at: datetime


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket that does not qualify but whose own front-line SLA may run out."""

    judgement: Judgement
    ticket: TicketSummary
    started_at: datetime
    due_at: datetime
    policy_version: str | None


class Classification(msgspec.Struct, frozen=True, kw_only=True):
    """Where severity and type come from: the last verdict on record, the highest one, and whether a person spoke."""

    severity: Severity
    type: IssueType
    highest: Severity
    by_person: bool = False


class Escalation(msgspec.Struct, frozen=True, kw_only=True):
    """An escalation as it is after the last event."""

    context: EscalationContext
    policy_version: str | None
    classification: Classification
    reasons: tuple[Reason, ...] = ()
    opening: int = 1
    assignments: tuple[Assignment, ...] = ()
    asked: tuple[str, ...] = ()
    """Who was asked to accept in this round; a round begins wherever an owner is not the answer to silence."""
    accepted: frozenset[int] = frozenset()
    """Assignments whose owner has acted."""
    acknowledged_cycle: int = 0
    """The last assignment that was accepted explicitly."""
    proposals: int = 0
    proposed_at: datetime | None = None
    confirmed: bool = False
    confirmation_request_id: str | None = None
    """The message to the customer that the last proposal was."""
    closed_at: datetime | None = None
    ended: bool = False
    """Merged or deleted: nothing brings it back."""
    category: str | None = None
    recorded: frozenset[RecordPart] = frozenset()
    given: frozenset[Mark] = frozenset()
    verdicts: dict[Cycle, Verdict] = {}
    unverified: frozenset[Cycle] = frozenset()
    """Cycles that were called broken without having seen all that could refute it."""
    corrected: dict[Cycle, int] = {}
    """Version of the last correction of a cycle: one computed before it is a repeat."""
    opened_as: EscalationContext = NO_CONTEXT
    """As it was when it opened, which chooses its calendar."""
    course: Course = Course()
    actions: Actions = {}

    @property
    def owner(self) -> str:
        """Roster key of the one owner."""
        return self.context.owner

    @property
    def state(self) -> EscalationState:
        """Where it is in its life."""
        return self.context.state

    @property
    def is_closed(self) -> bool:
        """Tell whether it is over, until it is reopened."""
        return self.context.state is EscalationState.CLOSED

    @property
    def is_proposed(self) -> bool:
        """Tell whether the customer is being asked."""
        return self.context.state is EscalationState.RESOLUTION_PROPOSED

    @property
    def cycle(self) -> int:
        """Number of the present assignment."""
        return self.assignments[-1].cycle if self.assignments else 0

    @property
    def is_accepted(self) -> bool:
        """Tell whether the present owner has acted."""
        return self.cycle in self.accepted

    def assignment_at(self, instant: datetime) -> Assignment | None:
        """Return the assignment in force then; the first one where the instant lies before it."""
        held = [each for each in self.assignments if each.assigned_at <= instant]
        return held[-1] if held else next(iter(self.assignments), None)

    def owner_at(self, cycle: Cycle, instant: datetime) -> str:
        """Return who owned it then; the asked one, for an acceptance clock."""
        if cycle.clock is ClockName.ACCEPTANCE:
            asked = next((each for each in self.assignments if each.cycle == cycle.number), None)
        else:
            asked = self.assignment_at(instant)
        return self.owner if asked is None else asked.owner


class TicketState(msgspec.Struct, frozen=True, kw_only=True):
    """All the router knows of a ticket; `version` counts the events of its stream."""

    ticket: TicketKey
    version: int = 0
    clock_version: int = 0
    """Version of the last event that moved clocks: what was computed before it is dropped."""
    applied: frozenset[str] = frozenset()
    """Ids of the messages that were applied, also to no effect: a repeat is dropped before anything is decided."""
    watch: Watch | None = None
    escalation: Escalation | None = None

"""One small state machine a clock: each is told every fact once, in the order of what happened, and leaves cycles."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from policy.pauses import PauseCause, Pauses
from schemas.vocabulary import ClockName, Severity
from services.auditor.domain.aftercare import PreventiveAction, Review
from services.auditor.domain.case import Case, Fact, Happening, Rule
from services.auditor.domain.rounds import Cycle, Machine, begin, unended

PausesUnder = Callable[[Rule, Severity], Pauses]
"""What clocks stand for by what is held to and the severity."""


def _is_heard(fact: Fact, *, void: bool) -> bool:
    return fact.what in {Happening.CONTACT, Happening.PROPOSED} and not void


@dataclass(slots=True)
class Acceptance:
    """From each assignment to the owner's act; the next assignment, a proposal or the close end it, too."""

    cycles: list[Cycle] = field(default_factory=list)
    early: dict[int, Fact] = field(default_factory=dict)
    """Acts that happened before their assignment was decided."""

    def tell(self, fact: Fact, *, void: bool) -> None:  # noqa: ARG002  a proposal is one, also where nobody hears it
        """Take the next fact."""
        if fact.what is Happening.ACCEPTED:
            mine = [cycle for cycle in unended(self.cycles) if cycle.number == fact.number]
            for cycle in mine:
                cycle.end(fact, answered=True)
            if not mine:
                self.early[fact.number] = fact
        elif fact.what in {Happening.ASSIGNED, Happening.PROPOSED, Happening.CLOSED}:
            for cycle in unended(self.cycles):
                cycle.end(fact, answered=fact.what is Happening.PROPOSED and fact.marked)
        if fact.what is Happening.ASSIGNED:
            begun = begin(ClockName.ACCEPTANCE, fact.number, fact.at)
            begun.last_in_chain = fact.marked
            if fact.number in self.early:
                begun.end(self.early[fact.number], answered=True)
            self.cycles.append(begun)


@dataclass(slots=True)
class FirstResponse:
    """From the start, and each reopening, to the first message of a person from then on."""

    cycles: list[Cycle]

    def tell(self, fact: Fact, *, void: bool) -> None:
        """Take the next fact."""
        if fact.what is Happening.CLOSED or _is_heard(fact, void=void):
            for cycle in unended(self.cycles):
                if fact.at >= cycle.started_at:
                    cycle.end(fact, answered=fact.what is not Happening.CLOSED)
        elif fact.what is Happening.REOPENED:
            self.cycles.append(begin(ClockName.FIRST_RESPONSE, fact.opening, fact.at))


@dataclass(slots=True)
class Waiting:
    """What the customer is waited on for, and whether all is over; by what is in force, clocks stand for that."""

    rule: Rule
    severity: Severity
    pauses: PausesUnder
    proposed: bool = False
    asked: bool = False
    over: bool = False

    def tell(self, fact: Fact, *, void: bool) -> None:
        """Take the next fact; a message that is no question, or an assignment, ends no waiting."""
        match fact.what:
            case Happening.CONTACT:
                self.asked = self.asked or (fact.question and not void and not self.over)
            case Happening.REPLIED:
                self.asked = False
            case Happening.PROPOSED | Happening.REJECTED:
                self.proposed, self.asked = fact.what is Happening.PROPOSED, False
            case Happening.CONFIRMED | Happening.CLOSED | Happening.REOPENED:
                self.proposed, self.asked, self.over = False, False, fact.what is not Happening.REOPENED
            case Happening.SEVERITY if fact.severity is not None:
                self.severity = fact.severity
            case Happening.ADOPTED if fact.rule is not None:
                self.rule = fact.rule
            case _:
                pass

    def stands(self, clock: ClockName) -> bool:
        """Tell whether the clock of the resolution, or of updates, stands."""
        allowed = self.pauses(self.rule, self.severity)
        causes = allowed.resolution if clock is ClockName.RESOLUTION else allowed.update
        proposed = self.proposed and PauseCause.PROPOSED_RESOLUTION in causes
        return self.over or proposed or (self.asked and PauseCause.QUESTION in causes)

    def move(self, cycle: Cycle, at: datetime) -> None:
        """Have a cycle stand or run from then on."""
        if self.stands(cycle.clock):
            cycle.stop(at)
        else:
            cycle.go_on(at)


@dataclass(slots=True)
class Update:
    """From one message to the next; none runs from a proposal, or the close, to a rejection or reopening."""

    cycles: list[Cycle]
    waiting: Waiting
    requested_at: datetime | None = None

    def tell(self, fact: Fact, *, void: bool) -> None:
        """Take the next fact; a proposal at the instant of its request is no second message."""
        self.waiting.tell(fact, void=void)
        running = next(unended(self.cycles), None)
        ends = fact.what in {Happening.PROPOSED, Happening.CLOSED} or _is_heard(fact, void=void)
        if running is None:
            if fact.what in {Happening.REJECTED, Happening.REOPENED}:
                self.cycles.append(begin(ClockName.UPDATE, fact.number, fact.at))
        elif ends:
            same_message = fact.what is Happening.PROPOSED and fact.at == self.requested_at
            running.end(fact, answered=_is_heard(fact, void=void) and not same_message)
            if fact.what is Happening.CONTACT:
                self.cycles.append(begin(ClockName.UPDATE, fact.number, fact.at))
                self.requested_at = fact.at if fact.marked else self.requested_at
        for cycle in unended(self.cycles):
            self.waiting.move(cycle, fact.at)


@dataclass(slots=True)
class Resolution:
    """From the start to the confirmation or the close; it stands for what the policy says, and while it is closed.

    A reopening goes on with the time that was used, as a cycle of its own.
    """

    cycles: list[Cycle]
    waiting: Waiting

    def tell(self, fact: Fact, *, void: bool) -> None:
        """Take the next fact."""
        self.waiting.tell(fact, void=void)
        last = self.cycles[-1]
        if fact.what is Happening.REOPENED:
            if last.ended_at is None:
                self.cycles.pop()
            last = Cycle(ClockName.RESOLUTION, fact.opening, list(last.ran))
            self.cycles.append(last)
        if last.ended_at is None:
            self.waiting.move(last, fact.at)
            if fact.what in {Happening.CONFIRMED, Happening.CLOSED}:
                last.end(fact, answered=True)


@dataclass(slots=True)
class NextReply:
    """From the oldest unanswered message of the customer to the next of a person; a close ends it unanswered."""

    cycles: list[Cycle] = field(default_factory=list)
    closed: bool = False

    def tell(self, fact: Fact, *, void: bool) -> None:
        """Take the next fact; a further message changes the number at most, to the lowest."""
        if fact.what in {Happening.CLOSED, Happening.REOPENED}:
            self.closed = fact.what is Happening.CLOSED
        running = next(unended(self.cycles), None)
        answered = _is_heard(fact, void=void)
        if running is not None and (answered or fact.what in {Happening.CONFIRMED, Happening.CLOSED}):
            running.end(fact, answered=answered)
        elif fact.reply and not self.closed:
            if running is None:
                self.cycles.append(begin(ClockName.NEXT_REPLY, fact.reply, fact.at))
            else:
                running.number = min(running.number, fact.reply)


@dataclass(slots=True)
class Confirmation:
    """From each proposal to the customer's answer, or the close; it has no verdict."""

    cycles: list[Cycle] = field(default_factory=list)

    def tell(self, fact: Fact, *, void: bool) -> None:  # noqa: ARG002  who did not get it is asked again
        """Take the next fact."""
        if fact.what in {Happening.CONFIRMED, Happening.REJECTED, Happening.CLOSED}:
            for cycle in unended(self.cycles):
                cycle.end(fact, answered=False)
        elif fact.what is Happening.PROPOSED:
            self.cycles.append(begin(ClockName.CONFIRMATION, fact.number, fact.at))


@dataclass(slots=True)
class Promise:
    """From a message that names a time to the next message."""

    cycles: list[Cycle] = field(default_factory=list)

    def tell(self, fact: Fact, *, void: bool) -> None:
        """Take the next fact."""
        if fact.what is Happening.CLOSED or _is_heard(fact, void=void):
            for cycle in unended(self.cycles):
                cycle.end(fact, answered=fact.what is not Happening.CLOSED)
        if fact.what is Happening.CONTACT and not void and fact.next_at is not None and fact.next_at > fact.at:
            begun = begin(ClockName.PROMISE, fact.number, fact.at)
            begun.promised_at = fact.next_at
            self.cycles.append(begun)


def cycles_known(case: Case, version: int, pauses: PausesUnder) -> list[Cycle]:
    """Return every cycle there was or is, as far as was known before the event of that version."""
    assert case.severity is not None  # noqa: S101  only escalations have cycles
    machines: tuple[Machine, ...] = (
        Acceptance(),
        FirstResponse([begin(ClockName.FIRST_RESPONSE, 1, case.started_at)]),
        Update([begin(ClockName.UPDATE, 1, case.started_at)], Waiting(case.rule, case.severity, pauses)),
        Resolution([begin(ClockName.RESOLUTION, 1, case.started_at)], Waiting(case.rule, case.severity, pauses)),
        Confirmation(),
        Promise(),
        NextReply(),
        Review(),
        PreventiveAction(),
    )
    for fact in case.facts:
        if fact.version < version:
            void = 0 < fact.void_from < version
            for machine in machines:
                machine.tell(fact, void=void)
    return [cycle for machine in machines for cycle in machine.cycles]

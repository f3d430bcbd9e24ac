"""One small state machine a clock: each is told every fact once, in the order of what happened, and leaves cycles."""

from dataclasses import dataclass, field
from datetime import datetime

from schemas.vocabulary import ClockName
from services.auditor.domain.aftercare import PreventiveAction, Review
from services.auditor.domain.case import Case, Fact, Happening, Merge
from services.auditor.domain.rounds import Cycle, Machine, begin, unended
from services.auditor.domain.waiting import PausesUnder, Waiting


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
    """From the start, each reopening, and a merge that finds it given, to the first message of a person since."""

    cycles: list[Cycle]

    def tell(self, fact: Fact, *, void: bool) -> None:
        """Take the next fact."""
        if fact.what is Happening.CLOSED or _is_heard(fact, void=void):
            for cycle in unended(self.cycles):
                if fact.at >= cycle.started_at:
                    cycle.end(fact, answered=fact.what is not Happening.CLOSED)
        elif fact.what in {Happening.REOPENED, Happening.ABSORBED} and fact.opening:
            self.cycles.append(begin(ClockName.FIRST_RESPONSE, fact.opening, fact.at))
            self.cycles[-1].bring(fact, replaces=True)
        else:
            for cycle in unended(self.cycles):
                cycle.bring(fact)


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
            cycle.bring(fact)


@dataclass(slots=True)
class Resolution:
    """From the start to the confirmation or the close; it stands for what the policy says, and while it is closed.

    A reopening goes on with the time that was used, and with what was ever brought, as a cycle of its own.
    """

    cycles: list[Cycle]
    waiting: Waiting
    merges: list[Fact] = field(default_factory=list)

    def tell(self, fact: Fact, *, void: bool) -> None:
        """Take the next fact."""
        self.waiting.tell(fact, void=void)
        last = self.cycles[-1]
        if fact.merge is not None:
            self.merges.append(fact)
        if fact.what is Happening.REOPENED:
            if last.ended_at is None:
                self.cycles.pop()
            last = Cycle(ClockName.RESOLUTION, fact.opening, list(last.ran))
            self.cycles.append(last)
            for merge in self.merges:
                last.bring(merge)
        if last.ended_at is None:
            last.bring(fact)
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
        for cycle in unended(self.cycles):
            cycle.bring(fact, replaces=fact.merge is not None and cycle.number == fact.reply)


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
    """From a message that names a time, or a merge that brings one where none runs, to the next message."""

    cycles: list[Cycle] = field(default_factory=list)

    def tell(self, fact: Fact, *, void: bool) -> None:
        """Take the next fact."""
        if fact.what is Happening.CLOSED or _is_heard(fact, void=void):
            for cycle in unended(self.cycles):
                cycle.end(fact, answered=fact.what is not Happening.CLOSED)
        if fact.what is Happening.CONTACT and not void and fact.next_at is not None and fact.next_at > fact.at:
            self._begin(fact, fact.next_at)
        elif fact.merge is not None:
            self._take_over(fact, fact.merge)

    def _take_over(self, fact: Fact, merge: Merge) -> None:
        running, brought = list(unended(self.cycles)), merge.of(ClockName.PROMISE)
        if brought is not None and not running:
            running = [self._begin(fact, brought.due_at)]
        for cycle in running:
            cycle.bring(fact, replaces=cycle.number == fact.number)

    def _begin(self, fact: Fact, promised_at: datetime) -> Cycle:
        begun = begin(ClockName.PROMISE, fact.number, fact.at)
        begun.promised_at = promised_at
        self.cycles.append(begun)
        return begun


def cycles_known(case: Case, version: int, pauses: PausesUnder) -> list[Cycle]:
    """Return every cycle there was or is, as far as was known before the event of that version."""
    assert case.severity is not None  # noqa: S101  only escalations have cycles
    known = [fact for fact in case.facts if fact.version < version]
    opened_by = (fact.at for fact in known if fact.merge is not None and fact.merge.alone)
    since = next(opened_by, case.started_at)
    machines: tuple[Machine, ...] = (
        Acceptance(),
        FirstResponse([begin(ClockName.FIRST_RESPONSE, 1, since)]),
        Update([begin(ClockName.UPDATE, 1, since)], Waiting(case.rule, case.severity, pauses)),
        Resolution([begin(ClockName.RESOLUTION, 1, since)], Waiting(case.rule, case.severity, pauses)),
        Confirmation(),
        Promise(),
        NextReply(),
        Review(),
        PreventiveAction(),
    )
    for fact in known:
        void = 0 < fact.void_from < version
        for machine in machines:
            machine.tell(fact, void=void)
    return [cycle for machine in machines for cycle in machine.cycles]

"""One small state machine a clock: each is told every fact once, in the order of what happened, and leaves cycles."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from schemas.vocabulary import ClockName
from services.auditor.domain.case import Case, Fact, Happening


@dataclass(slots=True)
class Cycle:
    """A round of a clock: when it ran (the last stretch open while it runs), how it ended.

    `answered`: by the act that was promised. `ended_by`: the version of what ended it.
    """

    clock: ClockName
    number: int
    ran: list[tuple[datetime, datetime | None]]
    ended_at: datetime | None = None
    ended_by: int = 0
    answered: bool = False
    last_in_chain: bool = False
    promised_at: datetime | None = None

    @property
    def started_at(self) -> datetime:
        """When it began."""
        return self.ran[0][0]

    def stop(self, at: datetime) -> None:
        """Have it stand still from then on; one that stands already goes on standing."""
        since, until = self.ran[-1]
        if until is None:
            self.ran[-1] = (since, max(since, at))

    def go_on(self, at: datetime) -> None:
        """Have it run again from then on; one that runs goes on running."""
        if self.ran[-1][1] is not None:
            self.ran.append((at, None))

    def end(self, by: Fact, *, answered: bool) -> None:
        """End it."""
        self.stop(by.at)
        self.ended_at = max(by.at, self.started_at)
        self.ended_by = by.version
        self.answered = answered


class Machine(Protocol):
    """A clock."""

    cycles: list[Cycle]

    def tell(self, fact: Fact, *, void: bool) -> None:
        """Take the next fact; `void`: it is a message that never arrived."""
        ...


def _begun(clock: ClockName, number: int, at: datetime) -> Cycle:
    return Cycle(clock, number, [(at, None)])


def _running(cycles: Iterable[Cycle]) -> Iterator[Cycle]:
    return (cycle for cycle in cycles if cycle.ended_at is None)


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
            mine = [cycle for cycle in _running(self.cycles) if cycle.number == fact.number]
            for cycle in mine:
                cycle.end(fact, answered=True)
            if not mine:
                self.early[fact.number] = fact
        elif fact.what in {Happening.ASSIGNED, Happening.PROPOSED, Happening.CLOSED}:
            for cycle in _running(self.cycles):
                cycle.end(fact, answered=fact.what is Happening.PROPOSED and fact.marked)
        if fact.what is Happening.ASSIGNED:
            begun = _begun(ClockName.ACCEPTANCE, fact.number, fact.at)
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
            for cycle in _running(self.cycles):
                if fact.at >= cycle.started_at:
                    cycle.end(fact, answered=fact.what is not Happening.CLOSED)
        elif fact.what is Happening.REOPENED:
            self.cycles.append(_begun(ClockName.FIRST_RESPONSE, fact.opening, fact.at))


@dataclass(slots=True)
class Update:
    """From one message to the next; it stands from a proposal, or the close, to a rejection or reopening."""

    cycles: list[Cycle]
    requested_at: datetime | None = None

    def tell(self, fact: Fact, *, void: bool) -> None:
        """Take the next fact; a proposal at the instant of its request is no second message."""
        running = next(_running(self.cycles), None)
        ends = fact.what in {Happening.PROPOSED, Happening.CLOSED} or _is_heard(fact, void=void)
        if running is None:
            if fact.what in {Happening.REJECTED, Happening.REOPENED}:
                self.cycles.append(_begun(ClockName.UPDATE, fact.number, fact.at))
        elif ends:
            same_message = fact.what is Happening.PROPOSED and fact.at == self.requested_at
            running.end(fact, answered=_is_heard(fact, void=void) and not same_message)
            if fact.what is Happening.CONTACT:
                self.cycles.append(_begun(ClockName.UPDATE, fact.number, fact.at))
                self.requested_at = fact.at if fact.marked else self.requested_at


@dataclass(slots=True)
class Resolution:
    """From the start to the confirmation or the close; it stands while the customer is asked, and while it is closed.

    A reopening goes on with the time that was used, as a cycle of its own.
    """

    cycles: list[Cycle]

    def tell(self, fact: Fact, *, void: bool) -> None:  # noqa: ARG002  the customer was asked, the clock stands
        """Take the next fact."""
        last = self.cycles[-1]
        match fact.what:
            case Happening.REOPENED:
                again = Cycle(ClockName.RESOLUTION, fact.opening, list(last.ran))
                again.go_on(fact.at)
                if last.ended_at is None:
                    self.cycles[-1] = again
                else:
                    self.cycles.append(again)
            case Happening.PROPOSED:
                last.stop(fact.at)
            case Happening.REJECTED if last.ended_at is None:
                last.go_on(fact.at)
            case Happening.CONFIRMED | Happening.CLOSED if last.ended_at is None:
                last.end(fact, answered=True)
            case _:
                pass


@dataclass(slots=True)
class Confirmation:
    """From each proposal to the customer's answer, or the close; it has no verdict."""

    cycles: list[Cycle] = field(default_factory=list)

    def tell(self, fact: Fact, *, void: bool) -> None:  # noqa: ARG002  who did not get it is asked again
        """Take the next fact."""
        if fact.what in {Happening.CONFIRMED, Happening.REJECTED, Happening.CLOSED}:
            for cycle in _running(self.cycles):
                cycle.end(fact, answered=False)
        elif fact.what is Happening.PROPOSED:
            self.cycles.append(_begun(ClockName.CONFIRMATION, fact.number, fact.at))


@dataclass(slots=True)
class Promise:
    """From a message that names a time to the next message."""

    cycles: list[Cycle] = field(default_factory=list)

    def tell(self, fact: Fact, *, void: bool) -> None:
        """Take the next fact."""
        if fact.what is Happening.CLOSED or _is_heard(fact, void=void):
            for cycle in _running(self.cycles):
                cycle.end(fact, answered=fact.what is not Happening.CLOSED)
        if fact.what is Happening.CONTACT and not void and fact.next_at is not None and fact.next_at > fact.at:
            begun = _begun(ClockName.PROMISE, fact.number, fact.at)
            begun.promised_at = fact.next_at
            self.cycles.append(begun)


def cycles_known(case: Case, version: int) -> list[Cycle]:
    """Return every cycle there was or is, as far as was known before the event of that version."""
    machines: tuple[Machine, ...] = (
        Acceptance(),
        FirstResponse([_begun(ClockName.FIRST_RESPONSE, 1, case.started_at)]),
        Update([_begun(ClockName.UPDATE, 1, case.started_at)]),
        Resolution([_begun(ClockName.RESOLUTION, 1, case.started_at)]),
        Confirmation(),
        Promise(),
    )
    for fact in case.facts:
        if fact.version < version:
            void = 0 < fact.void_from < version
            for machine in machines:
                machine.tell(fact, void=void)
    return [cycle for machine in machines for cycle in machine.cycles]

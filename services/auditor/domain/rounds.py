"""A cycle, what a machine that leaves cycles must be able to do, and what all machines do with theirs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from schemas.vocabulary import ClockName
from services.auditor.domain.case import Fact, HandedOn

Stretch = tuple[datetime, datetime | None]
"""From when until when something ran; None while it does."""


class Brought(NamedTuple):
    """What a merge brought while a cycle ran, by the event of that version; None: that nothing is promised.

    `replaces`: it takes the place of what the policy promises; otherwise what falls due first holds. `opened`: the
    escalation was opened with it.
    """

    at: datetime
    version: int
    promise: HandedOn | None
    replaces: bool
    opened: bool


@dataclass(slots=True)
class Cycle:
    """A round of a clock: when it ran (the last stretch open while it runs), how it ended.

    `answered`: by the act that was promised. `ended_by`: the version of what ended it.
    """

    clock: ClockName
    number: int
    ran: list[Stretch]
    ended_at: datetime | None = None
    ended_by: int = 0
    answered: bool = False
    last_in_chain: bool = False
    promised_at: datetime | None = None
    brought: list[Brought] = field(default_factory=list)

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

    def bring(self, fact: Fact, *, replaces: bool = False) -> None:
        """Have it run by what a merge brought, too."""
        if fact.merge is None:
            return
        promise = fact.merge.of(self.clock)
        if promise is not None or fact.merge.alone:
            opened = fact.merge.alone
            self.brought.append(Brought(fact.at, fact.version, promise, replaces or opened, opened))

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


def begin(clock: ClockName, number: int, at: datetime) -> Cycle:
    """Return a cycle that begins."""
    return Cycle(clock, number, [(at, None)])


def unended(cycles: Iterable[Cycle]) -> Iterator[Cycle]:
    """Return those that have not ended."""
    return (cycle for cycle in cycles if cycle.ended_at is None)

"""The clocks of an escalation, and what merges brought to them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

Name = Literal["acceptance", "first_response", "update", "resolution", "confirmation", "promise", "next_reply"]
WITH_CHANNEL = ("P1", "P2")
Runs = list[tuple[datetime, datetime | None]]


@dataclass(frozen=True)
class Handed:
    """What a ticket that was merged into another had promised: `told` is the share that its owner was told of."""

    name: Name
    since: datetime
    due: datetime
    severity: str
    told: int


@dataclass(frozen=True)
class Brought:
    """What a merge brought to a clock; None: that nothing was left. `alone`: in the place of its own promise.

    `opened`: the ticket was opened by it, so it is the ticket's own.
    """

    at: datetime
    handed: Handed | None
    alone: bool = False
    opened: bool = False


@dataclass
class Clock:
    """A cycle of a clock. `said` is the highest percentage that was; `runs` are from, until (None: still)."""

    name: Name
    runs: Runs
    last_in_chain: bool = False
    promised: timedelta | None = None
    said: int = 0
    broken: bool = False
    over: bool = False
    brought: list[Brought] = field(default_factory=list)

    def stop(self, at: datetime) -> None:
        """Let no time pass from now on."""
        since, until = self.runs[-1]
        if until is None:
            self.runs[-1] = (since, at)

    def resume(self, at: datetime) -> None:
        """Let time pass again."""
        if self.runs[-1][1] is not None:
            self.runs.append((at, None))

    def percents(self) -> tuple[int, ...]:
        """Return the shares at which something is said."""
        if self.name == "acceptance":
            return (50, 100, 200, 300) if self.last_in_chain else (50, 100)
        if self.name == "confirmation":
            return (100, 200, 300, 400)
        return (50, 75, 90, 100)

"""What is promised by severity, and how far a clock is along its target."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from tests.acceptance.model.hours import Hours
from tests.acceptance.model.promises import Promises, Target

Name = Literal["acceptance", "first_response", "update", "resolution", "confirmation", "promise", "next_reply"]
ELAPSED = Hours(None)
WITH_CHANNEL = ("P1", "P2")


@dataclass
class Clock:
    """A cycle of a clock. `said` is the highest percentage that was; `runs` are from, until (None: still)."""

    name: Name
    runs: list[tuple[datetime, datetime | None]]
    last_in_chain: bool = False
    promised: timedelta | None = None
    said: int = 0
    broken: bool = False
    over: bool = False

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


@dataclass(frozen=True)
class Ruler:
    """Measures clocks by a severity; `start` is the escalation's."""

    severity: str
    calendar: Hours
    start: datetime
    policy: Promises

    def reached(self, clock: Clock, percent: int) -> datetime | None:
        """Return when the share is used up, None where it is not before the clock stops, or nothing is promised."""
        total = self._total(clock)
        if total is None:
            return None
        hours, needed = self._hours(clock), total * percent / 100
        for number, (since, until) in enumerate(clock.runs):
            days = self._target(clock)
            if number == 0 and isinstance(days, int) and clock.name != "acceptance" and percent % 100 == 0:
                at = hours.business_days(since, days * (percent // 100))
            else:
                at = hours.after(since, needed)
            if until is None or at < until:
                return at
            needed = max(needed - hours.worked(since, until), timedelta(0))
        return None

    def promises(self, clock: Clock) -> bool:
        """Tell whether the severity promises anything of this kind."""
        return self._target(clock) is not None

    def _target(self, clock: Clock) -> Target | None:
        if clock.promised is not None:
            return clock.promised
        return self.policy.target(self.severity, "first_response" if clock.name == "acceptance" else clock.name)

    def _hours(self, clock: Clock) -> Hours:
        is_elapsed = clock.promised is not None or self.policy.is_around_the_clock(self.severity, clock.name)
        return ELAPSED if is_elapsed else self.calendar

    def _total(self, clock: Clock) -> timedelta | None:
        target = self._target(clock)
        if isinstance(target, int):
            since = self.start if clock.name == "acceptance" else clock.runs[0][0]
            hours = self._hours(clock)
            target = hours.worked(since, hours.business_days(since, target))
        if target is None:
            return None
        return target / 2 if clock.name == "acceptance" else target

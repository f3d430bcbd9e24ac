"""How far a clock is along what is promised: by its severity, or by what came with a merge and is stricter."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tests.acceptance.model.clocks import Brought, Clock, Handed, Name, Runs
from tests.acceptance.model.hours import Hours
from tests.acceptance.model.promises import Promises, Target

ELAPSED = Hours(None)


@dataclass(frozen=True)
class Measure:
    """An amount of working time along stretches; `days` or `due` say when all of it is used up if it never stands.

    `told` is the share that the owner was told of it before a merge.
    """

    hours: Hours
    runs: Runs
    total: timedelta
    days: int | None = None
    due: datetime | None = None
    told: int = 0

    def reached(self, percent: int) -> datetime | None:
        """Return when the share is used up, None where it is not before the clock stops."""
        needed = self.total * percent / 100
        for number, (since, until) in enumerate(self.runs):
            unpaused = self._unpaused(percent) if number == 0 else None
            at = unpaused or self.hours.after(since, needed)
            if until is None or at < until:
                return at
            needed = max(needed - self.hours.worked(since, until), timedelta(0))
        return None

    def due_at(self) -> datetime:
        """Return when all is used up if the clock goes on where it stopped."""
        *before, (since, _) = self.runs
        at = replace(self, runs=[*before, (since, None)]).reached(100)
        assert at is not None
        return at

    def _unpaused(self, percent: int) -> datetime | None:
        if self.due is not None and percent == 100:
            return self.due
        if self.days is None or percent % 100:
            return None
        return self.hours.business_days(self.runs[0][0], self.days * (percent // 100))


def stricter(one: Measure | None, other: Measure | None) -> Measure | None:
    """Return the one that falls due first."""
    return min((measure for measure in (one, other) if measure is not None), key=Measure.due_at, default=None)


@dataclass(frozen=True)
class Ruler:
    """Measures clocks by a severity; `start` is the escalation's."""

    severity: str
    calendar: Hours
    start: datetime
    policy: Promises

    def reached(self, clock: Clock, percent: int) -> datetime | None:
        """Return when the share is used up, None where it is not before the clock stops, or nothing is promised."""
        measure = self.measure(clock)
        return None if measure is None else measure.reached(percent)

    def measure(self, clock: Clock) -> Measure | None:
        """Return what the clock is measured by: the stricter of what is promised; None where nothing is."""
        found = self._own(clock)
        for brought in clock.brought:
            theirs = None if brought.handed is None else self._as_brought(clock, brought, brought.handed)
            found = theirs if brought.alone else stricter(found, theirs)
        return found

    def _own(self, clock: Clock) -> Measure | None:
        if clock.promised is not None:
            return Measure(ELAPSED, clock.runs, clock.promised)
        if clock.name != "acceptance":
            return self._promised(clock.name, clock.runs)
        measure = self._promised("first_response", [(self.start, None)])
        return None if measure is None else Measure(measure.hours, clock.runs, measure.total / 2)

    def _promised(self, name: Name, runs: Runs) -> Measure | None:
        target, hours = self.policy.target(self.severity, name), self._hours(self.severity, name)
        return None if target is None else _along(hours, runs, target)

    def _hours(self, severity: str, name: Name) -> Hours:
        is_elapsed = name == "promise" or self.policy.is_around_the_clock(severity, name)
        return ELAPSED if is_elapsed else self.calendar

    def _as_brought(self, clock: Clock, brought: Brought, handed: Handed) -> Measure | None:
        """Return the promise as it was made, till the severity falls below it.

        What it ran before the merge counts, and of the clock's own stretches those since. What opened the ticket has
        the target of a severity that is raised since, too, from its start.
        """
        since = [(begins, ends) for begins, ends in clock.runs if ends is None or ends > brought.at]
        goes_on = bool(since) and since[0][0] <= brought.at
        runs: Runs = [(handed.since, since[0][1] if goes_on else brought.at), *since[goes_on:]]
        hours = self._hours(handed.severity, clock.name)
        total = hours.worked(handed.since, handed.due)
        as_made = Measure(hours, runs, total, due=handed.due, told=handed.told)
        if clock.name == "promise":
            return as_made
        anew = self._promised(clock.name, runs) if brought.alone else None
        anew = None if anew is None else replace(anew, told=handed.told)
        if self.severity > handed.severity:
            return anew
        return stricter(as_made, anew) if brought.opened and self.severity < handed.severity else as_made


def _along(hours: Hours, runs: Runs, target: Target) -> Measure:
    if isinstance(target, timedelta):
        return Measure(hours, runs, target)
    since = runs[0][0]
    return Measure(hours, runs, hours.worked(since, hours.business_days(since, target)), days=target)

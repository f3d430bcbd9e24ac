"""How far along a target a cycle is: when a share of it is used up, by working seconds, over pauses."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from policy.calendars import Calendar
from policy.model import Policy
from policy.targets import Measure, SeverityPolicy, Target
from policy.working_time import calendar_for, working_time_between
from schemas.vocabulary import ClockName, Severity
from services.sla_monitor.domain.remembered import add_working_time, due_at, seconds_of
from services.sla_monitor.domain.rounds import Cycle, Run

_WHOLE = 100


class Yardstick(msgspec.Struct, frozen=True, kw_only=True):
    """A target laid along a calendar from a start. `days` is set where it counts business days.

    `due` is when all of it is used up as long as the clock never paused, where that is known. `came_at` is set where it
    ran elsewhere until a merge then; `given` is the share that the owner was told of it there.
    """

    calendar: Calendar | None
    started_at: datetime
    total: timedelta
    days: Target | None = None
    due: datetime | None = None
    came_at: datetime | None = None
    given: int = 0

    def reached_at(self, runs: tuple[Run, ...], percent: int) -> datetime | None:
        """Return when that share was or will be used up; None where the clock stands before it is.

        What is used up at the very instant the clock stops is used up when it goes on: facts come first.
        """
        if self.days is None and self.due is None and self.came_at is None and len(runs) == 1:
            # Most clocks never pause; this is what the walk comes to for them.
            at = add_working_time(self.calendar, runs[0].since, self.total * percent / _WHOLE)
            return at if runs[0].until is None or at < runs[0].until else None
        for run, at in self._walk(runs, percent):
            if run.until is None or at < run.until:
                return at
        return None

    def due_at(self, runs: tuple[Run, ...]) -> datetime:
        """Return when the whole target is used up; for a clock that stands, as if its last run went on."""
        at = self.started_at
        for run, at in self._walk(runs, _WHOLE):
            if run.until is None or at < run.until:
                break
        return at

    def counted(self, runs: tuple[Run, ...]) -> tuple[Run, ...]:
        """Return the runs of a cycle that count for it: one that came with a merge ran elsewhere until then."""
        if self.came_at is None:
            return runs
        at = self.came_at
        later = tuple(run for run in runs if run.until is None or run.until > at)
        until = later[0].until if later and later[0].since <= at else at
        here = tuple(run for run in later if run.since > at)
        return (Run(since=self.started_at, until=until), *here)

    def _walk(self, runs: tuple[Run, ...], percent: int) -> Iterator[tuple[Run, datetime]]:
        """Yield each run with when the share would be used up if that run never stopped."""
        by_days = self._by_days(percent)
        needed = self.total * percent / _WHOLE
        for number, run in enumerate(self.counted(runs)):
            unpaused = by_days if number == 0 else None
            yield run, unpaused or add_working_time(self.calendar, run.since, needed)
            if run.until is not None:
                needed = max(needed - working_time_between(self.calendar, run.since, run.until), timedelta(0))

    def _by_days(self, percent: int) -> datetime | None:
        """Return the instant whole multiples of business days are due at, as long as the clock never paused."""
        if self.due is not None and percent == _WHOLE:
            return self.due
        if self.days is None or percent % _WHOLE:
            return None
        target = msgspec.structs.replace(self.days, amount=self.days.amount * (percent // _WHOLE))
        return due_at(self.calendar, self.started_at, target)


def yardstick(policy: Policy, severity: Severity, cycle: Cycle, escalation_started_at: datetime) -> Yardstick | None:
    """Return what the cycle is measured by under that severity; None where the severity has no such promise."""
    if cycle.clock is ClockName.ACCEPTANCE:
        return _acceptance(policy, severity, cycle, escalation_started_at)
    if cycle.clock in (ClockName.PROMISE, ClockName.PREVENTIVE_ACTION):
        due = cycle.promised_at
        started_at = cycle.started_at
        return None if due is None else Yardstick(calendar=None, started_at=started_at, total=due - started_at)
    target = _target(policy.severities[severity], cycle.clock)
    return None if target is None else _along(policy, severity, cycle, target)


def _target(promises: SeverityPolicy, clock: ClockName) -> Target | None:
    match clock:
        case ClockName.FIRST_RESPONSE:
            return promises.first_response
        case ClockName.UPDATE:
            return promises.update
        case ClockName.NEXT_REPLY:
            return promises.next_reply
        case ClockName.RESOLUTION:
            return promises.resolution
        case ClockName.CONFIRMATION:
            return promises.confirmation
        case ClockName.REVIEW:
            return promises.review
        case _:
            return None


def _along(policy: Policy, severity: Severity, cycle: Cycle, target: Target) -> Yardstick:
    calendar = calendar_for(target, policy.calendar_of(severity))
    return Yardstick(
        calendar=calendar,
        started_at=cycle.started_at,
        total=timedelta(seconds=seconds_of(target, calendar, cycle.started_at)),
        days=target if target.measure is Measure.BUSINESS_DAYS else None,
    )


def _acceptance(policy: Policy, severity: Severity, cycle: Cycle, escalation_started_at: datetime) -> Yardstick:
    """Measure by a share of the first response's working seconds as counted from the start, also for later owners."""
    promises = policy.severities[severity]
    calendar = calendar_for(promises.first_response, policy.calendar_of(severity))
    seconds = seconds_of(promises.first_response, calendar, escalation_started_at)
    return Yardstick(
        calendar=calendar, started_at=cycle.started_at, total=timedelta(seconds=seconds) * promises.acceptance_share
    )


def percents_of(policy: Policy, severity: Severity, cycle: Cycle) -> tuple[int, ...]:
    """Return the shares of the cycle's target at which something is said, in ascending order."""
    promises = policy.severities[severity]
    match cycle.clock:
        case ClockName.ACCEPTANCE:
            last = promises.management_reminders if cycle.last_in_chain else 1
            return (promises.acceptance_reminder_percent, *_multiples(last))
        case ClockName.CONFIRMATION:
            return _multiples(promises.confirmation_repeats + 1)
        case _:
            return promises.percents_of(cycle.clock)


def _multiples(last: int) -> tuple[int, ...]:
    return tuple(_WHOLE * number for number in range(1, max(last, 1) + 1))

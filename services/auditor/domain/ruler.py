"""One version of the procedure, laid along time: how long each cycle may take, and when a share of that is used up."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from policy.calendars import Calendar, CalendarChoice
from policy.model import Policy
from policy.pauses import Pauses
from policy.targets import DayEnd, Measure, SeverityPolicy, Target
from policy.thresholds import Threshold
from schemas.vocabulary import ClockName, Severity
from services.auditor.domain.case import HandedOn, Rule
from services.auditor.domain.opening_hours import OpeningHours
from services.auditor.domain.rounds import Brought, Cycle, Stretch

WHOLE = 100
_NOTHING = timedelta(0)
UNDERSTOOD: dict[type[msgspec.Struct], frozenset[str]] = {
    Policy: frozenset({"label", "criteria", "severities", "calendars", "routing", "communication", "calendar_by"}),
    CalendarChoice: frozenset({"account_region", "type"}),
    Calendar: frozenset({"time_zone", "weekly", "holidays"}),
    Target: frozenset({"measure", "amount", "ends"}),
    SeverityPolicy: frozenset(
        {
            *("impact", "calendar", "first_response", "update", "resolution", "confirmation", "confirmation_repeats"),
            *("acceptance_share", "acceptance_reminder_percent", "management_reminders", "warnings_percent"),
            *("documentation", "incident_channel", "thresholds", "next_reply", "pauses", "review"),
        }
    ),
    Pauses: frozenset({"resolution", "update"}),
    Threshold: frozenset({"percent", "audiences", "every", "at_most"}),
}
"""Parts of the procedure that say how clocks run, and their fields that are known here."""


class Elsewhere(msgspec.Struct, frozen=True, kw_only=True):
    """A clock ran in another ticket since then, until a merge at `until`; without a pause it was due at `due_at`.

    `given` is the share that was told of it there.
    """

    since: datetime
    until: datetime
    due_at: datetime | None = None
    given: int = 0

    def and_here(self, cycle: Cycle) -> list[Stretch]:
        """Return when it ran, there and since the merge here; where it runs at the merge, it never stood."""
        ran: list[Stretch] = [(self.since, self.until)]
        for since, until in cycle.ran:
            if since <= self.until and (until is None or until > self.until):
                ran = [(self.since, until)]
            elif since > self.until:
                ran.append((since, until))
        return ran


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """What a cycle may take of some opening hours. `days`: of which, if it never stands, whole business days.

    `elsewhere`: the promise was made in the ticket that a merge ended.
    """

    hours: OpeningHours
    total: timedelta
    days: Target | None = None
    elsewhere: Elsewhere | None = None

    @property
    def given(self) -> int:
        """What was told of it before a merge."""
        return 0 if self.elsewhere is None else self.elsewhere.given

    def used_up(self, cycle: Cycle, percent: int) -> tuple[datetime | None, datetime]:
        """Return when that share is used up (None where the clock stands before it is), and when it would be.

        What is used up at the instant at which the clock stops is used up when it goes on.
        """
        left = self.total * percent / WHOLE
        ran = cycle.ran if self.elsewhere is None else self.elsewhere.and_here(cycle)
        at = ran[0][0]
        for number, (since, until) in enumerate(ran):
            at = (self._at_once(since, percent) if number == 0 else None) or self._after(since, left)
            if until is None or at < until:
                return at, at
            left = max(left - self.hours.worked(since, until), _NOTHING)
        return None, at

    def _at_once(self, since: datetime, percent: int) -> datetime | None:
        """Return when that is used up if the clock never stands, where that is known without counting hours."""
        if percent == WHOLE and self.elsewhere is not None and self.elsewhere.due_at is not None:
            return self.elsewhere.due_at
        if self.days is None or percent % WHOLE:
            return None
        days = self.days.amount * percent // WHOLE
        return self.hours.days_later(since, days, at_closing=self.days.ends is DayEnd.END_OF_DAY)

    def _after(self, since: datetime, amount: timedelta) -> datetime:
        if amount <= _NOTHING:
            return since
        for opens, closes in self.hours.open_from(since):
            if amount <= closes - opens:
                return opens + amount
            amount -= closes - opens
        raise AssertionError("unreachable: opening hours have no end")


def _as_promised(hours: OpeningHours, brought: Brought, promise: HandedOn) -> Allowance:
    return Allowance(
        hours=hours,
        total=hours.worked(promise.started_at, promise.due_at),
        elsewhere=Elsewhere(since=promise.started_at, until=brought.at, due_at=promise.due_at, given=promise.percent),
    )


class Ruler:
    """Measures by one version of the procedure, business clocks by the calendar that was chosen, if one was."""

    def __init__(self, policy: Policy, calendar: str | None = None) -> None:
        self._policy = policy
        self._chosen = calendar
        self._around_the_clock = OpeningHours(None)
        self._hours = {name: OpeningHours(calendar) for name, calendar in policy.calendars.items()}
        self.understood = _is_understood(policy)

    def allowance(self, cycle: Cycle, severity: Severity, case_started_at: datetime) -> Allowance | None:
        """Return what the cycle may take under that severity; None where the severity promises nothing."""
        if cycle.promised_at is not None:
            return Allowance(hours=self._around_the_clock, total=cycle.promised_at - cycle.started_at)
        promised = self._policy.severities[severity]
        if cycle.clock is ClockName.ACCEPTANCE:
            whole = self._of_target(promised.first_response, severity, case_started_at)
            return Allowance(hours=whole.hours, total=whole.total * promised.acceptance_share)
        target = self._target(cycle.clock, severity)
        return None if target is None else self._of_target(target, severity, cycle.started_at)

    def handed_on(self, cycle: Cycle, brought: Brought, severity: Severity) -> list[Allowance]:
        """Return what the cycle may take by what a merge brought, of which the least holds; none: it no longer counts.

        Under a severity that was lowered since, it is no more than that severity promises from the same start, and that
        only where nothing else is promised. Raised since, what opened the escalation is held to that, too.
        """
        promise = brought.promise
        if promise is None:
            return []
        if cycle.clock is ClockName.PROMISE:
            return [_as_promised(self._around_the_clock, brought, promise)]
        found: list[Allowance] = []
        is_lowered = promise.severity.is_above(severity)
        if not is_lowered:
            made_for = self._target(cycle.clock, promise.severity)
            hours = self._around_the_clock if made_for is None else self._hours_of(made_for, promise.severity)
            found.append(_as_promised(hours, brought, promise))
        target = self._target(cycle.clock, severity)
        is_raised = brought.opened and severity.is_above(promise.severity)
        if target is not None and (is_raised or (is_lowered and brought.replaces)):
            elsewhere = Elsewhere(since=promise.started_at, until=brought.at, given=promise.percent)
            found.append(replace(self._of_target(target, severity, promise.started_at), elsewhere=elsewhere))
        return found

    def promises(self, cycle: Cycle, severity: Severity) -> bool:
        """Tell whether anything is promised of the cycle under that severity."""
        if cycle.promised_at is not None or cycle.clock is ClockName.ACCEPTANCE:
            return True
        return self._target(cycle.clock, severity) is not None

    def shares(self, cycle: Cycle, severity: Severity) -> tuple[int, ...]:
        """Return the percentages at which something is said of the cycle, ascending."""
        promised = self._policy.severities[severity]
        if cycle.clock is ClockName.CONFIRMATION:
            return tuple(WHOLE * (number + 1) for number in range(promised.confirmation_repeats + 1))
        if cycle.clock is ClockName.ACCEPTANCE:
            times = max(promised.management_reminders, 1) if cycle.last_in_chain else 1
            return (promised.acceptance_reminder_percent, *(WHOLE * (number + 1) for number in range(times)))
        written = promised.thresholds.get(cycle.clock)
        if written is None:
            return (*sorted(promised.warnings_percent), WHOLE)
        again = (one.percent + (one.every or 0) * times for one in written for times in range((one.at_most or 0) + 1))
        return tuple(sorted({WHOLE, *again}))

    def pauses(self, severity: Severity) -> Pauses:
        """Return what clocks stand for under that severity."""
        return self._policy.severities[severity].pauses

    def at_risk_at(self, started_at: datetime, due_at: datetime) -> datetime:
        """Return when less than the policy's share of a ticket's own front-line SLA is left."""
        share = self._policy.criteria.front_line_fraction
        return max(started_at, due_at - (due_at - started_at) * share)

    def _target(self, clock: ClockName, severity: Severity) -> Target | None:
        return _target(self._policy.severities[severity], clock)

    def _hours_of(self, target: Target, severity: Severity) -> OpeningHours:
        name = self._policy.severities[severity].calendar
        if name is None or target.measure is Measure.ELAPSED:
            return self._around_the_clock
        return self._hours[self._chosen or name]

    def _of_target(self, target: Target, severity: Severity, since: datetime) -> Allowance:
        hours = self._hours_of(target, severity)
        if target.measure is not Measure.BUSINESS_DAYS:
            return Allowance(hours=hours, total=timedelta(seconds=target.amount))
        due_at = hours.days_later(since, target.amount, at_closing=target.ends is DayEnd.END_OF_DAY)
        return Allowance(hours=hours, total=hours.worked(since, due_at), days=target)


def _target(promised: SeverityPolicy, clock: ClockName) -> Target | None:
    return {
        ClockName.FIRST_RESPONSE: promised.first_response,
        ClockName.UPDATE: promised.update,
        ClockName.NEXT_REPLY: promised.next_reply,
        ClockName.RESOLUTION: promised.resolution,
        ClockName.CONFIRMATION: promised.confirmation,
        ClockName.REVIEW: promised.review,
    }.get(clock)


Rulers = Mapping[Rule, Ruler]
"""One for all that a case is or was held to."""


def _is_understood(policy: Policy) -> bool:
    """Tell whether it uses nothing that a later release added: what moves clocks in a way unknown here."""
    promised = policy.severities.values()
    targets = (
        target for one in promised for target in (_target(one, clock) for clock in ClockName) if target is not None
    )
    thresholds = (threshold for one in promised for written in one.thresholds.values() for threshold in written)
    choice = () if policy.calendar_by is None else (policy.calendar_by,)
    parts = (
        policy,
        *choice,
        *policy.calendars.values(),
        *promised,
        *targets,
        *thresholds,
        *(one.pauses for one in promised),
    )
    return not any(_unknown_in_use(part) for part in parts)


def _unknown_in_use(part: msgspec.Struct) -> bool:
    known = UNDERSTOOD[type(part)]
    return any(
        field.name not in known and getattr(part, field.name) != _default_of(field)
        for field in msgspec.structs.fields(part)
    )


def _default_of(field: msgspec.structs.FieldInfo) -> object:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default

"""How long a promise takes: due times and working time on a business calendar, or on the 24x7 clock (None).

Pure arithmetic over aware instants; the rules are those of the procedure, "Exact defaults" and "Clock rules".
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from policy.business_hours import BusinessHours
from policy.calendars import Calendar
from policy.targets import DayEnd, Measure, Target

_KEPT = 64
_NOTHING = timedelta(0)
_laid_out: dict[int, tuple[Calendar, BusinessHours]] = {}
"""By identity, as a calendar holds a dict and cannot be hashed; the calendar is kept so that its id stays its own."""


def calendar_for(target: Target, calendar: Calendar | None) -> Calendar | None:
    """Return the calendar a target is measured on: an elapsed one runs around the clock, whatever its severity."""
    return None if target.measure is Measure.ELAPSED else calendar


def due_at(calendar: Calendar | None, start: datetime, target: Target) -> datetime:
    """Return the instant (UTC) a clock that starts then and is never paused falls due.

    Business days count from the start, or from the next opening where it lies outside working hours, and end on the
    last as `DayEnd` says. Without a calendar a day is 24 hours. Raises NoWorkingTimeError for a calendar that never
    opens again.
    """
    if target.measure is Measure.BUSINESS_DAYS:
        if calendar is None:
            return start.astimezone(UTC) + timedelta(days=target.amount)
        hours = _hours(calendar)
        at_closing = target.ends is DayEnd.END_OF_DAY
        return hours.end_of_day(start, target.amount) if at_closing else hours.same_time(start, target.amount)
    return add_working_time(calendar_for(target, calendar), start, timedelta(seconds=target.amount))


def seconds_of(target: Target, calendar: Calendar | None, start: datetime) -> float:
    """Return the target's working seconds for a clock that starts then; percentages and pauses go by these.

    For business days they are what lies between the start and the due instant.
    """
    if target.measure is not Measure.BUSINESS_DAYS:
        return float(target.amount)
    return working_time_between(calendar, start, due_at(calendar, start, target)).total_seconds()


def working_time_between(calendar: Calendar | None, start: datetime, end: datetime) -> timedelta:
    """Return the working time that passes from start to end; negative where end lies before start."""
    return end - start if calendar is None else _hours(calendar).worked(start, end)


def add_working_time(calendar: Calendar | None, start: datetime, amount: timedelta) -> datetime:
    """Return the first instant (UTC) at which the amount has been worked since start.

    An amount used up exactly at closing ends at that closing; none at all ends at the start. Raises ValueError for
    a negative amount and NoWorkingTimeError (a ValueError too) for a calendar that never opens again.
    """
    if amount < _NOTHING:
        raise ValueError(f"working time is added, not taken away: {amount.total_seconds():.0f} s")
    if calendar is None or amount == _NOTHING:
        return start.astimezone(UTC) + amount
    return _hours(calendar).after(start, amount)


def next_opening(calendar: Calendar | None, instant: datetime) -> datetime:
    """Return the instant itself (UTC) where it is working time, else the next opening; a closing is not open."""
    return instant.astimezone(UTC) if calendar is None else _hours(calendar).opening(instant)


def open_between(calendar: Calendar | None, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the stretches of working time (UTC) from start to end, in order."""
    if calendar is not None:
        yield from _hours(calendar).windows(start, end)
    elif start < end:
        yield start.astimezone(UTC), end.astimezone(UTC)


def _hours(calendar: Calendar) -> BusinessHours:
    kept = _laid_out.get(id(calendar))
    if kept is not None and kept[0] is calendar:
        return kept[1]
    if len(_laid_out) >= _KEPT:
        _laid_out.clear()
    hours = BusinessHours(calendar)
    _laid_out[id(calendar)] = (calendar, hours)
    return hours

"""Working time with pauses: stretches in which none passes. Pure arithmetic over aware instants."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from policy.calendars import Calendar
from policy.working_time import add_working_time, working_time_between

Pauses = Sequence[tuple[datetime, datetime]]
"""From and until, in any order; they may overlap. One that ends no later than it begins is none."""


def worked_with_pauses(calendar: Calendar | None, start: datetime, end: datetime, pauses: Pauses) -> timedelta:
    """Return the working time from start to end (negative where end lies before start) outside the pauses."""
    if end < start:
        return -worked_with_pauses(calendar, end, start, pauses)
    runs = ((since, min(until or end, end)) for since, until in _runs(start, pauses) if since < end)
    return sum((working_time_between(calendar, since, until) for since, until in runs), timedelta(0))


def due_with_pauses(calendar: Calendar | None, start: datetime, amount: timedelta, pauses: Pauses) -> datetime:
    """Return the first instant (UTC) at which the amount has been worked since start, outside the pauses.

    An amount used up exactly when a pause begins is due then; none at all at the start. Raises as `add_working_time`
    does.
    """
    left = amount
    if not left:
        return add_working_time(calendar, start, left)
    for since, until in _runs(start, pauses):
        worked = timedelta(0) if until is None else working_time_between(calendar, since, until)
        if until is None or worked >= left:
            return add_working_time(calendar, since, left)
        left -= worked
    raise AssertionError("unreachable: the last run has no end")


def _runs(start: datetime, pauses: Pauses) -> Iterator[tuple[datetime, datetime | None]]:
    """Yield from start on what lies between the pauses; the last has no end."""
    since = start
    for begins, ends in sorted((begins, ends) for begins, ends in pauses if begins < ends):
        if begins > since:
            yield since, begins
        since = max(since, ends)
    yield since, None

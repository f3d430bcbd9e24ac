"""Working time that was worked out a moment ago: a ticket's events come close together, and each asks for all of it."""

from datetime import datetime, timedelta
from typing import Generic, TypeVar

from policy import working_time
from policy.calendars import Calendar
from policy.targets import Target

ResultT = TypeVar("ResultT")
AmountT = TypeVar("AmountT", timedelta, Target)
_MOST = 4_096
"""About 1 MiB of each kind; all are forgotten when there are more."""


class _Remembered(Generic[AmountT, ResultT]):
    """Results by calendar, instant and amount. A calendar goes by its identity: it holds a dict and has no hash."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, datetime, AmountT], tuple[Calendar | None, ResultT]] = {}

    def get(self, calendar: Calendar | None, since: datetime, amount: AmountT) -> ResultT | None:
        known = self._known.get((id(calendar), since, amount))
        return known[1] if known is not None and known[0] is calendar else None

    def put(self, calendar: Calendar | None, since: datetime, amount: AmountT, result: ResultT) -> ResultT:
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[id(calendar), since, amount] = (calendar, result)
        return result


_added: _Remembered[timedelta, datetime] = _Remembered()
_due: _Remembered[Target, datetime] = _Remembered()
_seconds: _Remembered[Target, float] = _Remembered()


def add_working_time(calendar: Calendar | None, start: datetime, amount: timedelta) -> datetime:
    """Return what policy.working_time does; so do the others."""
    if calendar is None:
        return working_time.add_working_time(None, start, amount)
    known = _added.get(calendar, start, amount)
    return known or _added.put(calendar, start, amount, working_time.add_working_time(calendar, start, amount))


def due_at(calendar: Calendar | None, start: datetime, target: Target) -> datetime:
    """Return when a clock that starts then and never pauses falls due."""
    known = _due.get(calendar, start, target)
    return known or _due.put(calendar, start, target, working_time.due_at(calendar, start, target))


def seconds_of(target: Target, calendar: Calendar | None, start: datetime) -> float:
    """Return the target's working seconds."""
    known = _seconds.get(calendar, start, target)
    return known or _seconds.put(calendar, start, target, working_time.seconds_of(target, calendar, start))

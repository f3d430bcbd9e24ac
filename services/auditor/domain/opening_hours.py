"""A calendar walked day by day, window by window: slow, plain, and not the way the sla_monitor counts."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from policy.calendars import Calendar, Weekday
from policy.time_zones import zone_of

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_END_OF_TIME = datetime.max.replace(tzinfo=UTC)
_DAYS_SEARCHED = 20 * 366
"""A calendar that is closed for so long never opens."""
_DAYS_KEPT = 5_000
_WEEKDAYS = tuple(Weekday)

Window = tuple[datetime, datetime]


class NeverOpensError(ValueError):
    """The calendar has no window in the years to come."""


class OpeningHours:
    """When one calendar is open; None is open around the clock. Days are laid out when first asked for and kept."""

    def __init__(self, calendar: Calendar | None) -> None:
        self._calendar = calendar
        self._zone = zone_of("UTC" if calendar is None else calendar.time_zone)
        self._laid_out: dict[date, tuple[Window, ...]] = {}

    def open_from(self, since: datetime) -> Iterator[Window]:
        """Yield, in order and without end, the stretches that are open from an instant on; the first may begin there.

        Raises NeverOpensError.
        """
        for _, opens, closes in self._windows_from(since):
            yield max(opens, since), closes

    def worked(self, since: datetime, until: datetime) -> timedelta:
        """Return the time that is open between two instants; none where the second is not after the first."""
        total = timedelta(0)
        if until <= since:
            return total
        for opens, closes in self.open_from(since):
            if opens >= until:
                break
            total += min(closes, until) - opens
        return total

    def days_later(self, since: datetime, days: int, *, at_closing: bool) -> datetime:
        """Return the same local time so many business days later, at most that day's closing; or that closing.

        Where it is closed, the days count from the next opening. Around the clock a day has 24 hours.
        """
        if self._calendar is None:
            return since.astimezone(UTC) + days * _DAY
        first_day, opens, _ = next(iter(self._windows_from(since)))
        begun = max(opens, since).astimezone(self._zone).replace(tzinfo=None, fold=0)
        last_day = self._business_day_after(first_day, days)
        closing = self._windows(last_day)[-1][1]
        if at_closing:
            return closing
        return min(_instant(begun + (last_day - first_day), self._zone), closing)

    def _windows_from(self, since: datetime) -> Iterator[tuple[date, datetime, datetime]]:
        if self._calendar is None:
            yield date.min, since.astimezone(UTC), _END_OF_TIME
            return
        # The night that began yesterday may still be open.
        for day in self._days_from(since.astimezone(self._zone).date() - _DAY):
            for opens, closes in self._windows(day):
                if closes > since:
                    yield day, opens, closes

    def _business_day_after(self, day: date, days: int) -> date:
        later = (one for one in self._days_from(day + _DAY) if self._windows(one))
        for _ in range(days):
            day = next(later)
        return day

    def _days_from(self, day: date) -> Iterator[date]:
        closed = 0
        while closed < _DAYS_SEARCHED:
            yield day
            closed = 0 if self._windows(day) else closed + 1
            day += _DAY
        raise NeverOpensError(f"the calendar in {self._zone.key} is closed for years before {day}")

    def _windows(self, day: date) -> tuple[Window, ...]:
        found = self._laid_out.get(day)
        if found is None:
            if len(self._laid_out) >= _DAYS_KEPT:
                self._laid_out.clear()
            found = self._laid_out[day] = tuple(self._lay_out(day))
        return found

    def _lay_out(self, day: date) -> Iterator[Window]:
        calendar = self._calendar
        if calendar is None or {f"{day:%m-%d}", day.isoformat()} & {*calendar.holidays}:
            return
        for opens_at, closes_at in sorted(calendar.weekly.get(_WEEKDAYS[day.weekday()], ())):
            opens = _instant(_wall_time(day, opens_at), self._zone)
            closes = _instant(_wall_time(day if closes_at > opens_at else day + _DAY, closes_at), self._zone)
            if opens < closes:
                yield opens, closes


def _wall_time(day: date, clock_time: str) -> datetime:
    if clock_time == "24:00":
        return datetime.combine(day + _DAY, time())
    return datetime.combine(day, time.fromisoformat(clock_time))


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return when clocks on the wall first show that time, or jump over it."""
    offsets = [wall.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta(0) for fold in (0, 1)]
    readings = sorted((wall - offset).replace(tzinfo=UTC) for offset in offsets)
    for reading in readings:
        if _wall_clock(reading, zone) == wall:
            return reading
    # It is jumped over between the two readings, at a whole second.
    before, after = readings[0].replace(microsecond=0), readings[1].replace(microsecond=0) + _SECOND
    while after - before > _SECOND:
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        before, after = (before, middle) if _wall_clock(middle, zone) > wall else (middle, after)
    return after


def _wall_clock(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)

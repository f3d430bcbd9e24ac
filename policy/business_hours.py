"""A calendar laid out year by year as instants, so that working time is found by bisection.

Windows are placed by local day and measured in time that really passes: the day the clocks change is an hour
shorter or longer only where a window spans the change.
"""

from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from policy.calendars import Calendar, Weekday
from policy.local_time import instant_of, local_time

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_YEARS_SEARCHED = 20
"""A calendar that is closed for so long never opens."""
_WEEKDAYS = tuple(Weekday)


class NoWorkingTimeError(ValueError):
    """The calendar has no working time in the years to come, so nothing can ever fall due in it."""


def ticks_of(instant: datetime) -> int:
    """Return microseconds since 1970; exact, unlike a float timestamp."""
    return (instant - _EPOCH) // _MICROSECOND


def instant_at(ticks: int) -> datetime:
    """Return the instant (UTC) so many microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=ticks)


class _Year:
    """The windows of one local year, in order, and the working time that has passed before each."""

    def __init__(self, year: int, calendar: Calendar, zone: ZoneInfo) -> None:
        self.opens: list[int] = []
        self.closes: list[int] = []
        self.days: list[int] = []
        """Ordinals of the business days."""
        self.closing: list[int] = []
        """When each of them closes."""
        holidays = frozenset(calendar.holidays)
        for ordinal in range(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal() + 1):
            day = date.fromordinal(ordinal)
            windows = calendar.weekly.get(_WEEKDAYS[day.weekday()], ())
            if windows and day.isoformat() not in holidays and day.strftime("%m-%d") not in holidays:
                self._add(day, windows, zone)
        lengths = (closes - opens for opens, closes in zip(self.opens, self.closes, strict=True))
        self.before = list(accumulate(lengths, initial=0))

    def _add(self, day: date, windows: tuple[tuple[str, str], ...], zone: ZoneInfo) -> None:
        for opens_at, closes_at in sorted(windows):
            opens = ticks_of(local_time(day, opens_at, zone))
            closes = ticks_of(local_time(day, closes_at, zone))
            if opens >= closes:
                continue  # the clocks skipped it
            self.opens.append(opens)
            self.closes.append(closes)
            if not self.days or self.days[-1] != day.toordinal():
                self.days.append(day.toordinal())
                self.closing.append(closes)
            self.closing[-1] = closes

    @property
    def total(self) -> int:
        """Working time of the whole year."""
        return self.before[-1]

    def until(self, ticks: int) -> int:
        """Return the working time of the year that has passed at an instant."""
        index = bisect_right(self.opens, ticks) - 1
        if index < 0:
            return 0
        return self.before[index] + min(ticks, self.closes[index]) - self.opens[index]

    def when(self, worked: int) -> int:
        """Return the first instant at which so much (more than 0, at most the total) has passed."""
        index = bisect_left(self.before, worked, lo=1) - 1
        return self.opens[index] + worked - self.before[index]

    def opening(self, ticks: int) -> int | None:
        """Return the instant itself where it is open, else the next opening of the year, if there is one."""
        index = bisect_right(self.opens, ticks)
        if index > 0 and ticks < self.closes[index - 1]:
            return ticks
        return self.opens[index] if index < len(self.opens) else None


class BusinessHours:
    """Answers questions about one calendar; years are laid out when first asked for and kept."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._zone = ZoneInfo(calendar.time_zone)
        self._years: dict[int, _Year] = {}

    def _year(self, year: int) -> _Year:
        found = self._years.get(year)
        if found is None:
            found = self._years[year] = _Year(year, self._calendar, self._zone)
        return found

    def _local_year(self, instant: datetime) -> int:
        return instant.astimezone(self._zone).year

    def worked(self, start: datetime, end: datetime) -> timedelta:
        """Return the working time from start to end (negative where end lies before start)."""
        first, last = self._local_year(start), self._local_year(end)
        worked = self._year(last).until(ticks_of(end)) - self._year(first).until(ticks_of(start))
        worked += sum(self._year(year).total for year in range(first, last))
        worked -= sum(self._year(year).total for year in range(last, first))
        return timedelta(microseconds=worked)

    def after(self, start: datetime, amount: timedelta) -> datetime:
        """Return the first instant at which so much working time (more than none) has passed since start."""
        first = self._local_year(start)
        left = self._year(first).until(ticks_of(start)) + amount // _MICROSECOND
        closed_since = first
        for year in self._years_from(first):
            if left <= self._year(year).total:
                return instant_at(self._year(year).when(left))
            left -= self._year(year).total
            closed_since = year if self._year(year).total else closed_since
            if year - closed_since >= _YEARS_SEARCHED:
                break
        raise self._never_opens(start)

    def opening(self, instant: datetime) -> datetime:
        """Return the instant itself where it is working time, else the next opening; a closing is not open."""
        first = self._local_year(instant)
        for year in self._years_from(first):
            opening = self._year(year).opening(ticks_of(instant))
            if opening is not None:
                return instant_at(opening)
            if year - first >= _YEARS_SEARCHED:
                break
        raise self._never_opens(instant)

    def same_time(self, start: datetime, days: int) -> datetime:
        """Return the start's local time so many business days later, at most that day's closing.

        A start outside working hours first moves to the next opening (procedure, "Exact defaults").
        """
        moved = self.opening(start).astimezone(self._zone)
        day, closing = self._business_day(moved.date(), days)
        same = instant_of(datetime.combine(day, moved.time().replace(fold=0)), self._zone)
        return min(same, instant_at(closing))

    def _business_day(self, day: date, later: int) -> tuple[date, int]:
        year = self._year(day.year)
        index = bisect_right(year.days, day.toordinal()) - 1 + later
        for number in self._years_from(day.year):
            year = self._year(number)
            if index < len(year.days):
                return date.fromordinal(year.days[index]), year.closing[index]
            index -= len(year.days)
            if number - day.year >= _YEARS_SEARCHED + later:
                break
        raise self._never_opens(datetime.combine(day, datetime.min.time(), tzinfo=UTC))

    @staticmethod
    def _years_from(first: int) -> range:
        return range(first, 9999)

    def _never_opens(self, instant: datetime) -> NoWorkingTimeError:
        zone = self._calendar.time_zone
        return NoWorkingTimeError(f"the calendar in {zone} has no working time for years after {instant:%Y-%m-%d}")

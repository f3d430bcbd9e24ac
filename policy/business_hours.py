"""A calendar laid out year by year as instants, so that working time is found by bisection.

Windows are placed by local day and measured in time that really passes: the day the clocks change is an hour
shorter or longer only where a window spans the change. A window that spans midnight belongs to the day it opens on.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate

from policy.calendars import Calendar, Weekday
from policy.local_time import instant_of, local_time
from policy.time_zones import zone_of

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


class _Layout:
    """Where a calendar's windows lie: by local day, as instants."""

    def __init__(self, calendar: Calendar) -> None:
        self.zone = zone_of(calendar.time_zone)
        self._weekly = [sorted(calendar.weekly.get(weekday, ())) for weekday in _WEEKDAYS]
        self._holidays = frozenset(calendar.holidays)

    def windows(self, day: date) -> list[tuple[int, int]]:
        """Return the windows that open on a local day, in order; what the clocks skip is no window."""
        if day.isoformat() in self._holidays or day.strftime("%m-%d") in self._holidays:
            return []
        placed = [self._placed(day, *window) for window in self._weekly[day.weekday()]]
        return [(opens, closes) for opens, closes in placed if opens < closes]

    def _placed(self, day: date, opens_at: str, closes_at: str) -> tuple[int, int]:
        closing_day = day if opens_at < closes_at else day + timedelta(days=1)
        return ticks_of(local_time(day, opens_at, self.zone)), ticks_of(local_time(closing_day, closes_at, self.zone))

    def begin_of(self, year: int) -> int:
        """Return when a local year begins."""
        return ticks_of(local_time(date(year, 1, 1), "00:00", self.zone))


class _Year:
    """The working time of one local year, in order, and how much of it has passed before each window.

    A window that spans its end is cut there; its day keeps the true closing.
    """

    def __init__(self, year: int, layout: _Layout) -> None:
        self.opens: list[int] = []
        self.closes: list[int] = []
        self.opened_on: list[int] = []
        """By window, the ordinal of the local day it opens on."""
        self.days: list[int] = []
        """Ordinals of the business days: those on which a window opens."""
        self.closing: list[int] = []
        """When each of them closes."""
        begin, end = layout.begin_of(year), layout.begin_of(year + 1)
        first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
        for ordinal in range(first - 1, last + 1):
            windows = layout.windows(date.fromordinal(ordinal))
            for opens, closes in windows:
                self._add(ordinal, max(opens, begin), min(closes, end))
            if windows and ordinal >= first:
                self.days.append(ordinal)
                self.closing.append(windows[-1][1])
        lengths = (closes - opens for opens, closes in zip(self.opens, self.closes, strict=True))
        self.before = list(accumulate(lengths, initial=0))

    def _add(self, ordinal: int, opens: int, closes: int) -> None:
        if opens < closes:
            self.opens.append(opens)
            self.closes.append(closes)
            self.opened_on.append(ordinal)

    @property
    def total(self) -> int:
        """Working time of the whole year."""
        return self.before[-1]

    def windows(self, since: int, until: int) -> Iterator[tuple[int, int]]:
        """Yield what is open between two instants, in order."""
        for index in range(max(bisect_right(self.opens, since) - 1, 0), bisect_left(self.opens, until)):
            opens, closes = max(self.opens[index], since), min(self.closes[index], until)
            if opens < closes:
                yield opens, closes

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

    def day_at(self, ticks: int) -> int:
        """Return the ordinal of the business day whose window is open, or opens, at an instant of the year."""
        return self.opened_on[bisect_right(self.opens, ticks) - 1]

    def opening(self, ticks: int) -> int | None:
        """Return the instant itself where it is open, else the next opening of the year, if there is one."""
        index = bisect_right(self.opens, ticks)
        if index > 0 and ticks < self.closes[index - 1]:
            return ticks
        return self.opens[index] if index < len(self.opens) else None


class BusinessHours:
    """Answers questions about one calendar; years are laid out when first asked for and kept."""

    def __init__(self, calendar: Calendar) -> None:
        self._layout = _Layout(calendar)
        self._zone = self._layout.zone
        self._years: dict[int, _Year] = {}

    def _year(self, year: int) -> _Year:
        found = self._years.get(year)
        if found is None:
            found = self._years[year] = _Year(year, self._layout)
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

    def windows(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the stretches of working time between two instants, in order; one that spans New Year comes in two."""
        for year in range(self._local_year(start), self._local_year(end) + 1):
            for opens, closes in self._year(year).windows(ticks_of(start), ticks_of(end)):
                yield instant_at(opens), instant_at(closes)

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

        A start outside working hours first moves to the next opening (procedure, "Exact defaults"). After midnight in a
        window that spans it, the day is the one on which it opened.
        """
        moved = self.opening(start).astimezone(self._zone)
        from_day = self._day_of(moved)
        day, closing = self._business_day(from_day, days)
        same_day = day + (moved.date() - from_day)
        same = instant_of(datetime.combine(same_day, moved.time().replace(fold=0)), self._zone)
        return min(same, instant_at(closing))

    def end_of_day(self, start: datetime, days: int) -> datetime:
        """Return the closing of the business day so many after that of the start.

        A start outside working hours first moves to the next opening.
        """
        moved = self.opening(start).astimezone(self._zone)
        return instant_at(self._business_day(self._day_of(moved), days)[1])

    def _day_of(self, opened: datetime) -> date:
        """Return the business day of an instant at which it is open."""
        return date.fromordinal(self._year(opened.year).day_at(ticks_of(opened)))

    def _business_day(self, day: date, later: int) -> tuple[date, int]:
        """Return the business day so many after one, and when it closes."""
        year = self._year(day.year)
        index = bisect_left(year.days, day.toordinal()) + later
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
        return NoWorkingTimeError(
            f"the calendar in {self._zone.key} has no working time for years after {instant:%Y-%m-%d}"
        )

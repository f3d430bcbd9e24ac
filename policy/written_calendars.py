"""Calendars as a folder gives them: beside days, public holidays of a region and iCalendar files, laid out into days.

What is published holds days only: a release of a library that knows other holidays moves no clock that runs.
"""

from collections.abc import Callable, Iterator
from datetime import date, timedelta

import holidays
import recurring_ical_events
from icalendar import Calendar as CalendarFile

from policy.calendars import Calendar, CalendarChoice, Weekday
from policy.document import Part

_FIRST, _LAST = date(2000, 1, 1), date(2050, 12, 31)
"""The days of these years are laid out: from before any ticket until long after each target."""


class HolidaysError(ValueError):
    """Holidays that cannot be laid out; `place` is where they stand in the calendar."""

    def __init__(self, place: str, says: str) -> None:
        super().__init__(f"{place}: {says}")
        self.place = place
        self.says = says


class PublicHolidays(Part, frozen=True, kw_only=True):
    """A region: a country (ISO 3166-1, like `DE`) and where it matters a part of it (ISO 3166-2 without it, `BY`)."""

    country: str
    subdivision: str | None = None


class WrittenCalendar(Part, frozen=True, kw_only=True):
    """A Calendar with holidays by region, from the `holidays` package, and by iCalendar file (RFC 5545), beside it."""

    time_zone: str
    weekly: dict[Weekday, tuple[tuple[str, str], ...]]
    holidays: tuple[str, ...] = ()
    public_holidays: tuple[PublicHolidays, ...] = ()
    holiday_files: tuple[str, ...] = ()


class WrittenCalendars(Part, frozen=True, kw_only=True):
    """What `calendars.yaml` holds."""

    calendars: dict[str, WrittenCalendar]
    calendar_by: CalendarChoice | None = None


def laid_out(written: WrittenCalendar, read: Callable[[str], bytes]) -> Calendar:
    """Return the calendar with every holiday as a day, those written by hand first, each once.

    `read` returns a file's content. Raises HolidaysError for an unknown region or a file that is no calendar of days.
    """
    days: dict[str, None] = dict.fromkeys(written.holidays)
    for index, region in enumerate(written.public_holidays):
        days |= dict.fromkeys(_of_region(region, f"public_holidays[{index}]"))
    for index, name in enumerate(written.holiday_files):
        days |= dict.fromkeys(_of_file(name, read, f"holiday_files[{index}]"))
    return Calendar(time_zone=written.time_zone, weekly=written.weekly, holidays=tuple(days))


def _of_region(region: PublicHolidays, place: str) -> list[str]:
    known = holidays.list_supported_countries()
    if region.country not in known:
        raise HolidaysError(f"{place}.country", f"{region.country!r} is no country known; write ISO 3166-1, like DE")
    if region.subdivision is not None and region.subdivision not in known[region.country]:
        allowed = ", ".join(known[region.country]) or "none"
        raise HolidaysError(
            f"{place}.subdivision", f"{region.country} has no {region.subdivision!r}; allowed: {allowed}"
        )
    years = range(_FIRST.year, _LAST.year + 1)
    return sorted(day.isoformat() for day in holidays.country_holidays(region.country, region.subdivision, years))


def _of_file(name: str, read: Callable[[str], bytes], place: str) -> list[str]:
    try:
        found = CalendarFile.from_ical(read(name))
        events = recurring_ical_events.of(found).between(_FIRST, _LAST)
    except OSError as error:
        raise HolidaysError(place, f"{name!r} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise HolidaysError(place, f"{name!r} is no iCalendar file: {error}") from error
    days = {day for event in events for day in _days_of(event.start, event.end, f"{place} ({name})")}
    return sorted(day.isoformat() for day in days)


def _days_of(start: date, end: date, place: str) -> Iterator[date]:
    """Yield the days of an event, whose end is the day after its last; a datetime is a date, too."""
    if type(start) is not date:
        raise HolidaysError(place, f"an event of {start:%Y-%m-%d} has a time of day; a holiday is whole days")
    for ordinal in range((end - start) // timedelta(days=1)):
        yield start + timedelta(days=ordinal)

"""The auditor's own arithmetic: what is known of hard calendars, and that it comes to what the engine comes to."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.business_hours import NoWorkingTimeError
from policy.calendars import Calendar, Weekday
from policy.targets import DayEnd, Measure, Target
from policy.working_time import due_at, working_time_between
from services.auditor.domain.opening_hours import NeverOpensError, OpeningHours
from tests.unit.policy.test_working_time import BERLIN, CALENDARS, NIGHTS, NINE_TO_FIVE, ROUND_THE_CLOCK, WORKDAYS, at

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("2026-04-02T13:00:00Z", 3, "2026-04-09T13:00:00Z"),  # over Easter (core story 07)
        ("2026-06-05T16:00:00Z", 1, "2026-06-09T07:00:00Z"),  # Friday evening moves to Monday's opening
        ("2026-06-05T15:00:00Z", 1, "2026-06-09T07:00:00Z"),  # so does the very closing
        ("2026-03-27T15:00:00Z", 1, "2026-03-30T14:00:00Z"),  # the same local time after the clocks changed
    ],
)
def test_business_days_end_at_the_same_local_time(start: str, days: int, due: str) -> None:
    assert OpeningHours(BERLIN).days_later(at(start), days, at_closing=False) == at(due)


@pytest.mark.parametrize(
    ("start", "same_time", "closing"),
    [
        ("2026-06-02T02:00:00+02:00", "2026-06-03T02:00:00+02:00", "2026-06-03T06:00:00+02:00"),  # in Monday's night
        ("2026-06-06T12:00:00+02:00", "2026-06-09T22:00:00+02:00", "2026-06-10T06:00:00+02:00"),  # from Monday on
    ],
)
def test_a_night_belongs_to_the_day_on_which_it_begins(start: str, same_time: str, closing: str) -> None:
    hours = OpeningHours(NIGHTS)

    assert hours.days_later(at(start), 1, at_closing=False) == at(same_time)
    assert hours.days_later(at(start), 1, at_closing=True) == at(closing)


def test_a_time_that_is_skipped_is_the_first_instant_after_and_one_that_comes_twice_is_the_first() -> None:
    hours = OpeningHours(Calendar(time_zone="Europe/Berlin", weekly=ROUND_THE_CLOCK))

    assert hours.days_later(at("2026-03-28T02:30:00+01:00"), 1, at_closing=False) == at("2026-03-29T01:00:00Z")
    assert hours.days_later(at("2026-10-24T02:30:00+02:00"), 1, at_closing=False) == at("2026-10-25T00:30:00Z")


def test_a_day_that_never_was_is_no_business_day() -> None:
    hours = OpeningHours(Calendar(time_zone="Pacific/Apia", weekly=dict.fromkeys(WORKDAYS, NINE_TO_FIVE)))

    due = hours.days_later(at("2011-12-29T10:00:00-10:00"), 1, at_closing=False)

    assert due == at("2012-01-02T10:00:00+14:00")


@pytest.mark.parametrize(
    ("zone", "windows", "day", "hours"),
    [
        ("Europe/Berlin", (("00:00", "24:00"),), "2026-03-29", 23),
        ("Europe/Berlin", (("00:00", "24:00"),), "2026-10-25", 25),
        ("Europe/Berlin", (("02:30", "06:00"),), "2026-03-29", 3),  # opens at the first valid instant, 03:00
        ("Europe/Berlin", (("02:10", "02:50"),), "2026-03-29", 0),  # skipped as a whole
        ("Africa/Cairo", (("00:00", "06:00"),), "2026-04-24", 5),  # midnight itself is skipped
        ("Australia/Lord_Howe", (("00:00", "24:00"),), "2026-04-05", 24.5),
        ("America/Sao_Paulo", (("00:00", "24:00"),), "2018-02-17", 25),  # the hour before midnight came twice
    ],
)
def test_windows_are_measured_in_time_that_really_passes(
    zone: str, windows: tuple[tuple[str, str], ...], day: str, hours: float
) -> None:
    calendar = Calendar(time_zone=zone, weekly=dict.fromkeys(Weekday, windows))
    midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone))
    begin, end = midnight.astimezone(UTC), (midnight + timedelta(days=1)).astimezone(UTC)

    assert OpeningHours(calendar).worked(begin, end) == hours * HOUR


def test_around_the_clock_all_time_is_open() -> None:
    begin = at("2026-06-06T12:00:00Z")

    assert OpeningHours(None).worked(begin, begin + 5 * HOUR) == 5 * HOUR
    assert OpeningHours(None).days_later(begin, 2, at_closing=False) == begin + 48 * HOUR


def test_a_calendar_that_never_opens_says_so() -> None:
    with pytest.raises(NeverOpensError, match="closed for years"):
        OpeningHours(Calendar(time_zone="UTC", weekly={})).days_later(at("2026-01-01T00:00:00Z"), 1, at_closing=True)


OPEN = CALENDARS.filter(lambda calendar: any(calendar.weekly.values()))
INSTANTS = st.datetimes(at("2024-01-01").replace(tzinfo=None), at("2027-12-31").replace(tzinfo=None)).map(
    lambda naive: naive.replace(tzinfo=UTC)
)


@settings(max_examples=150, deadline=None)
@given(calendar=OPEN, start=INSTANTS, seconds=st.integers(0, 40 * 86400))
def test_open_hours_are_as_long_as_the_engine_says(calendar: Calendar, start: datetime, seconds: int) -> None:
    end = start + timedelta(seconds=seconds)

    try:
        assert OpeningHours(calendar).worked(start, end) == working_time_between(calendar, start, end)
    except NeverOpensError:
        assert working_time_between(calendar, start, end) == timedelta(0)


@settings(max_examples=150, deadline=None)
@given(calendar=OPEN, start=INSTANTS, days=st.integers(1, 12), ends=st.sampled_from(tuple(DayEnd)))
def test_business_days_end_when_the_engine_says(calendar: Calendar, start: datetime, days: int, ends: DayEnd) -> None:
    target = Target(measure=Measure.BUSINESS_DAYS, amount=days, ends=ends)
    hours = OpeningHours(calendar)

    try:
        due = due_at(calendar, start, target)
    except NoWorkingTimeError:
        with pytest.raises(NeverOpensError):
            hours.days_later(start, days, at_closing=ends is DayEnd.END_OF_DAY)
    else:
        assert hours.days_later(start, days, at_closing=ends is DayEnd.END_OF_DAY) == due

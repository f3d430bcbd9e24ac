"""Working time: the procedure's conventions, daylight saving, and what a minute-by-minute model says."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.business_hours import NoWorkingTimeError
from policy.calendars import Calendar, Weekday
from policy.targets import DayEnd, Measure, Target
from policy.working_time import add_working_time, due_at, next_opening, seconds_of, working_time_between

WORKDAYS = (Weekday.MON, Weekday.TUE, Weekday.WED, Weekday.THU, Weekday.FRI)
Windows = tuple[tuple[str, str], ...]
NINE_TO_FIVE: Windows = (("09:00", "17:00"),)
BERLIN = Calendar(
    time_zone="Europe/Berlin",
    weekly=dict.fromkeys(WORKDAYS, NINE_TO_FIVE),
    holidays=("2026-04-03", "2026-04-06", "12-25"),
)
ROUND_THE_CLOCK: dict[Weekday, Windows] = dict.fromkeys(Weekday, (("00:00", "24:00"),))
MINUTE = timedelta(minutes=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def days(amount: int, ends: DayEnd = DayEnd.SAME_TIME) -> Target:
    return Target(measure=Measure.BUSINESS_DAYS, amount=amount, ends=ends)


@pytest.mark.parametrize(
    ("start", "amount", "due"),
    [
        ("2026-04-02T13:00:00Z", 3, "2026-04-09T13:00:00Z"),  # over Easter (core story 07)
        ("2026-06-05T16:00:00Z", 1, "2026-06-09T07:00:00Z"),  # Friday evening moves to Monday's opening
        ("2026-06-05T15:00:00Z", 1, "2026-06-09T07:00:00Z"),  # so does the very closing
        ("2026-06-02T05:00:00Z", 1, "2026-06-03T07:00:00Z"),  # before the day's opening
        ("2026-03-27T15:00:00Z", 1, "2026-03-30T14:00:00Z"),  # the same local time after the clocks changed
    ],
)
def test_business_days_are_due_at_the_same_local_time(start: str, amount: int, due: str) -> None:
    assert due_at(BERLIN, at(start), days(amount)) == at(due)


def test_a_same_time_past_the_closing_of_its_day_becomes_the_closing() -> None:
    calendar = Calendar(time_zone="UTC", weekly={Weekday.THU: NINE_TO_FIVE, Weekday.FRI: (("09:00", "14:00"),)})
    assert due_at(calendar, at("2026-06-04T16:00:00Z"), days(1)) == at("2026-06-05T14:00:00Z")


def test_business_days_are_worth_the_working_seconds_up_to_their_due_instant() -> None:
    start = at("2026-04-02T13:00:00Z")
    assert seconds_of(days(3), BERLIN, start) == 24 * 3600
    half = add_working_time(BERLIN, start, timedelta(hours=12))
    assert half == at("2026-04-08T09:00:00Z")


def test_an_elapsed_target_runs_through_the_night_whatever_calendar_its_severity_has() -> None:
    target = Target(measure=Measure.ELAPSED, amount=3600)
    assert due_at(BERLIN, at("2026-06-05T22:00:00Z"), target) == at("2026-06-05T23:00:00Z")
    assert seconds_of(target, BERLIN, at("2026-06-05T22:00:00Z")) == 3600


def test_a_target_used_up_at_closing_is_due_at_closing() -> None:
    target = Target(measure=Measure.WORKING_TIME, amount=4 * 3600)
    assert due_at(BERLIN, at("2026-06-05T11:00:00Z"), target) == at("2026-06-05T15:00:00Z")


def test_a_closing_is_not_open_and_an_opening_is() -> None:
    assert next_opening(BERLIN, at("2026-06-05T15:00:00Z")) == at("2026-06-08T07:00:00Z")
    assert next_opening(BERLIN, at("2026-06-05T07:00:00Z")) == at("2026-06-05T07:00:00Z")
    assert next_opening(BERLIN, at("2026-06-05T14:59:59Z")) == at("2026-06-05T14:59:59Z")
    assert next_opening(None, at("2026-06-06T00:00:00+02:00")) == at("2026-06-05T22:00:00Z")


def test_a_holiday_without_a_year_comes_every_year() -> None:
    assert next_opening(BERLIN, at("2028-12-25T10:00:00Z")) == at("2028-12-26T08:00:00Z")


@pytest.mark.parametrize(
    ("zone", "windows", "day", "hours"),
    [
        ("Europe/Berlin", (("00:00", "24:00"),), "2026-03-29", 23),
        ("Europe/Berlin", (("00:00", "24:00"),), "2026-10-25", 25),
        ("Europe/Berlin", (("02:30", "06:00"),), "2026-03-29", 3),  # opens at the first valid instant, 03:00
        ("Europe/Berlin", (("00:00", "02:30"),), "2026-03-29", 2),  # closes at it
        ("Europe/Berlin", (("02:10", "02:50"),), "2026-03-29", 0),  # skipped as a whole
        ("Europe/Berlin", (("02:30", "06:00"),), "2026-10-25", 4.5),  # opens at the first of the two
        ("Europe/Berlin", (("00:00", "02:30"),), "2026-10-25", 2.5),  # and closes at it
        ("Africa/Cairo", (("00:00", "06:00"),), "2026-04-24", 5),  # midnight itself is skipped
        ("Australia/Lord_Howe", (("00:00", "24:00"),), "2026-10-04", 23.5),
        ("Australia/Lord_Howe", (("00:00", "24:00"),), "2026-04-05", 24.5),
        ("Asia/Tehran", (("00:00", "24:00"),), "2022-03-22", 23),  # the last time that clocks changed there
        ("America/Sao_Paulo", (("00:00", "06:00"),), "2018-11-04", 5),  # midnight was skipped
        ("America/Sao_Paulo", (("00:00", "24:00"),), "2018-02-17", 25),  # the hour before midnight came twice
        ("Pacific/Apia", (("09:00", "17:00"),), "2011-12-30", 0),  # a day that never was
    ],
)
def test_windows_are_placed_in_local_time_and_measured_in_time_that_passes(
    zone: str, windows: Windows, day: str, hours: float
) -> None:
    calendar = Calendar(time_zone=zone, weekly=dict.fromkeys(Weekday, windows))
    midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone))
    worked = working_time_between(calendar, midnight.astimezone(UTC), (midnight + timedelta(days=1)).astimezone(UTC))
    assert worked == timedelta(hours=hours)


NIGHTS = Calendar(
    time_zone="Europe/Berlin",
    weekly=dict.fromkeys(WORKDAYS, (("22:00", "06:00"),)),
    holidays=("2026-04-03", "2026-04-06"),
)


@pytest.mark.parametrize(
    ("begin", "end", "hours"),
    [
        ("2026-06-01T00:00:00+02:00", "2026-06-01T22:00:00+02:00", 0),  # Monday: no night began on Sunday
        ("2026-06-01T22:00:00+02:00", "2026-06-02T06:00:00+02:00", 8),
        ("2026-06-05T12:00:00+02:00", "2026-06-08T12:00:00+02:00", 8),  # Friday's night is over on Saturday
        (
            "2026-04-02T12:00:00+02:00",
            "2026-04-03T12:00:00+02:00",
            8,
        ),  # the night before a holiday is worked to its end
        ("2026-04-03T12:00:00+02:00", "2026-04-04T12:00:00+02:00", 0),  # the one that would begin on it is not
        ("2026-12-31T23:00:00+01:00", "2027-01-01T01:30:00+01:00", 2.5),
        ("2025-12-31T12:00:00+01:00", "2027-01-01T03:00:00+01:00", 8 * 261 - 16 + 5 - 1 + 1),
    ],
)
def test_a_night_belongs_to_the_day_on_which_it_begins(begin: str, end: str, hours: float) -> None:
    assert working_time_between(NIGHTS, at(begin), at(end)) == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("start", "amount", "same_time", "end_of_day"),
    [
        ("2026-06-02T02:00:00+02:00", 1, "2026-06-03T02:00:00+02:00", "2026-06-03T06:00:00+02:00"),  # in Monday's night
        ("2026-06-06T02:00:00+02:00", 1, "2026-06-09T02:00:00+02:00", "2026-06-09T06:00:00+02:00"),  # in Friday's
        ("2026-06-06T12:00:00+02:00", 1, "2026-06-09T22:00:00+02:00", "2026-06-10T06:00:00+02:00"),  # from Monday on
        ("2027-01-01T02:00:00+01:00", 1, "2027-01-02T02:00:00+01:00", "2027-01-02T06:00:00+01:00"),  # over New Year
    ],
)
def test_business_days_of_nights_count_from_the_day_the_night_began(
    start: str, amount: int, same_time: str, end_of_day: str
) -> None:
    assert due_at(NIGHTS, at(start), days(amount)) == at(same_time)
    assert due_at(NIGHTS, at(start), days(amount, DayEnd.END_OF_DAY)) == at(end_of_day)


@pytest.mark.parametrize(
    ("start", "amount", "due"),
    [
        ("2026-04-02T13:00:00Z", 3, "2026-04-09T15:00:00Z"),  # over Easter
        ("2026-06-05T16:00:00Z", 1, "2026-06-09T15:00:00Z"),  # Friday evening: Monday is the day it begins
        ("2026-06-02T05:00:00Z", 1, "2026-06-03T15:00:00Z"),
        ("2026-03-27T15:00:00Z", 1, "2026-03-30T15:00:00Z"),
    ],
)
def test_the_end_of_a_business_day_is_its_closing(start: str, amount: int, due: str) -> None:
    assert due_at(BERLIN, at(start), days(amount, DayEnd.END_OF_DAY)) == at(due)


def test_a_day_that_never_was_is_no_business_day() -> None:
    calendar = Calendar(time_zone="Pacific/Apia", weekly=dict.fromkeys(WORKDAYS, NINE_TO_FIVE))
    assert due_at(calendar, at("2011-12-29T10:00:00-10:00"), days(1)) == at("2012-01-02T10:00:00+14:00")


def test_a_same_time_that_is_skipped_is_the_first_valid_instant() -> None:
    calendar = Calendar(time_zone="Europe/Berlin", weekly=ROUND_THE_CLOCK)
    assert due_at(calendar, at("2026-03-28T02:30:00+01:00"), days(1)) == at("2026-03-29T01:00:00Z")
    assert due_at(calendar, at("2026-10-24T02:30:00+02:00"), days(1)) == at("2026-10-25T00:30:00Z")


def test_a_calendar_that_never_opens_says_so() -> None:
    closed = Calendar(time_zone="UTC", weekly={})
    with pytest.raises(NoWorkingTimeError, match="no working time"):
        add_working_time(closed, at("2026-01-01T00:00:00Z"), MINUTE)
    with pytest.raises(NoWorkingTimeError):
        next_opening(closed, at("2026-01-01T00:00:00Z"))
    with pytest.raises(NoWorkingTimeError):
        due_at(closed, at("2026-01-01T00:00:00Z"), days(1))


def test_working_time_is_never_taken_away() -> None:
    with pytest.raises(ValueError, match="not taken away"):
        add_working_time(BERLIN, at("2026-01-01T00:00:00Z"), -MINUTE)


def test_no_working_time_at_all_ends_at_the_start_even_where_it_is_closed() -> None:
    assert add_working_time(BERLIN, at("2026-06-06T12:00:00Z"), timedelta(0)) == at("2026-06-06T12:00:00Z")


TIMES = ("00:00", "01:30", "02:30", "03:00", "08:45", "12:00", "13:15", "23:30", "24:00")
NIGHT = ("23:30", "02:30")


def windows(*, nights: bool) -> st.SearchStrategy[Windows]:
    """Make windows of a day that overlap neither each other nor those of the days around it."""
    times = [each for each in TIMES if NIGHT[1] <= each <= NIGHT[0] or not nights]
    by_day = st.lists(st.sampled_from(times), max_size=4, unique=True).map(
        lambda chosen: tuple(zip(sorted(chosen)[::2], sorted(chosen)[1::2], strict=False))
    )
    return by_day.map(lambda day: (*day, NIGHT)) if nights else by_day


CALENDARS = st.booleans().flatmap(
    lambda nights: st.builds(
        Calendar,
        time_zone=st.sampled_from(("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")),
        weekly=st.dictionaries(st.sampled_from(tuple(Weekday)), windows(nights=nights)),
        holidays=st.lists(st.sampled_from(("2026-03-30", "03-09", "2026-10-26", "12-31", "01-01")), max_size=3).map(
            tuple
        ),
    )
)
FIRST = {
    "around March": at("2026-03-27T00:00:00Z"),
    "around New York's change": at("2026-03-06T00:00:00Z"),
    "around October": at("2026-10-23T00:00:00Z"),
    "around New Year": at("2026-12-30T00:00:00Z"),
}


def is_open(calendar: Calendar, minute: datetime) -> bool:
    """Say whether a minute is working time by its local reading; right but where a window's edge is ambiguous."""
    local = minute.astimezone(ZoneInfo(calendar.time_zone))
    reading = f"{local:%H:%M}"
    today, yesterday = (opening_on(calendar, day) for day in (local.date(), local.date() - timedelta(days=1)))
    return any(opens <= reading and (reading < closes or closes < opens) for opens, closes in today) or any(
        reading < closes < opens for opens, closes in yesterday
    )


def opening_on(calendar: Calendar, day: date) -> Windows:
    closed = {f"{day:%Y-%m-%d}", f"{day:%m-%d}"} & set(calendar.holidays)
    return () if closed else calendar.weekly.get(tuple(Weekday)[day.weekday()], ())


def has_repeated_edge(calendar: Calendar) -> bool:
    """Windows with an edge in an hour that occurs twice are left to the table above: the model cannot read them."""
    edges = {edge for windows in calendar.weekly.values() for window in windows for edge in window}
    return bool(edges & {"01:30", "02:30"}) and calendar.time_zone not in {"UTC", "Asia/Kolkata"}


@settings(max_examples=60, deadline=None)
@given(
    calendar=CALENDARS, first=st.sampled_from(sorted(FIRST)), begin=st.integers(0, 4000), length=st.integers(0, 3000)
)
def test_working_time_is_what_counting_minutes_says(calendar: Calendar, first: str, begin: int, length: int) -> None:
    if first != "around March" and has_repeated_edge(calendar):
        return
    start = FIRST[first] + begin * MINUTE
    minutes = [start + number * MINUTE for number in range(length)]
    counted = sum(is_open(calendar, minute) for minute in minutes)
    assert working_time_between(calendar, start, start + length * MINUTE) == counted * MINUTE


@settings(max_examples=200, deadline=None)
@given(
    calendar=CALENDARS.filter(lambda calendar: any(calendar.weekly.values())),
    begin=st.datetimes(at("2024-01-01").replace(tzinfo=None), at("2027-12-31").replace(tzinfo=None)),
    seconds=st.integers(1, 90 * 86400),
)
def test_adding_working_time_is_the_inverse_of_measuring_it(calendar: Calendar, begin: datetime, seconds: int) -> None:
    start, amount = begin.replace(tzinfo=UTC), timedelta(seconds=seconds)
    try:
        due = add_working_time(calendar, start, amount)
    except NoWorkingTimeError:
        return  # its only windows lie in an hour that never is
    assert working_time_between(calendar, start, due) == amount
    assert working_time_between(calendar, due, start) == -amount
    assert working_time_between(calendar, start, due - timedelta(microseconds=1)) < amount


@settings(max_examples=100, deadline=None)
@given(begin=st.datetimes(at("2025-01-01").replace(tzinfo=None), at("2027-12-31").replace(tzinfo=None)))
def test_business_days_never_fall_due_earlier_for_more_of_them(begin: datetime) -> None:
    start = begin.replace(tzinfo=UTC)
    dues = [due_at(BERLIN, start, days(amount)) for amount in range(5)]
    assert dues == sorted(dues)
    assert working_time_between(BERLIN, start, dues[4]) == timedelta(seconds=seconds_of(days(4), BERLIN, start))

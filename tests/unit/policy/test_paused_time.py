"""Working time with pauses, held against counting minutes."""

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from policy.calendars import Calendar, Weekday
from policy.paused_time import due_with_pauses, worked_with_pauses
from policy.working_time import working_time_between

MINUTE = timedelta(minutes=1)
START = datetime.fromisoformat("2026-03-27T07:00:00+00:00")
"""A Friday; clocks change on Sunday."""
CALENDAR = Calendar(
    time_zone="Europe/Berlin",
    weekly={Weekday.FRI: (("09:00", "12:00"), ("22:00", "06:00")), Weekday.SUN: (("00:00", "05:00"),)},
)
INSTANTS = st.integers(-300, 4000).map(lambda minutes: START + minutes * MINUTE)
PAUSES = st.lists(st.tuples(INSTANTS, INSTANTS).map(lambda pair: (min(pair), max(pair))), max_size=5)


def counted(end: datetime, pauses: list[tuple[datetime, datetime]]) -> int:
    minutes = (START + number * MINUTE for number in range((end - START) // MINUTE))
    running = (one for one in minutes if not any(since <= one < until for since, until in pauses))
    return sum(working_time_between(CALENDAR, one, one + MINUTE) == MINUTE for one in running)


@settings(max_examples=60, deadline=None)
@given(pauses=PAUSES, length=st.integers(0, 4000))
def test_no_working_time_passes_in_a_pause_however_pauses_lie(
    pauses: list[tuple[datetime, datetime]], length: int
) -> None:
    end = START + length * MINUTE
    assert worked_with_pauses(CALENDAR, START, end, pauses) == counted(end, pauses) * MINUTE
    assert worked_with_pauses(CALENDAR, end, START, pauses) == -counted(end, pauses) * MINUTE


@settings(max_examples=60, deadline=None)
@given(pauses=PAUSES, amount=st.integers(1, 600))
def test_what_is_due_is_the_first_instant_at_which_it_is_worked(
    pauses: list[tuple[datetime, datetime]], amount: int
) -> None:
    due = due_with_pauses(CALENDAR, START, amount * MINUTE, pauses)
    assert worked_with_pauses(CALENDAR, START, due, pauses) == amount * MINUTE
    assert worked_with_pauses(CALENDAR, START, due - MINUTE, pauses) < amount * MINUTE

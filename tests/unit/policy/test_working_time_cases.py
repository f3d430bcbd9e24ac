"""The acceptance cases of public help desks (`tests/acceptance/sla_clock_cases.json`)."""

from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from policy.calendars import Calendar
from policy.working_time import add_working_time, working_time_between

CASES = Path(__file__).parents[2] / "acceptance" / "sla_clock_cases.json"


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One case; which of the last fields it has follows from `op`."""

    id: str
    source: str
    op: str
    calendar: Calendar
    pauses: tuple[tuple[datetime, datetime], ...]
    start: datetime
    working_seconds: int = 0
    expected: datetime | None = None
    end: datetime | None = None
    expected_seconds: int | None = None


class Cases(msgspec.Struct, frozen=True, kw_only=True):
    """The file."""

    cases: tuple[Case, ...]


def read_cases(op: str) -> list[Case]:
    cases = [case for case in msgspec.json.decode(CASES.read_bytes(), type=Cases).cases if case.op == op]
    assert cases
    return cases


def due_with_pauses(case: Case) -> datetime:
    """Run the clock from pause to pause, as the monitor does."""
    runs_from, left = case.start, timedelta(seconds=case.working_seconds)
    for pause_start, pause_end in case.pauses:
        used = working_time_between(case.calendar, runs_from, max(pause_start, runs_from))
        if used >= left:
            break
        runs_from, left = max(pause_end, runs_from), left - used
    return add_working_time(case.calendar, runs_from, left)


@pytest.mark.parametrize("case", read_cases("due_at"), ids=lambda case: case.id)
def test_a_due_time_is_that_of_the_public_help_desks(case: Case) -> None:
    assert due_with_pauses(case) == case.expected


@pytest.mark.parametrize("case", read_cases("working_seconds_between"), ids=lambda case: case.id)
def test_working_time_is_that_of_the_public_help_desks(case: Case) -> None:
    assert case.end is not None
    worked = working_time_between(case.calendar, case.start, case.end)
    for pause_start, pause_end in case.pauses:
        worked -= working_time_between(case.calendar, pause_start, pause_end)
    assert worked == timedelta(seconds=case.expected_seconds or 0)


def test_every_operation_of_the_cases_is_tested() -> None:
    ops = {case.op for case in msgspec.json.decode(CASES.read_bytes(), type=Cases).cases}
    assert ops == {"due_at", "working_seconds_between"}

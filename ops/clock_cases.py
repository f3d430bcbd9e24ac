"""Worked examples of deadlines, as a company writes them: read strictly, and held against our arithmetic."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from chassis.errors import EscalonError
from policy.calendars import Calendar
from policy.checks import check_calendar
from policy.paused_time import due_with_pauses, worked_with_pauses

_CENTURY_SECONDS = 100 * 365 * 86_400
_Instant = Annotated[datetime, Meta(tz=True)]


class ClockCasesError(EscalonError):
    """A file that holds no cases; says where and why."""


class _Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="op"):
    """Where and when; `source` says where the example is from."""

    id: str
    calendar: Calendar
    start: _Instant
    pauses: tuple[tuple[_Instant, _Instant], ...] = ()
    source: str = ""


class DueCase(_Case, frozen=True, kw_only=True, tag="due_at"):
    """So many working seconds after the start it is `expected`."""

    working_seconds: Annotated[float, Meta(ge=0, le=_CENTURY_SECONDS)]
    expected: _Instant

    def difference(self) -> str | None:
        """Return what is otherwise, if anything is."""
        amount = timedelta(seconds=self.working_seconds)
        found = due_with_pauses(self.calendar, self.start, amount, self.pauses)
        return None if found == self.expected else f"due at {_shown(found)}, not {_shown(self.expected)}"


class WorkedCase(_Case, frozen=True, kw_only=True, tag="working_seconds_between"):
    """From start to end so many working seconds pass."""

    end: _Instant
    expected_seconds: float

    def difference(self) -> str | None:
        """Return what is otherwise, if anything is."""
        found = worked_with_pauses(self.calendar, self.start, self.end, self.pauses).total_seconds()
        return None if found == self.expected_seconds else f"{found:g} working seconds, not {self.expected_seconds:g}"


Case = DueCase | WorkedCase


class _Cases(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    cases: tuple[Case, ...]
    note: str = ""
    conventions: str = ""


def read_cases(path: Path) -> tuple[Case, ...]:
    """Return the cases of a JSON file; raises ClockCasesError for one that is not, or whose calendar is none."""
    try:
        cases = msgspec.json.decode(path.read_bytes(), type=_Cases).cases
    except OSError as error:
        raise ClockCasesError(f"{path}: cannot be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise ClockCasesError(f"{path}: {error}") from error
    for case in cases:
        for place, says in check_calendar(case.calendar, "calendar"):
            raise ClockCasesError(f"{path}: case {case.id!r}: {place}: {says}")
    return cases


def differences(cases: tuple[Case, ...]) -> Iterator[str]:
    """Yield a line for each case that comes out otherwise."""
    for case in cases:
        try:
            found = case.difference()
        except ValueError as error:
            found = str(error)
        if found is not None:
            yield f"{case.id}: {found}"


def _shown(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")

"""Worked examples of deadlines, as a company writes them: each read strictly, and held against our arithmetic.

A case that cannot be read differs too; it keeps none of the others from being looked at.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from chassis.errors import EscalonError
from policy.business_hours import NoWorkingTimeError
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
    """So many working seconds after the start it is `expected`; null: never, as the calendar never opens."""

    working_seconds: Annotated[float, Meta(ge=0, le=_CENTURY_SECONDS)]
    expected: _Instant | None

    def difference(self) -> str | None:
        """Return what is otherwise, if anything is."""
        try:
            amount = timedelta(seconds=self.working_seconds)
            found = due_with_pauses(self.calendar, self.start, amount, self.pauses)
        except NoWorkingTimeError as error:
            return None if self.expected is None else str(error)
        return None if found == self.expected else f"due at {_shown(found)}, not {_shown(self.expected)}"


class WorkedCase(_Case, frozen=True, kw_only=True, tag="working_seconds_between"):
    """From start to end so many working seconds pass."""

    end: _Instant
    expected_seconds: float

    def difference(self) -> str | None:
        """Return what is otherwise, if anything is."""
        found = worked_with_pauses(self.calendar, self.start, self.end, self.pauses).total_seconds()
        return None if found == self.expected_seconds else f"{found:g} working seconds, not {self.expected_seconds:g}"


class UnreadableCase(msgspec.Struct, frozen=True, kw_only=True):
    """What should be a case and is none."""

    id: str
    says: str

    def difference(self) -> str | None:
        """Return why."""
        return f"cannot be read: {self.says}"


Case = DueCase | WorkedCase | UnreadableCase
_decoder: msgspec.json.Decoder[DueCase | WorkedCase] = msgspec.json.Decoder(DueCase | WorkedCase)


class _Cases(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    cases: tuple[msgspec.Raw, ...]
    note: str = ""
    conventions: str = ""


class _Named(msgspec.Struct, frozen=True, kw_only=True):
    id: str


def read_cases(path: Path) -> tuple[Case, ...]:
    """Return the cases of a JSON file; raises ClockCasesError for a file that is none."""
    try:
        written = msgspec.json.decode(path.read_bytes(), type=_Cases).cases
    except OSError as error:
        raise ClockCasesError(f"{path}: cannot be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise ClockCasesError(f"{path}: {error}") from error
    return tuple(_read(one, number) for number, one in enumerate(written, start=1))


def _read(written: msgspec.Raw, number: int) -> Case:
    try:
        case = _decoder.decode(written)
    except msgspec.DecodeError as error:
        return UnreadableCase(id=_name(written, number), says=str(error))
    for place, says in check_calendar(case.calendar, "calendar"):
        # A calendar that never opens is none to work by, but an example may well ask what becomes of it.
        if place != "calendar.weekly":
            return UnreadableCase(id=case.id, says=f"{place}: {says}")
    return case


def _name(written: msgspec.Raw, number: int) -> str:
    try:
        return msgspec.json.decode(written, type=_Named).id
    except msgspec.DecodeError:
        return f"case {number}"


def differences(cases: tuple[Case, ...]) -> Iterator[str]:
    """Yield a line for each case that comes out otherwise, or cannot be read."""
    for case in cases:
        found = case.difference()
        if found is not None:
            yield f"{case.id}: {found}"


def _shown(instant: datetime | None) -> str:
    return "never" if instant is None else instant.isoformat().replace("+00:00", "Z")

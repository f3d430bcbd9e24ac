"""Worked examples of deadlines: those of public help desks come out, and what differs or is no case is told."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from ops.clock_cases import ClockCasesError, DueCase, WorkedCase, differences, read_cases

CASES = Path(__file__).parents[2] / "acceptance" / "sla_clock_cases.json"
ALL = read_cases(CASES)


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.id)
def test_a_case_comes_out_as_the_public_help_desks_say(case: DueCase | WorkedCase) -> None:
    assert case.difference() is None


def test_there_are_cases_of_both_kinds() -> None:
    assert {type(case) for case in ALL} == {DueCase, WorkedCase}


def test_a_case_that_differs_by_a_second_is_told_by_name() -> None:
    due = next(case for case in ALL if isinstance(case, DueCase))
    worked = next(case for case in ALL if isinstance(case, WorkedCase))
    later = msgspec.structs.replace(due, id="later", expected=due.expected + timedelta(seconds=1))
    longer = msgspec.structs.replace(worked, id="longer", expected_seconds=worked.expected_seconds + 1)
    assert list(differences((*ALL, later, longer))) == [
        "later: due at 2024-01-17T12:00:00Z, not 2024-01-17T12:00:01Z",
        "longer: 70200 working seconds, not 70201",
    ]


CASE = {
    "id": "ours",
    "op": "due_at",
    "calendar": {"time_zone": "UTC", "weekly": {"mon": [["09:00", "17:00"]]}},
    "start": "2026-06-01T09:00:00Z",
    "working_seconds": 60,
    "expected": "2026-06-01T09:01:00Z",
}


def written(tmp_path: Path, case: Mapping[str, object]) -> Path:
    path = tmp_path / "cases.json"
    path.write_bytes(msgspec.json.encode({"cases": [case]}))
    return path


def test_what_may_be_left_out_may_be(tmp_path: Path) -> None:
    assert list(differences(read_cases(written(tmp_path, CASE)))) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"op": "due"}, "Invalid value 'due'"),
        ({"working_seconds": -1}, r">= 0.0 - at `\$.cases\[0\].working_seconds`"),
        ({"start": "2026-06-01T09:00:00"}, r"timezone component - at `\$.cases\[0\].start`"),
        ({"pause": []}, "unknown field `pause`"),
        (
            {"calendar": {"time_zone": "Mars", "weekly": {"mon": [["09:00", "17:00"]]}}},
            "case 'ours': calendar.time_zone",
        ),
        ({"calendar": {"time_zone": "UTC", "weekly": {"mon": [["9:00", "17:00"]]}}}, "'9:00' is no time of day"),
    ],
)
def test_what_is_no_case_is_an_error_that_says_where(tmp_path: Path, change: Mapping[str, object], says: str) -> None:
    path = written(tmp_path, {**CASE, **change})
    with pytest.raises(ClockCasesError, match=says) as caught:
        read_cases(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ClockCasesError, match="cannot be read: No such file"):
        read_cases(tmp_path / "gone.json")

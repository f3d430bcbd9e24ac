"""Worked examples of deadlines: those of public help desks come out, and what differs or is no case is told."""

import re
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
    assert due.expected is not None
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


def written(tmp_path: Path, *cases: Mapping[str, object]) -> Path:
    path = tmp_path / "cases.json"
    path.write_bytes(msgspec.json.encode({"cases": cases}))
    return path


def test_what_may_be_left_out_may_be(tmp_path: Path) -> None:
    assert list(differences(read_cases(written(tmp_path, CASE)))) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"op": "due"}, "Invalid value 'due'"),
        ({"working_seconds": -1}, r">= 0.0 - at `\$.working_seconds`"),
        ({"start": "2026-06-01T09:00:00"}, r"timezone component - at `\$.start`"),
        ({"pause": []}, "unknown field `pause`"),
        (
            {"calendar": {"time_zone": "Mars", "weekly": {"mon": [["09:00", "17:00"]]}}},
            "calendar.time_zone",
        ),
        ({"calendar": {"time_zone": "UTC", "weekly": {"mon": [["9:00", "17:00"]]}}}, "'9:00' is no time of day"),
    ],
)
def test_what_is_no_case_says_so_and_the_others_are_looked_at(
    tmp_path: Path, change: Mapping[str, object], says: str
) -> None:
    path = written(tmp_path, {**CASE, **change}, {**CASE, "id": "the other", "working_seconds": 120})
    unreadable, other = differences(read_cases(path))
    assert re.match(rf"ours: cannot be read: .*{says}", unreadable)
    assert other == "the other: due at 2026-06-01T09:02:00Z, not 2026-06-01T09:01:00Z"


def test_a_case_without_a_name_is_told_by_its_number(tmp_path: Path) -> None:
    path = written(tmp_path, CASE, {**CASE, "id": 7}, {"op": "due_at"})
    assert [line.partition(":")[0] for line in differences(read_cases(path))] == ["case 2", "case 3"]


CLOSED = {"calendar": {"time_zone": "UTC", "weekly": {}}}
WORKED = {
    **{key: value for key, value in CASE.items() if key not in ("working_seconds", "expected")},
    "op": "working_seconds_between",
    "end": "2026-06-09T09:00:00Z",
    "expected_seconds": 57_600,
}


@pytest.mark.parametrize(
    "case",
    [
        {**CASE, **CLOSED, "expected": None},
        {**WORKED, **CLOSED, "expected_seconds": 0},
        {**CASE, **CLOSED, "working_seconds": 0, "expected": "2026-06-01T09:00:00Z"},
        {**WORKED, "start": "2026-06-09T09:00:00Z", "end": "2026-06-01T09:00:00Z", "expected_seconds": -57_600},
        {**WORKED, "start": "2026-06-01T11:00:00+02:00", "pauses": []},
        {**WORKED, "pauses": [["2026-06-01T12:00:00Z", "2026-06-01T10:00:00Z"]]},
        {**WORKED, "pauses": [["2026-05-01T12:00:00Z", "2026-06-01T10:00:00Z"]], "expected_seconds": 54_000},
        {**CASE, "working_seconds": 0.25, "expected": "2026-06-01T09:00:00.250Z"},
        {
            **CASE,
            "working_seconds": 0,
            "pauses": [["2026-06-01T08:00:00Z", "2026-06-01T10:00:00Z"]],
            "expected": "2026-06-01T09:00:00Z",
        },
    ],
)
def test_a_case_at_the_edge_comes_out(tmp_path: Path, case: Mapping[str, object]) -> None:
    assert list(differences(read_cases(written(tmp_path, case)))) == []


def test_a_case_that_should_never_fall_due_and_does_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, {**CASE, "expected": None}, {**CASE, **CLOSED})
    assert [line.partition(" is")[0].partition(" for")[0] for line in differences(read_cases(path))] == [
        "ours: due at 2026-06-01T09:01:00Z, not never",
        "ours: the calendar in UTC has no working time",
    ]


@pytest.mark.parametrize("content", ["{", "[]", '{"cases": 3}', '{"case": []}'])
def test_a_file_that_holds_no_cases_is_an_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "cases.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ClockCasesError, match=f"^{re.escape(str(path))}: "):
        read_cases(path)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ClockCasesError, match="cannot be read: No such file"):
        read_cases(tmp_path / "gone.json")

"""A shelf's verdict counts everything that did not pass."""

from dataclasses import replace
from pathlib import Path

from tests.harness.shelves import SHELVES, Shelf, run_shelf

_ONE_OF_EACH = """
import pytest
def test_one_is_one(): assert 1 == 1
def test_one_is_two(): assert 1 == 2
@pytest.mark.skip(reason="no")
def test_is_not_run(): ...
"""


def _shelf(folder: Path, text: str, *checks: tuple[str, ...]) -> Shelf:
    folder.mkdir()
    (folder / "test_it.py").write_text(text)
    return Shelf("some", (str(folder),), checks, needs_servers=False)


def test_what_failed_and_what_was_skipped_did_not_pass(tmp_path: Path) -> None:
    outcome = run_shelf(_shelf(tmp_path / "shelf", _ONE_OF_EACH), {})

    assert (outcome.passed, outcome.failed) == (1, 2)
    assert "test_one_is_two" in outcome.output


def test_a_shelf_that_cannot_be_read_fails(tmp_path: Path) -> None:
    outcome = run_shelf(_shelf(tmp_path / "shelf", "this is no Python"), {})

    assert outcome.failed == 1


def test_a_check_counts_as_a_test(tmp_path: Path) -> None:
    shelf = _shelf(tmp_path / "shelf", "def test_it_is_so(): ...", ("ruff", "--version"), ("ruff", "no-such-command"))

    outcome = run_shelf(shelf, {})

    assert (outcome.passed, outcome.failed) == (2, 1)


def test_a_shelf_that_tells_shows_what_its_tests_print_when_they_pass(tmp_path: Path) -> None:
    shelf = _shelf(tmp_path / "shelf", "def test_it_bites(): print('bit 3 times')")

    assert run_shelf(shelf, {}).told == ()
    assert run_shelf(replace(shelf, tells=True, workers=2), {}).told == ("  test_it_bites", "      bit 3 times")


def test_a_shelf_without_tests_yet_has_nothing_to_fail(tmp_path: Path) -> None:
    outcome = run_shelf(Shelf("empty", (str(tmp_path),)), {})

    assert (outcome.passed, outcome.failed) == (0, 0)


def test_check_comes_first_and_bench_is_not_among_them() -> None:
    assert SHELVES[0].name == "check"
    assert "bench" not in {shelf.name for shelf in SHELVES}

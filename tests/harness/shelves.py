"""The shelves of tests, and how each is run: its steps, its counts, its time."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parents[2]
_NO_TESTS = 5


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder of tests, and the checks without tests that come before it."""

    name: str
    folders: tuple[str, ...]
    checks: tuple[tuple[str, ...], ...] = ()
    needs_servers: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a shelf. A check counts as one test; so does a run that broke down as a whole."""

    shelf: str
    passed: int
    failed: int
    seconds: float
    output: str


SHELVES = (
    Shelf(
        "check",
        ("tests/architecture",),
        (
            ("ruff", "format", "--check", "."),
            ("ruff", "check", "."),
            ("mypy", "."),
            ("lint-imports",),
        ),
        needs_servers=False,
    ),
    Shelf("unit", ("tests/unit", "tests/acceptance"), needs_servers=False),
    Shelf("contract", ("tests/contract",)),
    Shelf("integration", ("tests/integration",)),
    Shelf("e2e", ("tests/e2e",)),
    Shelf("fault", ("tests/fault",)),
)
"""Every shelf of `make test`; `bench` measures and does not judge, so it is run by hand."""


def run_shelf(shelf: Shelf, addresses: Mapping[str, str]) -> Outcome:
    """Run its checks, then its tests with the servers' addresses in their environment."""
    began = time.monotonic()
    environment = {**os.environ, **addresses}
    steps = [_run(_program(check), environment) for check in shelf.checks]
    failures = [said for code, said in steps if code]
    passed, failed, said = _run_tests(shelf, environment)
    return Outcome(
        shelf=shelf.name,
        passed=passed + len(steps) - len(failures),
        failed=failed + len(failures),
        seconds=time.monotonic() - began,
        output="\n".join([*failures, said]),
    )


def _program(check: tuple[str, ...]) -> list[str]:
    return [str(Path(sys.executable).parent / check[0]), *check[1:]]


def _run(command: list[str], environment: Mapping[str, str]) -> tuple[int, str]:
    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.returncode, done.stdout


def _run_tests(shelf: Shelf, environment: Mapping[str, str]) -> tuple[int, int, str]:
    """Return how many passed and failed, and what pytest said; a shelf that is still empty has nothing to fail."""
    folders = [folder for folder in shelf.folders if any((ROOT / folder).rglob("test_*.py"))]
    if not folders:
        return 0, 0, ""
    with tempfile.TemporaryDirectory() as scratch:
        results = Path(scratch) / "results.xml"
        command = [sys.executable, "-m", "pytest", *folders, f"--junitxml={results}", "--durations=5"]
        code, said = _run(command, environment)
        passed, failed = _counted(results)
    broke_down = code not in (0, _NO_TESTS) and failed == 0
    return passed, failed + broke_down, said


def _counted(results: Path) -> tuple[int, int]:
    """Return how many passed and did not; one that was skipped did not."""
    if not results.is_file():
        return 0, 0
    cases = list(ET.parse(results).getroot().iter("testcase"))  # noqa: S314  # pytest just wrote it
    failed = sum(any(case.find(kind) is not None for kind in ("failure", "error", "skipped")) for case in cases)
    return len(cases) - failed, failed

"""The shelves of tests, and how each is run: its steps, its counts, its time."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
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
    workers: int = 1
    """Processes that share its files; the tests of a file stay together, in order."""
    tells: bool = False
    """Whether what its tests print is shown, also when they pass."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a shelf. A check counts as one test; so does a run that broke down as a whole."""

    shelf: str
    passed: int
    failed: int
    seconds: float
    output: str
    told: tuple[str, ...] = ()
    """What the tests of a shelf that tells have printed, each under its name."""


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
    Shelf("unit", ("tests/unit", "tests/acceptance"), needs_servers=False, workers=2),
    Shelf("contract", ("tests/contract",)),
    # Most of their time these wait for a broker, a session or a clock.
    Shelf("integration", ("tests/integration",), workers=3),
    Shelf("e2e", ("tests/e2e",), workers=3),
    # Two: three leave no time of the processor to anybody, and what waits for its turn looks as if it was lost.
    Shelf("fault", ("tests/fault",), workers=2, tells=True),
)
"""Every shelf of `make test`; `bench` measures and does not judge, so it is run by hand."""


def run_shelf(shelf: Shelf, addresses: Mapping[str, str]) -> Outcome:
    """Run its checks, then its tests with the servers' addresses in their environment."""
    began = time.monotonic()
    environment = {**os.environ, **addresses}
    steps = [_run(_program(check), environment) for check in shelf.checks]
    failures = [said for code, said in steps if code]
    tests = _run_tests(shelf, environment)
    return Outcome(
        shelf=shelf.name,
        passed=tests.passed + len(steps) - len(failures),
        failed=tests.failed + len(failures),
        seconds=time.monotonic() - began,
        output="\n".join([*failures, tests.output]),
        told=tests.told if shelf.tells else (),
    )


def _program(check: tuple[str, ...]) -> list[str]:
    return [str(Path(sys.executable).parent / check[0]), *check[1:]]


def _run(command: list[str], environment: Mapping[str, str]) -> tuple[int, str]:
    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.returncode, done.stdout


def _run_tests(shelf: Shelf, environment: Mapping[str, str]) -> Outcome:
    """Run pytest once; a shelf that is still empty has nothing to fail."""
    began = time.monotonic()
    folders = [folder for folder in shelf.folders if any((ROOT / folder).rglob("test_*.py"))]
    if not folders:
        return Outcome(shelf.name, 0, 0, 0.0, "")
    with tempfile.TemporaryDirectory() as scratch:
        results = Path(scratch) / "results.xml"
        command = [sys.executable, "-m", "pytest", *folders, "--durations=5"]
        command += [f"--junitxml={results}", "-o", "junit_logging=system-out"]
        command += (
            ["-n", str(shelf.workers), "--dist", "loadfile", "--no-loadscope-reorder"] if shelf.workers > 1 else []
        )
        code, said = _run(command, environment)
        cases = _cases(results)
    failed = sum(_has(case, "failure", "error", "skipped") for case in cases)
    broke_down = code not in (0, _NO_TESTS) and failed == 0
    passed = len(cases) - failed
    return Outcome(shelf.name, passed, failed + broke_down, time.monotonic() - began, said, tuple(_told(cases)))


def _cases(results: Path) -> list[ET.Element]:
    if not results.is_file():
        return []
    return list(ET.parse(results).getroot().iter("testcase"))  # noqa: S314  # pytest just wrote it


def _has(case: ET.Element, *kinds: str) -> bool:
    """Tell whether a test did not pass; one that was skipped did not."""
    return any(case.find(kind) is not None for kind in kinds)


def _told(cases: list[ET.Element]) -> Iterator[str]:
    for case in cases:
        printed = (case.findtext("system-out") or "").splitlines()
        lines = [line for line in printed if line.strip() and not line.startswith("---")]
        if lines:
            yield f"  {case.get('name')}"
            yield from (f"      {line}" for line in lines)

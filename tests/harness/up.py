"""`escalon up` as a user runs it, in a folder and on ports of the test's own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.local.ports import is_free
from tests.harness.ports import free_row
from tests.harness.sources import ROOT
from tests.harness.waiting import eventually_blocking

PORTS = 7
"""Kafka, its controller, and the health of five services."""


class UpRun:
    """A run of `escalon up`: what it says, and its end."""

    def __init__(self, folder: Path, port: int, *arguments: str, path: str | None = None) -> None:
        self._out, self._err = folder / "out.txt", folder / "err.txt"
        folder.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "ESCALON_LOCAL_DIR": str(folder / "local"), "ESCALON_LOCAL_PORT": str(port)}
        if path is not None:
            environment["PATH"] = path
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "ops", "up", *arguments], cwd=ROOT, env=environment, stdout=out, stderr=err
            )

    @property
    def lines(self) -> list[str]:
        """Return what it has printed."""
        return self._out.read_text(encoding="utf-8").splitlines()

    @property
    def complaints(self) -> list[str]:
        """Return what it has said on standard error."""
        return self._err.read_text(encoding="utf-8").splitlines()

    def until(self, words: str, within: float = 60.0) -> str:
        """Wait for a line with these words and return it."""
        line = eventually_blocking(lambda: self._line(words), within, what=lambda: f"{words!r} in {self.lines[-5:]}")
        return line or ""

    def ended(self, within: float) -> int:
        """Return the exit code; raises TimeoutExpired."""
        return self._child.wait(within)

    def interrupt(self) -> float:
        """Press Ctrl-C and return the seconds until it has ended."""
        began = time.monotonic()
        self._child.send_signal(signal.SIGINT)
        self._child.wait(30)
        return time.monotonic() - began

    def kill(self) -> None:
        """End it; its children end with it."""
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)
            self._child.wait(30)

    def _line(self, words: str) -> str | None:
        if self._child.poll() is not None:
            raise AssertionError(f"it has ended: {self.complaints}")
        return next((line for line in self.lines if words in line), None)


@contextmanager
def an_up(folder: Path, port: int, *arguments: str, path: str | None = None) -> Iterator[UpRun]:
    """Give a run; it is gone when the block ends."""
    run = UpRun(folder, port, *arguments, path=path)
    try:
        yield run
    finally:
        run.kill()


def free_ports() -> int:
    """Return the first of as many free ports in a row as it takes."""
    return free_row(PORTS)


def all_free(first: int) -> bool:
    """Tell whether nothing listens on any of its ports."""
    return all(is_free(first + offset) for offset in range(PORTS))

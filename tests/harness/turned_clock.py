"""The business time of an installation, turned by the test: an hour passes at once for every process that reads it."""

import threading
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from chassis.clock import ClockKeeper, SharedClock
from tests.harness.tickets import AT

_BEAT_SECONDS = 0.5
_GOES_ON_SECONDS = 3.0
"""A clock that is begun anew stands where whoever missed the last beat would have seen it: so much later."""


class TurnedClock:
    """Runs as fast as real time until it is turned or hurried; for services by ESCALON_CLOCK_FILE."""

    def __init__(self, path: Path) -> None:
        self.environment = {"ESCALON_CLOCK_FILE": str(path)}
        self._path = path
        self._clock = SharedClock(path)
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._beating = threading.Thread(target=self._beat, name="turned clock", daemon=True)

    def __enter__(self) -> Self:
        self.run_at(1)
        self._beating.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._beating.join()

    def now(self) -> datetime:
        """Return the business time."""
        return self._clock.now()

    def turn(self, by: timedelta) -> None:
        """Let so much time pass at once, and a few seconds."""
        self.run_at(by.total_seconds() / _GOES_ON_SECONDS)
        self.run_at(1)

    def run_at(self, speed: float) -> None:
        """Let the time run so many times as fast as real time."""
        with self._lock:
            ClockKeeper(self._path, AT, speed).start()

    def _beat(self) -> None:
        while not self._ending.wait(_BEAT_SECONDS):
            with self._lock:
                ClockKeeper(self._path, AT, 1).beat()

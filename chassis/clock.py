"""Business time. It is passed in, never read elsewhere; time-outs and back-off use the event loop's own clock."""

import json
import os
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from chassis.errors import StartUpError

_STALE_SECONDS = 3.0
"""After the last beat of its keeper a shared clock goes on for so long, then it stands still."""
_LOOK_SECONDS = 0.1
"""How old what a shared clock knows of its state may be."""


class Clock(Protocol):
    """Tells the business time (aware, UTC)."""

    def now(self) -> datetime:
        """Return the present instant."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never step back, in real time, for limits and back-off."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present instant."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never step back."""
        return time.monotonic()


REAL_TIME: Clock = SystemClock()
"""For what is always real time: limits, back-off, how long something has stood still."""


class ManualClock:
    """A clock that is turned by hand; its monotonic time turns with it."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._start = start

    def now(self) -> datetime:
        """Return the instant it was last turned to."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds it was turned since its start."""
        return (self._now - self._start).total_seconds()

    def turn_to(self, instant: datetime) -> None:
        """Turn it to an instant; raises ValueError for one that is past."""
        if instant < self._now:
            raise ValueError(f"the clock is at {self._now.isoformat()} and does not go back to {instant.isoformat()}")
        self._now = instant

    def advance(self, by: timedelta) -> None:
        """Turn it forward."""
        self.turn_to(self._now + by)


@dataclass(frozen=True, slots=True)
class _ClockState:
    """At real second `anchor_seconds` it was `business_at`; from then on time runs `speed` times as fast."""

    business_at: datetime
    anchor_seconds: float
    speed: float
    beat_seconds: float

    def at(self, real_seconds: float) -> datetime:
        """Return the business time at a real second; it stands still from a while after the last beat."""
        until = min(real_seconds, self.beat_seconds + _STALE_SECONDS)
        return self.business_at + timedelta(seconds=max(0.0, until - self.anchor_seconds) * self.speed)


def _read_state(path: Path) -> _ClockState | None:
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    return _ClockState(**(found | {"business_at": datetime.fromisoformat(found["business_at"])}))


def _write_state(path: Path, state: _ClockState) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(json.dumps(asdict(state) | {"business_at": state.business_at.isoformat()}))
    fresh.replace(path)


class SharedClock:
    """The fast clock of the demo: every process that reads one state file sees the same time.

    It stands still while no ClockKeeper beats, and never steps back.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._state: _ClockState | None = None
        self._looked_seconds = float("-inf")
        self._latest: datetime | None = None

    @property
    def speed(self) -> float:
        """Return how many business seconds a real second has."""
        return self._look().speed

    def now(self) -> datetime:
        """Return the present business instant; raises StartUpError while there is no state."""
        found = self._look().at(time.time())
        self._latest = found if self._latest is None else max(found, self._latest)
        return self._latest

    def monotonic(self) -> float:
        """Return real seconds that never step back."""
        return time.monotonic()

    def _look(self) -> _ClockState:
        seconds = time.monotonic()
        if self._state is None or seconds - self._looked_seconds >= _LOOK_SECONDS:
            self._looked_seconds = seconds
            self._state = _read_state(self._path) or self._state
        if self._state is None:
            raise StartUpError(
                f"there is no clock at {self._path}: `escalon up` starts it (or unset ESCALON_CLOCK_FILE)"
            )
        return self._state


def clock_of(shared_state: Path | None) -> Clock:
    """Return the clock a service goes by: the shared one where its settings name a state, else the machine's."""
    return SystemClock() if shared_state is None else SharedClock(shared_state)


class ClockKeeper:
    """Keeps the state of a SharedClock: begins it, lets it go on where it stood still, beats; one per state file."""

    def __init__(self, path: Path, start_at: datetime, speed: float) -> None:
        self._path = path
        self._start_at = start_at
        self._speed = speed

    def start(self) -> None:
        """Let the time run: from `start_at` the first time, from where it stood still ever after."""
        seconds = time.time()
        state = _read_state(self._path)
        # Whoever looked at it may have seen all of the time it went on after the last beat.
        business_at = self._start_at if state is None else state.at(float("inf"))
        _write_state(self._path, _ClockState(business_at, seconds, self._speed, seconds))

    def beat(self) -> None:
        """Say that the time runs on; to be called at least every second, after `start`."""
        state = _read_state(self._path)
        if state is not None:
            _write_state(self._path, _ClockState(state.business_at, state.anchor_seconds, state.speed, time.time()))

    def stop(self) -> None:
        """Let the time stand still, now and not only when the beat is missed."""
        state = _read_state(self._path)
        if state is not None:
            # Those who have not looked yet are this much ahead.
            seconds = time.time() + _LOOK_SECONDS
            _write_state(self._path, _ClockState(state.at(seconds), seconds, state.speed, seconds - _STALE_SECONDS))

"""Business time. It is passed in, never read elsewhere; time-outs and back-off use the event loop's own clock."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


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

"""Whether the clock that findings go by stepped back, and by how much."""

from datetime import datetime, timedelta

_SLACK = timedelta(seconds=1)
"""A time service moves a clock by less without anybody noticing: the router waits for what is early by that."""
_NOTHING = timedelta(0)


class ClockSteps:
    """Watches a clock; `behind` says how far it is from where it had been already, until it has caught up."""

    def __init__(self) -> None:
        self._before: datetime | None = None
        self._latest: datetime | None = None
        self.behind = _NOTHING

    def stepped_back(self, now: datetime) -> bool:
        """Take the clock's instant and tell whether it stepped back since the last."""
        before = self._before or now
        latest = max(self._latest or now, now)
        self._before, self._latest = now, latest
        self.behind = latest - now
        return before - now > _SLACK

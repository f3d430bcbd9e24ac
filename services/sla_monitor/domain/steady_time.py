"""A time that never steps back, told from one that may."""

from datetime import datetime, timedelta

_NOTHING = timedelta(0)


class SteadyTime:
    """Keeps the latest instant it was told; findings go by nothing earlier (architecture, "Races, decided")."""

    def __init__(self) -> None:
        self._latest: datetime | None = None
        self.behind = _NOTHING

    def advance(self, now: datetime) -> bool:
        """Take the clock's instant and tell whether it may be gone by; `behind` says by how much it stepped back."""
        latest = self._latest or now
        self.behind = max(latest - now, _NOTHING)
        self._latest = max(latest, now)
        return self.behind == _NOTHING

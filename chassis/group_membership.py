"""Whether we are still in our consumer group: a process that was frozen may have been put out of it unawares."""

from collections.abc import Awaitable, Callable
from typing import Any

from chassis.clock import REAL_TIME, Clock

_ANSWERS = ("_do_heartbeat", "_do_rejoin_group")
"""What aiokafka's coordinator asks the group; each returns whether it was told that we are a member."""


class GroupMembership:
    """Remembers when the group last answered us, in real time.

    The brokers give our partitions away no sooner than a session after they last heard of us, so within a session from
    when we *asked* what they answered, nobody else holds them.
    """

    def __init__(self, session_seconds: float, clock: Clock = REAL_TIME) -> None:
        self._session_seconds = session_seconds
        self._clock = clock
        self._asked_at: float | None = None

    def watch(self, coordinator: Any) -> None:
        """Note what the group answers an aiokafka coordinator: nothing public tells of heartbeats."""
        for name in _ANSWERS:
            setattr(coordinator, name, self._noting(getattr(coordinator, name)))

    def now(self) -> float:
        """Return the real time, for `answered`."""
        return self._clock.monotonic()

    def answered(self, asked_at: float) -> None:
        """Note that the group took us for a member when it answered what we asked then."""
        self._asked_at = asked_at if self._asked_at is None else max(self._asked_at, asked_at)

    def is_certain(self) -> bool:
        """Tell whether nobody else can hold our partitions; False before the first answer."""
        return self._asked_at is not None and self._clock.monotonic() - self._asked_at < self._session_seconds

    def is_in_doubt(self) -> bool:
        """Tell whether the group once answered us and has been silent for a session since."""
        return self._asked_at is not None and not self.is_certain()

    def _noting(self, ask: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
        async def noted(*arguments: object) -> object:
            asked_at = self.now()
            is_member = await ask(*arguments)
            if is_member:
                self.answered(asked_at)
            return is_member

        return noted

"""Whether we are still in our consumer group: a process that was frozen may have been put out of it unawares."""

from chassis.clock import REAL_TIME, Clock


class GroupMembership:
    """Remembers when the group last answered us, in real time.

    The brokers give our partitions away no sooner than a session after they last heard of us, so within a session from
    when we *asked* what they answered, nobody else holds them.
    """

    def __init__(self, session_seconds: float, clock: Clock = REAL_TIME) -> None:
        self._session_seconds = session_seconds
        self._clock = clock
        self._asked_at: float | None = None

    def now(self) -> float:
        """Return the real time, for `answered`."""
        return self._clock.monotonic()

    def answered(self, asked_at: float) -> None:
        """Note that the group took us for a member when it answered what we asked then."""
        self._asked_at = asked_at if self._asked_at is None else max(self._asked_at, asked_at)

    def is_certain(self) -> bool:
        """Tell whether nobody else can hold our partitions; False before the first answer."""
        return self._asked_at is not None and self._clock.monotonic() - self._asked_at < self._session_seconds

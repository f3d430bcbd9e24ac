"""When an attempt failed: try again, and when, or give up, and why. Pure."""

from datetime import timedelta

import msgspec

from services.notifier.domain.notice import FailureReason


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long we keep trying. Real time, as receivers live in it."""

    first_wait: timedelta = timedelta(seconds=1)
    longest_wait: timedelta = timedelta(minutes=5)
    attempts: int = 12
    """With the waits above 18.5 minutes in all, where the receiver does not ask for more."""

    def wait_after(self, attempts: int, asked: timedelta | None) -> timedelta:
        """Return how long to wait after that many attempts; what the receiver asked for (Retry-After) is honoured."""
        doubled: timedelta = self.first_wait * 2 ** min(max(attempts - 1, 0), 20)
        return max(min(doubled, self.longest_wait), asked or timedelta(0))


class TryAgain(msgspec.Struct, frozen=True, kw_only=True):
    """The receiver may take it later."""

    after: timedelta


class GiveUp(msgspec.Struct, frozen=True, kw_only=True):
    """It will not be delivered."""

    reason: FailureReason


def after_failure(
    patience: Patience, attempts: int, asked: timedelta | None, reason: FailureReason
) -> TryAgain | GiveUp:
    """Decide after a failed attempt that might succeed later; `reason` is what is said when patience ends."""
    if attempts >= patience.attempts:
        return GiveUp(reason=reason)
    return TryAgain(after=patience.wait_after(attempts, asked))

"""How long we keep trying."""

from datetime import timedelta

from services.notifier.domain.delivery import Patience


def test_twelve_attempts_are_made_within_eighteen_and_a_half_minutes() -> None:
    patience = Patience()
    waits = [patience.wait_after(attempt, None) for attempt in range(1, patience.attempts)]
    assert (len(waits), max(waits)) == (11, timedelta(minutes=5))
    assert sum(waits, timedelta(0)).total_seconds() // 30 == 18.5 * 2

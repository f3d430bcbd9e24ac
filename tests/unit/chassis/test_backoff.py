"""Back-off grows, has an end, and is not the same for all."""

from hypothesis import given
from hypothesis import strategies as st

from chassis.backoff import backoff_seconds


@given(st.integers(1, 100_000))
def test_a_wait_is_never_longer_than_the_longest_nor_shorter_than_half_the_first(attempt: int) -> None:
    assert 0.05 <= backoff_seconds(attempt) <= 10.0


def test_waits_grow_until_the_longest() -> None:
    assert max(backoff_seconds(1) for _ in range(100)) < min(backoff_seconds(4) for _ in range(100))
    assert all(backoff_seconds(50) >= 5.0 for _ in range(100))


def test_replicas_that_failed_together_do_not_come_back_together() -> None:
    assert len({backoff_seconds(3) for _ in range(20)}) > 1

"""Each record of a partition is handled once and in order, whatever is delivered; what is lost is gone back to."""

from datetime import UTC, datetime, timedelta

import pytest
from faust.types import TP

from chassis.clock import ManualClock
from chassis.stream_positions import HandledPositions

HERE, THERE = TP("escalations.v1", 0), TP("escalations.v1", 1)
QUIET = timedelta(seconds=2)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 6, 1, tzinfo=UTC))


@pytest.fixture
def positions(clock: ManualClock) -> HandledPositions:
    found = HandledPositions(clock)
    found.begin({HERE: 10, THERE: 0})
    return found


def deliver(positions: HandledPositions, *offsets: int) -> list[int]:
    """Deliver records of HERE, and return those that were handled."""
    handled = []
    for offset in offsets:
        if positions.take(HERE, offset):
            handled.append(offset)
            positions.handled(HERE, offset)
        positions.passed()
    return handled


def test_repeats_and_what_comes_too_early_are_passed_over(positions: HandledPositions) -> None:
    assert deliver(positions, 9, 10, 11, 10, 13, 14, 12, 14, 13) == [10, 11, 12, 13]
    assert positions.following == {HERE: 14, THERE: 0}


def test_nothing_is_lost_while_records_of_the_partition_come(positions: HandledPositions, clock: ManualClock) -> None:
    deliver(positions, 10)
    clock.advance(QUIET / 2)
    assert positions.lost({HERE: 20}) == {}
    deliver(positions, 9)
    clock.advance(QUIET / 2)
    assert positions.lost({HERE: 20}) == {}


def test_nothing_is_lost_while_one_is_in_hand(positions: HandledPositions, clock: ManualClock) -> None:
    positions.take(HERE, 10)
    clock.advance(10 * QUIET)
    assert positions.lost({HERE: 20}) == {}
    positions.passed()
    assert positions.lost({HERE: 20}) == {HERE: 10}


def test_several_in_hand_are_taken_in_order_and_again_where_they_were_not_handled(positions: HandledPositions) -> None:
    assert [positions.take(HERE, offset) for offset in (10, 11, 11, 13, 12)] == [True, True, False, False, True]
    assert positions.take(THERE, 0)
    positions.handled(HERE, 10)
    positions.passed()
    assert positions.following == {HERE: 11, THERE: 0}
    assert deliver(positions, 11, 12, 13) == [11, 12, 13]


def test_a_partition_is_gone_back_to_while_others_go_on(positions: HandledPositions, clock: ManualClock) -> None:
    for offset in range(10, 20):
        clock.advance(QUIET / 4)
        deliver(positions, offset)
    assert positions.lost({HERE: 25, THERE: 1}) == {THERE: 0}


def test_what_was_read_and_does_not_come_is_gone_back_to(positions: HandledPositions, clock: ManualClock) -> None:
    deliver(positions, 10)
    clock.advance(QUIET)
    assert positions.lost({HERE: 12, THERE: 0}) == {HERE: 11}
    assert positions.lost({HERE: 12}) == {}
    clock.advance(QUIET)
    assert positions.lost({HERE: 12}) == {HERE: 11}
    assert deliver(positions, 11) == [11]


@pytest.mark.expects_errors
def test_a_hole_in_the_log_is_believed_after_a_few_tries(
    positions: HandledPositions, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    gone_back: list[int] = []
    while not deliver(positions, 15, 16):
        clock.advance(QUIET)
        gone_back += positions.lost({HERE: 17}).values()
    assert gone_back == [10, 10, 10, 15]
    assert "records are not in the log" in caplog.text


def test_a_partition_that_was_given_away_expects_nothing(positions: HandledPositions, clock: ManualClock) -> None:
    positions.forget([HERE])
    assert deliver(positions, 10) == []
    assert positions.following == {THERE: 0}
    clock.advance(QUIET)
    assert positions.lost({HERE: 12}) == {}

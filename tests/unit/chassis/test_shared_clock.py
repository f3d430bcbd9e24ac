"""The demo's clock: one time for all processes, still while nobody keeps it, never back."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from chassis.clock import ClockKeeper, SharedClock, SystemClock, clock_of
from chassis.errors import StartUpError

MORNING = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
TODAY = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)


@pytest.fixture
def real() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(TODAY, tick=False) as traveller:
        yield traveller


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "local" / "clock.json"


def _kept(path: Path, real: time_machine.Traveller, seconds: int) -> None:
    """Let the real time pass with a keeper that beats every second."""
    keeper = ClockKeeper(path, MORNING, 60)
    for _ in range(seconds):
        real.shift(1)
        keeper.beat()


def test_a_minute_is_an_hour(path: Path, real: time_machine.Traveller) -> None:
    ClockKeeper(path, MORNING, 60).start()
    assert SharedClock(path).now() == MORNING
    _kept(path, real, 60)
    assert SharedClock(path).now() == MORNING + timedelta(hours=1)
    assert SharedClock(path).speed == 60


def test_it_stands_still_when_its_keeper_is_gone(path: Path, real: time_machine.Traveller) -> None:
    ClockKeeper(path, MORNING, 60).start()
    real.shift(3)
    stood_at = SharedClock(path).now()
    real.shift(3600)
    assert SharedClock(path).now() == stood_at


def test_a_second_start_goes_on_where_it_stood_and_not_before_what_anyone_saw(
    path: Path, real: time_machine.Traveller
) -> None:
    ClockKeeper(path, MORNING, 60).start()
    real.shift(3600)
    seen = SharedClock(path).now()
    ClockKeeper(path, MORNING, 60).start()
    assert SharedClock(path).now() == seen
    _kept(path, real, 10)
    assert SharedClock(path).now() == seen + timedelta(minutes=10)


def test_a_stop_lets_it_stand_still_at_once(path: Path, real: time_machine.Traveller) -> None:
    keeper = ClockKeeper(path, MORNING, 60)
    keeper.start()
    _kept(path, real, 5)
    keeper.stop()
    real.shift(2)
    assert SharedClock(path).now() - (MORNING + timedelta(minutes=5)) <= timedelta(seconds=10)
    stood_at = SharedClock(path).now()
    real.shift(60)
    assert SharedClock(path).now() == stood_at


def test_it_does_not_step_back_when_the_machine_does(path: Path, real: time_machine.Traveller) -> None:
    ClockKeeper(path, MORNING, 60).start()
    clock = SharedClock(path)
    real.shift(2)
    seen = clock.now()
    real.shift(-2)
    assert clock.now() == seen


def test_a_clock_that_nobody_started_is_a_start_up_error(path: Path) -> None:
    with pytest.raises(StartUpError, match="escalon up"):
        SharedClock(path).now()


def test_without_a_state_a_service_goes_by_the_machine() -> None:
    assert isinstance(clock_of(None), SystemClock)

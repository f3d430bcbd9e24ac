"""A clock that steps back is not gone by until it has caught up."""

from datetime import timedelta

from services.sla_monitor.domain.steady_time import SteadyTime
from tests.unit.sla_monitor.telling import instant


def test_a_clock_that_goes_on_or_stands_still_may_be_gone_by() -> None:
    time = SteadyTime()

    assert [time.advance(instant(at)) for at in ("08:00:00", "08:00:00", "08:00:01")] == [True, True, True]


def test_a_clock_that_stepped_back_may_not_until_it_is_where_it_was() -> None:
    time = SteadyTime()
    time.advance(instant("08:00:10"))

    assert not time.advance(instant("08:00:00"))
    assert time.behind == timedelta(seconds=10)
    assert not time.advance(instant("08:00:09"))
    assert time.advance(instant("08:00:10"))
    assert time.behind == timedelta(0)

"""A clock that steps back is noticed once, and is behind until it has caught up."""

from datetime import timedelta

from services.sla_monitor.adapters.in_memory import InMemoryPromises
from services.sla_monitor.domain.clock_steps import ClockSteps
from tests.unit.sla_monitor.recording import RecordingRouter
from tests.unit.sla_monitor.telling import instant


def test_a_clock_that_goes_on_or_stands_still_has_not_stepped() -> None:
    steps = ClockSteps()

    assert not any(steps.stepped_back(instant(at)) for at in ("08:00:00", "08:00:00", "08:00:01"))
    assert steps.behind == timedelta(0)


def test_a_step_back_is_told_once_and_how_far_the_clock_is_behind_until_it_has_caught_up() -> None:
    steps = ClockSteps()
    times = ("08:10:00", "08:00:00", "08:09:00", "08:10:00")
    told = [(steps.stepped_back(instant(at)), steps.behind.total_seconds()) for at in times]

    assert told == [(False, 0), (True, 600), (False, 60), (False, 0)]


def test_a_clock_that_is_put_right_by_less_than_a_second_has_not_stepped() -> None:
    steps = ClockSteps()
    steps.stepped_back(instant("08:00:01"))

    assert not steps.stepped_back(instant("08:00:00"))


def test_what_was_said_an_hour_early_is_said_again_in_time_once_the_clock_is_right() -> None:
    router = RecordingRouter(records=False)
    router.take(router.telling.opened(instant("08:00:00")))
    router.fire(instant("09:00:00"))
    early = {said.meta.id for said in router.said}
    router.said.clear()

    router.promises = InMemoryPromises(router.policies, router.promises.rows)
    router.turn_to(instant("08:15:00"))

    assert "08:15:00 reached first_response/1 100" in router.lines()
    assert {said.meta.id for said in router.said} & early

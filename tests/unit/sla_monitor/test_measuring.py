"""Shares of a target over pauses, on the clock and on a business calendar."""

from datetime import datetime

from msgspec.structs import replace

from policy.targets import DayEnd, Measure, Target
from schemas.vocabulary import ClockName, Severity
from services.sla_monitor.domain.measuring import Yardstick, yardstick
from services.sla_monitor.domain.rounds import Cycle, Run
from tests.unit.sla_monitor.telling import default_policy, instant


def _runs(*ends: str) -> tuple[Run, ...]:
    instants = [instant(end) for end in ends]
    pairs = [*instants, None] if len(instants) % 2 else instants
    return tuple(
        Run(since=since, until=until) for since, until in zip(pairs[::2], pairs[1::2], strict=True) if since is not None
    )


def _resolution(severity: Severity, runs: tuple[Run, ...]) -> Yardstick:
    cycle = Cycle(clock=ClockName.RESOLUTION, number=1, runs=runs)
    yard = yardstick(default_policy(), severity, cycle, runs[0].since)
    assert yard is not None
    return yard


def _reached(severity: Severity, runs: tuple[Run, ...], percent: int = 100) -> datetime | None:
    return _resolution(severity, runs).reached_at(runs, percent)


def test_business_days_fall_due_at_the_same_local_time_while_the_clock_never_paused() -> None:
    assert _reached(Severity.P3, _runs("2026-04-02T13:00:00")) == instant("2026-04-09T13:00:00")


def test_business_days_may_end_at_the_closing_and_their_shares_go_by_working_seconds_up_to_it() -> None:
    policy = default_policy()
    promises = policy.severities[Severity.P3]
    target = Target(measure=Measure.BUSINESS_DAYS, amount=3, ends=DayEnd.END_OF_DAY)
    changed = {**policy.severities, Severity.P3: replace(promises, resolution=target)}
    runs = _runs("2026-04-02T13:00:00")
    cycle = Cycle(clock=ClockName.RESOLUTION, number=1, runs=runs)
    yard = yardstick(replace(policy, severities=changed), Severity.P3, cycle, runs[0].since)

    assert yard is not None
    assert yard.due_at(runs) == instant("2026-04-09T15:00:00")
    assert yard.reached_at(runs, 50) == instant("2026-04-08T10:00:00")


def test_business_days_go_by_working_seconds_once_the_clock_paused() -> None:
    runs = _runs("2026-06-02T08:00:00", "2026-06-02T09:00:00", "2026-06-02T11:00:00")

    assert _reached(Severity.P3, runs) == instant("2026-06-05T10:00:00")


def test_a_pause_through_closed_hours_takes_no_working_time_away() -> None:
    runs = _runs("2026-06-02T08:00:00", "2026-06-02T16:00:00", "2026-06-03T05:00:00")

    assert _reached(Severity.P3, runs) == instant("2026-06-05T08:00:00")


def test_a_clock_that_stands_reaches_nothing_and_says_when_it_would_be_due() -> None:
    runs = _runs("08:00:00", "09:00:00")

    assert _reached(Severity.P1, runs, 50) is None
    assert _resolution(Severity.P1, runs).due_at(runs) == instant("12:00:00")


def test_a_share_used_up_at_the_very_instant_of_a_pause_is_reached_when_the_clock_goes_on() -> None:
    runs = _runs("08:00:00", "10:00:00", "15:00:00")

    assert _reached(Severity.P1, runs, 50) == instant("15:00:00")


def test_acceptance_is_a_share_of_the_first_response_as_counted_from_the_start_of_the_escalation() -> None:
    later = Cycle(clock=ClockName.ACCEPTANCE, number=2, runs=_runs("2026-06-08T11:00:00"))

    yard = yardstick(default_policy(), Severity.P4, later, instant("2026-06-05T17:30:00"))

    assert yard is not None
    assert yard.reached_at(later.runs, 100) == instant("2026-06-08T15:00:00")


def test_a_severity_without_an_update_target_measures_no_update() -> None:
    cycle = Cycle(clock=ClockName.UPDATE, number=1, runs=_runs("08:00:00"))

    assert yardstick(default_policy(), Severity.P4, cycle, instant("08:00:00")) is None


def test_repeated_business_days_are_each_at_the_same_local_time() -> None:
    cycle = Cycle(clock=ClockName.CONFIRMATION, number=1, runs=_runs("2026-06-04T14:30:00"))
    yard = yardstick(default_policy(), Severity.P3, cycle, instant("08:00:00"))

    assert yard is not None
    assert yard.days == Target(measure=Measure.BUSINESS_DAYS, amount=1)
    assert [yard.reached_at(cycle.runs, percent) for percent in (100, 200)] == [
        instant("2026-06-05T14:30:00"),
        instant("2026-06-08T14:30:00"),
    ]

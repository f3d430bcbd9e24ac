"""Thresholds as a policy lists them: past the breach, repeated, other ones for each severity, none said twice."""

from collections import Counter
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from policy.model import Policy
from policy.thresholds import Threshold
from schemas.sla import SlaFinding, ThresholdReached
from schemas.vocabulary import ClockName, Severity
from tests.unit.sla_monitor.recording import RecordingRouter
from tests.unit.sla_monitor.telling import default_policy, instant

FIRST, UPDATE, RESOLUTION = ClockName.FIRST_RESPONSE, ClockName.UPDATE, ClockName.RESOLUTION
Thresholds = dict[ClockName, tuple[Threshold, ...]]


def shares(*percents: int) -> tuple[Threshold, ...]:
    return tuple(Threshold(percent=percent) for percent in percents)


def policy_with(thresholds: dict[Severity, Thresholds]) -> Policy:
    policy = default_policy()
    changed = {
        severity: replace(promises, thresholds=thresholds.get(severity, {}))
        for severity, promises in policy.severities.items()
    }
    return replace(policy, severities=changed)


def opened(policy: Policy, severity: Severity = Severity.P1) -> RecordingRouter:
    router = RecordingRouter(severity, policy=policy)
    router.take(router.telling.opened(instant("08:00:00")))
    return router


def lines(router: RecordingRouter, clock: ClockName) -> list[str]:
    return [line for line in router.lines() if f" {clock.value}/" in line]


def test_a_clock_is_warned_of_as_listed_and_its_overrun_is_said_so_many_times_until_the_cycle_ends() -> None:
    again = Threshold(percent=150, every=50, at_most=2)
    router = opened(policy_with({Severity.P1: {FIRST: (*shares(80), again), UPDATE: shares(120, 140)}}))

    router.turn_to(instant("08:39:00"))
    router.take(router.telling.informed(instant("08:39:30")))
    router.turn_to(instant("09:00:00"))

    assert lines(router, FIRST) == [
        "08:12:00 reached first_response/1 80",
        "08:15:00 reached first_response/1 100",
        "08:22:30 reached first_response/1 150",
        "08:30:00 reached first_response/1 200",
        "08:37:30 reached first_response/1 250",
    ]
    assert lines(router, UPDATE) == ["08:30:00 reached update/1 100", "08:36:00 reached update/1 120"]


def test_an_empty_list_leaves_the_breach_alone_and_a_clock_that_is_not_listed_its_warnings() -> None:
    router = opened(policy_with({Severity.P1: {FIRST: ()}}))

    router.turn_to(instant("08:31:00"))

    assert lines(router, FIRST) == ["08:15:00 reached first_response/1 100"]
    assert [line.split()[-1] for line in lines(router, UPDATE)] == ["50", "75", "90", "100"]


def test_of_several_that_were_passed_meanwhile_only_the_highest_is_said() -> None:
    router = opened(policy_with({Severity.P1: {FIRST: shares(50, 100, 150, 200, 400)}}))

    router.fire(instant("08:32:00"))
    router.turn_to(instant("09:01:00"))

    assert lines(router, FIRST) == ["08:32:00 reached first_response/1 200", "09:00:00 reached first_response/1 400"]


def test_other_shares_of_another_severity_hold_from_the_change_and_nothing_below_what_was_given() -> None:
    p1, p2 = {RESOLUTION: shares(60, 110)}, {RESOLUTION: shares(50, 55, 80, 130)}
    router = opened(policy_with({Severity.P1: p1, Severity.P2: p2}), Severity.P1)

    router.turn_to(instant("12:30:00"))  # 110 % of four hours is 12:24
    router.take(router.telling.reclassified(instant("12:30:00"), Severity.P2))
    router.turn_to(instant("19:00:00"))  # 130 % of eight hours is 18:24

    assert lines(router, RESOLUTION) == [
        "10:24:00 reached resolution/1 60",
        "12:00:00 reached resolution/1 100",
        "12:24:00 reached resolution/1 110",
        "18:24:00 reached resolution/1 130",
    ]


def test_a_change_that_puts_overruns_into_the_past_says_the_highest_at_the_change() -> None:
    router = opened(policy_with({Severity.P1: {RESOLUTION: shares(120, 140)}}), Severity.P2)

    router.turn_to(instant("13:10:00"))  # 62 % of eight hours, 129 % of four
    router.take(router.telling.reclassified(instant("13:10:00"), Severity.P1))
    router.turn_to(instant("14:00:00"))

    assert lines(router, RESOLUTION)[-2:] == [
        "13:10:00 reached resolution/1 120",
        "13:36:00 reached resolution/1 140",
    ]


def test_an_overrun_of_business_days_goes_by_working_seconds_and_whole_multiples_by_days() -> None:
    router = RecordingRouter(Severity.P4, policy=policy_with({Severity.P4: {FIRST: shares(150, 200)}}))
    router.take(router.telling.opened(instant("2026-06-04T13:00:00")))  # Thursday, 15:00 in Berlin

    router.turn_to(instant("2026-06-12T00:00:00"))

    reached = [one for one in router.said if isinstance(one, ThresholdReached) and one.clock is FIRST]
    assert [(one.percent, one.reached_at) for one in reached] == [
        (100, instant("2026-06-05T13:00:00")),
        (150, instant("2026-06-08T09:00:00")),  # Friday's last two hours and two of Monday
        (200, instant("2026-06-08T13:00:00")),
    ]


LISTED = st.lists(st.integers(1, 300), min_size=1, max_size=4, unique=True).map(lambda listed: shares(*sorted(listed)))
LISTS = st.fixed_dictionaries(dict.fromkeys((FIRST, UPDATE, RESOLUTION), LISTED))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("turn", "outage", "restart", "inform", "propose", "reject", *Severity)), st.integers(0, 400)
    ),
    max_size=12,
)


@settings(max_examples=200, deadline=None)
@given(thresholds=st.fixed_dictionaries(dict.fromkeys(Severity, LISTS)), steps=STEPS)
def test_whatever_is_recomputed_each_share_is_said_once_and_none_below_it_later(
    thresholds: dict[Severity, Thresholds], steps: list[tuple[str, int]]
) -> None:
    router = opened(policy_with(thresholds), Severity.P2)
    now = instant("08:00:00")
    for step, minutes in steps:
        now += timedelta(minutes=minutes)
        if step != "outage":
            router.turn_to(now)
        _do(router, step, now)
        at_once = Counter((one.clock, one.cycle) for one in _reached(router.fire(now)))
        assert all(said == 1 for said in at_once.values())
    router.turn_to(now + timedelta(days=3))

    given_shares: dict[tuple[ClockName, int], list[int]] = {}
    for finding in _reached(router.said):
        assert finding.reached_at <= finding.meta.occurred_at
        given_shares.setdefault((finding.clock, finding.cycle), []).append(finding.percent)
    for said in given_shares.values():
        assert said == sorted(set(said))


def _reached(findings: list[SlaFinding] | tuple[SlaFinding, ...]) -> list[ThresholdReached]:
    return [one for one in findings if isinstance(one, ThresholdReached) and one.clock in (FIRST, UPDATE, RESOLUTION)]


def _do(router: RecordingRouter, step: str, now: datetime) -> None:
    match step:
        case "restart":
            router.restart()
        case "inform":
            router.take(router.telling.informed(now))
        case "propose":
            router.take(router.telling.proposed(now))
        case "reject":
            router.take(router.telling.rejected(now))
        case "P1" | "P2" | "P3" | "P4":
            router.take(router.telling.reclassified(now, Severity(step)))
        case _:
            pass

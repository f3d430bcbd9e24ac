"""Another version of the policy on running clocks: same start and pauses, new targets, what is on record stays."""

import msgspec
import pytest
from msgspec.structs import replace

from policy.calendars import Calendar, Weekday
from policy.model import Policy, VersionedPolicy
from policy.targets import Measure, Target
from schemas.ids import PolicyVersion
from schemas.sla import ThresholdReached
from schemas.vocabulary import ClockName, Severity
from services.sla_monitor.adapters.in_memory import InMemoryPromises
from services.sla_monitor.domain.cycles import cycles_of
from services.sla_monitor.domain.epochs import held_to, promises_of
from services.sla_monitor.domain.evaluation import evaluate
from services.sla_monitor.domain.explaining import explain
from services.sla_monitor.domain.folding import fold
from services.sla_monitor.domain.pinning import in_force, pinned
from services.sla_monitor.domain.rounds import Run
from services.sla_monitor.domain.row import EscalationRow, decode_row, encode_row
from tests.unit.sla_monitor.asking import BOTH, asked, policy_with
from tests.unit.sla_monitor.recording import RecordingRouter
from tests.unit.sla_monitor.telling import VERSION, Telling, default_policy, instant
from wire.reference_data import PolicyRegistry

NEXT = PolicyVersion("v2")
LATER = PolicyVersion("v3")
NIGHT = Calendar(time_zone="America/New_York", weekly=dict.fromkeys(Weekday, (("09:00", "17:00"),)))


def _elapsed(minutes: int) -> Target:
    return Target(measure=Measure.ELAPSED, amount=minutes * 60)


def _with(severity: Severity, **promises: object) -> Policy:
    """Return the default promises with others for a severity, and a calendar across the sea."""
    known = default_policy()
    changed = msgspec.structs.replace(known.severities[severity], **promises)
    return replace(
        known, severities={**known.severities, severity: changed}, calendars={**known.calendars, "new_york": NIGHT}
    )


def _running(policy: Policy, severity: Severity = Severity.P1) -> RecordingRouter:
    router = RecordingRouter(severity)
    router.policies.others[NEXT] = policy
    router.take(router.telling.opened(instant("08:00:00")))
    return router


def test_a_target_that_is_past_under_the_new_policy_is_broken_at_the_change_without_its_warnings() -> None:
    router = _running(_with(Severity.P1, first_response=_elapsed(5)))
    router.turn_to(instant("08:07:00"))
    router.take(router.telling.adopted(instant("08:07:00"), NEXT))
    router.turn_to(instant("08:07:00"))

    assert router.lines() == ["08:07:00 reached first_response/1 100"]
    (breach,) = [finding for finding in router.said if isinstance(finding, ThresholdReached)]
    assert (breach.reached_at, breach.due_at) == (instant("08:07:00"), instant("08:05:00"))
    assert breach.meta.policy_version == NEXT


def test_a_later_target_holds_from_the_same_start_and_gives_nothing_twice() -> None:
    router = _running(_with(Severity.P1, first_response=_elapsed(60), update=None))
    router.turn_to(instant("08:12:00"))
    router.take(router.telling.adopted(instant("08:12:00"), NEXT))
    router.turn_to(instant("09:00:00"))

    assert router.lines() == [
        "08:07:30 reached first_response/1 50",
        "08:11:15 reached first_response/1 75",
        "08:54:00 reached first_response/1 90",
        "09:00:00 reached first_response/1 100",
    ]


def test_what_passed_under_the_old_policy_is_judged_by_it_also_where_the_fact_comes_late() -> None:
    router = _running(_with(Severity.P1, first_response=_elapsed(60)))
    router.turn_to(instant("08:20:00"))
    router.take(router.telling.adopted(instant("08:20:00"), NEXT))
    assert "08:15:00 reached first_response/1 100" in router.lines()

    router.take(router.telling.informed(instant("08:14:00")), now=instant("08:30:00"))
    assert "08:30:00 corrected first_response/1 kept" in router.lines()


def test_a_breach_on_record_stays_where_the_new_target_would_not_be_missed() -> None:
    router = _running(_with(Severity.P1, first_response=_elapsed(60)))
    router.turn_to(instant("08:16:00"))
    router.take(router.telling.adopted(instant("08:16:00"), NEXT))
    router.take(router.telling.informed(instant("08:30:00")))
    router.turn_to(instant("08:30:00"))

    assert not [line for line in router.lines() if "first_response" in line and line > "08:15:01"]


def test_a_cycle_that_ended_before_the_change_keeps_its_verdict_under_a_stricter_policy() -> None:
    router = _running(_with(Severity.P1, first_response=_elapsed(5)))
    router.take(router.telling.informed(instant("08:10:00")))
    router.take(router.telling.adopted(instant("08:11:00"), NEXT))
    router.turn_to(instant("08:12:00"))

    assert router.lines() == [
        "08:10:00 kept first_response/1",
        "08:10:00 kept update/1",
    ]


def test_pauses_are_kept_and_used_time_counts_against_the_new_target() -> None:
    router = _running(_with(Severity.P1, resolution=_elapsed(60)))
    router.take(router.telling.proposed(instant("08:10:00")))
    router.take(router.telling.adopted(instant("08:20:00"), NEXT))
    router.take(router.telling.rejected(instant("08:40:00")))
    router.turn_to(instant("09:31:00"))

    assert [line for line in router.lines() if "resolution" in line] == [
        "09:00:00 reached resolution/1 50",
        "09:15:00 reached resolution/1 75",
        "09:24:00 reached resolution/1 90",
        "09:30:00 reached resolution/1 100",
    ]


def test_the_new_policy_may_choose_another_calendar() -> None:
    router = _running(_with(Severity.P3), Severity.P3)
    router.take(router.telling.adopted(instant("09:00:00"), NEXT, calendar="new_york"))
    router.turn_to(instant("16:00:00"))

    assert [line for line in router.lines() if "first_response" in line] == [
        "15:00:00 reached first_response/1 50",
        "16:00:00 reached first_response/1 75",
    ]


def test_the_calendar_an_escalation_opened_with_outlasts_a_change_of_severity() -> None:
    router = RecordingRouter(Severity.P1)
    router.policies.others[VERSION] = _with(Severity.P1)
    router.telling.calendar = "new_york"
    router.take(router.telling.opened(instant("08:00:00")))
    router.take(router.telling.reclassified(instant("08:01:00"), Severity.P3))
    router.turn_to(instant("17:00:00"))

    assert [line for line in router.lines() if "first_response" in line][-1] == "17:00:00 reached first_response/1 100"


def test_a_row_is_held_to_the_version_it_adopted_also_while_that_is_not_here_yet() -> None:
    telling = Telling()
    row = fold(fold(None, telling.opened(instant("08:00:00"))), telling.adopted(instant("08:01:00"), NEXT))
    assert row is not None

    known = {VERSION: default_policy()}
    with pytest.raises(KeyError):
        pinned(row, known.__getitem__)
    assert in_force(row) == NEXT


def test_each_policy_that_held_is_asked_for_and_the_last_one_is_in_force() -> None:
    telling = Telling()
    row = fold(None, telling.opened(instant("08:00:00")))
    row = fold(row, telling.adopted(instant("08:01:00"), NEXT))
    row = fold(row, telling.adopted(instant("08:02:00"), LATER, calendar="new_york"))
    assert isinstance(row, EscalationRow)
    policies = {version: _with(Severity.P1) for version in (VERSION, NEXT, LATER)}

    pins = pinned(row, policies.__getitem__)

    assert pins.policy is policies[LATER]
    assert set(pins.earlier) == {VERSION, NEXT}
    assert evaluate(row, pins.policy, instant("08:03:00"), pins.earlier).findings == ()
    assert decode_row(encode_row(row)) == row


def test_a_clock_is_explained_by_the_policy_and_the_calendar_that_hold() -> None:
    telling = Telling(Severity.P3)
    row = fold(None, telling.opened(instant("08:00:00")))
    row = fold(row, telling.adopted(instant("08:01:00"), NEXT, calendar="new_york"))
    assert isinstance(row, EscalationRow)
    pins = pinned(row, {VERSION: default_policy(), NEXT: _with(Severity.P3)}.__getitem__)

    clocks = {one.clock: one for one in explain(row, pins.policy, instant("14:00:00"), pins.earlier)}
    first = clocks[ClockName.FIRST_RESPONSE]

    assert (first.policy_version, first.calendar) == (NEXT, "new_york")
    assert first.sentence == (
        "first response: 4 h (P3) on calendar new_york from Tue 2026-06-02 04:00:00 EDT, 1 h used, "
        "due Tue 2026-06-02 13:00:00 EDT, 3 h left"
    )


def test_clocks_wait_for_a_version_that_has_not_arrived_and_then_say_what_it_has_broken() -> None:
    known = PolicyRegistry([VersionedPolicy(version=VERSION, policy=default_policy())])
    promises, telling = InMemoryPromises(known), Telling()
    promises.take(telling.opened(instant("08:00:00")), instant("08:00:00"))

    assert promises.take(telling.adopted(instant("08:07:00"), NEXT), instant("08:07:00")) == ()
    assert promises.fire(instant("08:10:00")) == ()

    known.add(VersionedPolicy(version=NEXT, policy=_with(Severity.P1, first_response=_elapsed(5), update=None)))
    (breach,) = [one for one in promises.fire(instant("08:11:00")) if isinstance(one, ThresholdReached)]
    assert (breach.percent, breach.reached_at, breach.due_at) == (100, instant("08:07:00"), instant("08:05:00"))


def test_what_stood_by_the_old_policy_stays_so_and_goes_on_where_the_new_one_lets_nothing_stand() -> None:
    telling = Telling()
    row = fold(None, telling.opened(instant("08:00:00")))
    row = fold(row, asked(telling, instant("08:10:00")))
    row = fold(row, telling.adopted(instant("08:20:00"), NEXT))
    assert isinstance(row, EscalationRow)
    with_pauses = policy_with(pauses={Severity.P1: BOTH})

    promises = promises_of(held_to(row, default_policy(), {VERSION: with_pauses}))
    (resolution,) = [one for one in cycles_of(row, promises) if one.clock is ClockName.RESOLUTION]

    assert resolution.runs == (
        Run(since=instant("08:00:00"), until=instant("08:10:00")),
        Run(since=instant("08:20:00")),
    )

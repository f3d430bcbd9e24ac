"""The clocks after the close: the review, and preventive actions."""

from msgspec.structs import replace

from policy.targets import Measure, Target
from schemas import prevention as told
from schemas.vocabulary import ClockName, PreventionKind, Severity
from tests.unit.sla_monitor.recording import RecordingRouter
from tests.unit.sla_monitor.telling import FixedPolicies, default_policy, instant


def _router(*, review: bool = True) -> RecordingRouter:
    router = RecordingRouter()
    if review:
        policy = default_policy()
        reviewed = replace(policy.severities[Severity.P1], review=Target(measure=Measure.ELAPSED, amount=3600))
        policy.severities[Severity.P1] = reviewed
        router.promises = type(router.promises)(FixedPolicies(policy))
    router.take(router.telling.opened(instant("08:00:00")))
    return router


def _of(router: RecordingRouter, clock: ClockName) -> list[str]:
    return [line for line in router.lines() if f" {clock}/" in line]


def _held(router: RecordingRouter, at: str) -> None:
    router.take(router.telling.tell(told.ReviewHeld(by="mia", text=""), instant(at)))


def _planned(router: RecordingRouter, number: int, at: str, due: str) -> None:
    planned = told.PreventiveActionPlanned(
        by="mia",
        action=str(number),
        number=number,
        kind=PreventionKind.PROCESS_GAP,
        text="",
        owner="ben",
        due_at=instant(due),
    )
    router.take(router.telling.tell(planned, instant(at)))


def test_a_review_is_due_from_the_close_on_and_is_reminded_of_like_any_other_clock() -> None:
    router = _router()
    router.take(router.telling.closed(instant("09:00:00")))
    router.turn_to(instant("12:00:00"))

    assert _of(router, ClockName.REVIEW) == [
        "09:30:00 reached review/1 50",
        "09:45:00 reached review/1 75",
        "09:54:00 reached review/1 90",
        "10:00:00 reached review/1 100",
    ]


def test_a_review_that_is_held_in_time_is_kept() -> None:
    router = _router()
    router.take(router.telling.closed(instant("09:00:00")))
    _held(router, "10:00:00")
    router.turn_to(instant("12:00:00"))

    assert _of(router, ClockName.REVIEW) == ["10:00:00 kept review/1"]


def test_a_reopening_ends_the_review_and_the_next_close_begins_another() -> None:
    router = _router()
    router.take(router.telling.closed(instant("09:00:00")))
    router.take(router.telling.reopened(instant("09:20:00")))
    router.turn_to(instant("11:00:00"))
    router.take(router.telling.closed(instant("11:00:00")))
    _held(router, "11:40:00")

    assert _of(router, ClockName.REVIEW) == ["11:40:00 kept review/2"]


def test_a_policy_without_a_review_reminds_of_none() -> None:
    router = _router(review=False)
    router.take(router.telling.closed(instant("09:00:00")))
    _held(router, "10:00:00")
    router.turn_to(instant("12:00:00"))

    assert _of(router, ClockName.REVIEW) == []


def test_each_preventive_action_has_its_own_clock_whatever_becomes_of_the_escalation() -> None:
    router = _router()
    _planned(router, 1, "08:30:00", "10:30:00")
    router.take(router.telling.closed(instant("09:00:00")))
    _planned(router, 2, "09:00:00", "11:00:00")
    router.take(router.telling.reopened(instant("09:10:00")))
    router.turn_to(instant("09:40:00"))
    done = told.PreventiveActionCompleted(by="ben", action="1", number=1)
    router.take(router.telling.tell(done, instant("09:40:00")))
    router.turn_to(instant("12:00:00"))

    assert _of(router, ClockName.PREVENTIVE_ACTION) == [
        "09:30:00 reached preventive_action/1 50",
        "09:40:00 kept preventive_action/1",
        "10:00:00 reached preventive_action/2 50",
        "10:30:00 reached preventive_action/2 75",
        "10:48:00 reached preventive_action/2 90",
        "11:00:00 reached preventive_action/2 100",
    ]

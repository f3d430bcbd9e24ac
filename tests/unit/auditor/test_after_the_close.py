"""The clocks after the close: an escalation with a review or an action to come is looked at until that is over."""

from datetime import timedelta

from msgspec.structs import replace

from policy.targets import Measure, Target
from schemas.escalations import SlaBreached
from schemas.prevention import PreventiveActionCompleted, PreventiveActionPlanned, ReviewHeld
from schemas.vocabulary import ClockName, PreventionKind, Severity
from services.auditor.domain.doubts import Kind
from tests.unit.auditor.test_auditor import Audit, doubts
from tests.unit.sla_monitor.telling import default_policy, instant

DAYS = 24 * 3600


def _closed(*, review: bool = True) -> Audit:
    """Return an audit of what was opened and closed in a minute, reviewed within five days where the policy says so."""
    policy = default_policy()
    if review:
        within = Target(measure=Measure.ELAPSED, amount=5 * DAYS)
        policy.severities[Severity.P1] = replace(policy.severities[Severity.P1], review=within)
    audit = Audit(policy)
    audit.take(audit.telling.opened(instant("08:00:00")), audit.telling.closed(instant("08:01:00"), confirmed=False))
    return audit


def _planned(audit: Audit, at: str, due: str) -> PreventiveActionPlanned:
    planned = PreventiveActionPlanned(
        by="mia",
        action="alert",
        number=1,
        kind=PreventionKind.PROCESS_GAP,
        text="",
        owner="ben",
        due_at=instant(due),
    )
    return audit.telling.tell(planned, instant(at))


def _running(audit: Audit, at: str) -> dict[ClockName, int]:
    audit.turn_to(at)
    return dict(audit.summary(at).running)


def test_a_review_that_is_to_come_is_audited_until_a_day_after_it_was_held() -> None:
    audit = _closed()

    assert _running(audit, "2026-06-04T08:00:00") == {ClockName.REVIEW: 1}
    audit.turn_to("2026-06-04T20:01:00")
    assert doubts(audit.turn_to("2026-06-04T20:06:00"), ClockName.REVIEW) == [(Kind.SILENT, 50)]

    audit.take(audit.telling.tell(ReviewHeld(by="mia", text=""), instant("2026-06-05T08:00:00")))
    audit.turn_to("2026-06-05T08:00:00")
    assert doubts(audit.turn_to("2026-06-05T08:05:00"), ClockName.REVIEW) == [(Kind.SILENT, 0)]
    audit.turn_to("2026-06-06T07:59:00")
    assert audit.cases.laid_aside == 0
    audit.turn_to("2026-06-06T08:00:00")
    assert audit.cases.laid_aside == 1


def test_a_start_long_after_the_close_keeps_what_has_something_to_come_and_nothing_else() -> None:
    now = instant("2026-06-12T08:00:00")
    for audit, kept in ((_closed(), 1), (_closed(review=False), 0)):
        audit.auditor.take(audit.telling.tell(ReviewHeld(by="mia", text=""), instant("08:02:00")), now)
        assert len(audit.cases) == 0
        audit.auditor.take(audit.telling.reopened(instant("08:03:00")), now)
        audit.auditor.take(audit.telling.closed(instant("08:04:00"), confirmed=False), now)
        assert len(audit.cases) == kept


def test_a_preventive_action_is_audited_whatever_the_policy_says_until_it_is_done() -> None:
    audit = _closed(review=False)
    audit.take(_planned(audit, "09:00:00", "2026-06-05T09:00:00"))

    assert _running(audit, "2026-06-03T12:00:00") == {ClockName.PREVENTIVE_ACTION: 1}
    audit.take(
        audit.telling.tell(
            PreventiveActionCompleted(by="ben", action="alert", number=1), instant("2026-06-03T13:00:00")
        )
    )
    assert _running(audit, "2026-06-03T13:00:00") == {}
    audit.turn_to("2026-06-04T13:00:00")
    assert audit.cases.laid_aside == 1


def test_a_breach_of_an_action_that_was_done_in_time_is_named() -> None:
    audit = _closed(review=False)
    audit.take(_planned(audit, "09:00:00", "10:00:00"))
    done = PreventiveActionCompleted(by="ben", action="alert", number=1)
    due = instant("10:00:00")
    breach = SlaBreached(clock=ClockName.PREVENTIVE_ACTION, cycle=1, due_at=due, owner_at="ana")
    audit.take(audit.telling.tell(done, due - timedelta(minutes=1)), audit.telling.tell(breach, due))
    audit.turn_to("10:00:00")

    assert (Kind.VERDICT, 100) in doubts(audit.turn_to("10:05:00"), ClockName.PREVENTIVE_ACTION)

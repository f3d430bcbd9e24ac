"""Whom shares of a promise are told to, where the policy says so."""

import pytest
from msgspec.structs import replace

from policy.model import Policy
from policy.thresholds import Threshold
from schemas import escalations as events
from schemas.vocabulary import Audience, ClockName, Severity
from services.notifier.domain.notice import Notice
from services.notifier.domain.planning import Setting, plan_notices
from tests.harness.notices import AT, a_context, a_policy, a_roster, sealed, told

RESOLUTION = ClockName.RESOLUTION
OWNER, MANAGEMENT, CHANNEL = Audience.OWNER, Audience.MANAGEMENT, Audience.CHANNEL
THRESHOLDS = (
    Threshold(percent=50),
    Threshold(percent=90, audiences=(OWNER, CHANNEL)),
    Threshold(percent=95, audiences=()),
    Threshold(percent=100, audiences=(OWNER,)),
    Threshold(percent=150, audiences=(MANAGEMENT,), every=50, at_most=1),
    Threshold(percent=300),
)


def policy() -> Policy:
    plain = a_policy()
    p1 = replace(plain.severities[Severity.P1], thresholds={RESOLUTION: THRESHOLDS})
    return replace(plain, severities={**plain.severities, Severity.P1: p1})


def plan(event: events.SlaRecord) -> tuple[Notice, ...]:
    return plan_notices(event, Setting(policy=policy(), roster=a_roster(), now=AT)).notices


def warned(percent: int, *, clock: ClockName = RESOLUTION, severity: Severity = Severity.P1) -> events.SlaWarned:
    event = events.SlaWarned(clock=clock, cycle=1, due_at=AT, owner_at="ana", percent=percent)
    return sealed(event, context=a_context(severity=severity))


def breached(percent: int, *, unverified: bool = False) -> events.SlaBreached:
    event = events.SlaBreached(
        clock=RESOLUTION, cycle=1, due_at=AT, owner_at="ana", percent=percent, unverified=unverified
    )
    return sealed(event)


@pytest.mark.parametrize(
    ("event", "audiences"),
    [
        (warned(50), ["owner"]),
        (warned(90), ["owner", "channel"]),
        (warned(95), []),
        (warned(150), ["management"]),
        (warned(200), ["management"]),
        (warned(300), ["owner", "management"]),
        (warned(90, clock=ClockName.UPDATE), ["owner"]),
        (warned(90, severity=Severity.P2), ["owner"]),
        (warned(300, severity=Severity.P2), ["owner", "management"]),
    ],
)
def test_a_share_is_told_to_whom_its_threshold_names_else_to_whom_its_kind_is(
    event: events.SlaWarned, audiences: list[str]
) -> None:
    notices = plan(event)

    assert [notice.audience.value for notice in notices] == audiences
    assert {notice.kind.value for notice in notices} <= {"warning"}


def test_a_breach_is_told_to_whom_its_threshold_names_and_unverified_to_the_owner_only() -> None:
    assert told(plan(breached(100))) == [("breach", "owner", "ana")]
    assert told(plan(breached(200, unverified=True))) == [("breach", "owner", "ana")]


def test_a_breach_first_said_as_an_overrun_is_told_to_whom_both_are() -> None:
    assert told(plan(breached(200))) == [("breach", "owner", "ana"), ("breach", "management", "mia")]


def test_the_words_of_an_overrun_say_how_far_along_it_is() -> None:
    (notice,) = plan(warned(150))

    assert "150 % of the time for the resolution is used" in notice.words.body

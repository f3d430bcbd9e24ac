"""What findings carry of why: as of the threshold or the end, whenever it is said, and never too long."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from msgspec.structs import replace

from policy.thresholds import Threshold
from schemas.escalations import EscalationEvent
from schemas.explanation import MOST_SEGMENTS, ClockExplanation
from schemas.sla import ClockKept, SlaFinding, ThresholdReached, VerdictCorrected
from schemas.vocabulary import ClockName, Severity
from services.sla_monitor.domain.epochs import held_to
from services.sla_monitor.domain.evaluation import judged_cycles
from services.sla_monitor.domain.explaining import explanation_of
from services.sla_monitor.domain.folding import fold
from services.sla_monitor.domain.row import EscalationRow
from tests.unit.sla_monitor.recording import RecordingRouter
from tests.unit.sla_monitor.telling import Telling, default_policy, instant


def explanations(findings: Iterable[SlaFinding], clock: ClockName) -> list[ClockExplanation]:
    carrying = (ThresholdReached, ClockKept, VerdictCorrected)
    found = [one.explanation for one in findings if isinstance(one, carrying) and one.clock is clock]
    return [one for one in found if one is not None]


def resolution_of(events: Iterable[EscalationEvent], now: datetime) -> ClockExplanation:
    row = None
    for event in events:
        row = fold(row, event)
    assert isinstance(row, EscalationRow)
    held = held_to(row, default_policy())
    judged = next(one for one in judged_cycles(row, held, now) if one.cycle.clock is ClockName.RESOLUTION)
    explanation = explanation_of(row, held, judged, now)
    assert explanation is not None
    assert_whole(explanation)
    return explanation


def assert_whole(explanation: ClockExplanation) -> None:
    """Hold it to its promises: no gap, not too many, and what ran adds up to what was used."""
    segments = explanation.segments
    assert len(segments) <= MOST_SEGMENTS
    assert all(before.until == after.since for before, after in pairwise(segments))
    assert sum(one.seconds for one in segments if one.what == "ran") == explanation.used_seconds


@pytest.mark.parametrize("said_at", ["08:15:00", "08:29:00"])
def test_a_breach_is_explained_as_it_stood_when_it_was_due_however_late_it_is_said(said_at: str) -> None:
    router = RecordingRouter()
    router.take(router.telling.opened(instant("08:00:00")))

    (explanation,) = explanations(router.fire(instant(said_at)), ClockName.FIRST_RESPONSE)

    assert explanation.sentence == (
        "first response: 15 min (P1) from Tue 2026-06-02 08:00:00 UTC, 15 min used,"
        " broken: was due Tue 2026-06-02 08:15:00 UTC, still open"
    )
    assert (explanation.target, explanation.target_seconds, explanation.used_seconds) == ("15 min", 900, 900)
    assert (explanation.calendar, explanation.policy_version) == (None, "v1")
    assert [(one.what, one.since, one.seconds) for one in explanation.segments] == [("ran", instant("08:00:00"), 900)]


def test_an_overrun_says_how_far_over_it_is() -> None:
    policy = default_policy()
    p1 = replace(policy.severities[Severity.P1], thresholds={ClockName.FIRST_RESPONSE: (Threshold(percent=200),)})
    router = RecordingRouter(policy=replace(policy, severities={**policy.severities, Severity.P1: p1}))
    router.take(router.telling.opened(instant("08:00:00")))

    router.turn_to(instant("09:00:00"))

    assert explanations(router.said, ClockName.FIRST_RESPONSE)[-1].sentence.endswith("still open, 15 min over")


def test_what_was_kept_and_what_was_corrected_is_explained_by_its_end() -> None:
    router = RecordingRouter()
    router.take(router.telling.opened(instant("08:00:00")))
    router.turn_to(instant("08:20:00"))
    router.take(router.telling.informed(instant("08:10:00")), instant("08:20:00"))

    corrected = explanations(
        (one for one in router.said if isinstance(one, VerdictCorrected)), ClockName.FIRST_RESPONSE
    )
    kept = explanations((one for one in router.said if isinstance(one, ClockKept)), ClockName.UPDATE)

    assert [one.sentence.split(" used, ")[1] for one in (*corrected, *kept)] == [
        "kept: ended Tue 2026-06-02 08:10:00 UTC with 5 min left, was due Tue 2026-06-02 08:15:00 UTC",
        "kept: ended Tue 2026-06-02 08:10:00 UTC with 20 min left, was due Tue 2026-06-02 08:30:00 UTC",
    ]


def test_a_pause_names_the_event_that_began_it_and_what_that_was() -> None:
    telling = Telling(Severity.P3)
    events = [
        telling.opened(instant("2026-06-05T13:00:00")),
        telling.proposed(instant("2026-06-08T09:00:00")),
        telling.rejected(instant("2026-06-08T10:30:00")),
    ]

    explanation = resolution_of(events, instant("2026-06-08T11:00:00"))

    assert [(one.what, one.version, one.why) for one in explanation.segments] == [
        ("ran", 0, None),
        ("closed", 0, None),
        ("ran", 0, None),
        ("paused", 2, "proposed_resolution"),
        ("ran", 0, None),
    ]
    assert explanation.calendar == "office"


def test_a_clock_of_many_days_is_told_by_what_ran_between_its_pauses() -> None:
    telling = Telling(Severity.P3)
    events = [
        telling.opened(instant("2026-06-01T08:00:00")),
        telling.proposed(instant("2026-06-29T08:00:00")),
        telling.rejected(instant("2026-06-30T08:00:00")),
    ]

    ran, paused, rest = resolution_of(events, instant("2026-06-30T10:00:00")).segments

    assert (ran.what, ran.since, ran.until) == ("ran", events[0].meta.occurred_at, events[1].meta.occurred_at)
    assert ran.seconds == 20 * 8 * 3600
    assert (paused.what, paused.version, rest.seconds) == ("paused", 2, 2 * 3600)


def test_of_a_clock_that_paused_too_often_the_earliest_stretches_are_one() -> None:
    telling, at = Telling(Severity.P1), instant("08:00:00")
    events: list[EscalationEvent] = [telling.opened(at)]
    for _ in range(MOST_SEGMENTS):
        events.append(telling.proposed(at + timedelta(seconds=10)))
        events.append(telling.rejected(at + timedelta(seconds=15)))
        at += timedelta(seconds=15)

    explanation = resolution_of(events, at + timedelta(seconds=10))

    assert len(explanation.segments) == MOST_SEGMENTS
    assert explanation.used_seconds == 10 * (MOST_SEGMENTS + 1)
    assert explanation.segments[0].since == instant("08:00:00")

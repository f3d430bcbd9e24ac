"""Why a clock stands where it does: stretches without a gap, sums that agree, a sentence that people understand."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from policy.working_time import working_time_between
from schemas.escalations import EscalationEvent
from schemas.vocabulary import ClockName, Severity, Verdict
from services.sla_monitor.domain.explaining import ClockExplained, Stretch, explain
from services.sla_monitor.domain.folding import fold
from services.sla_monitor.domain.row import EscalationRow
from tests.unit.sla_monitor.telling import OFFICE, Telling, default_policy, instant


def explained(events: Iterable[EscalationEvent], now: datetime) -> dict[tuple[ClockName, int], ClockExplained]:
    row = None
    for event in events:
        row = fold(row, event)
    assert isinstance(row, EscalationRow)
    return {(one.clock, one.cycle): one for one in explain(row, default_policy(), now)}


def test_a_clock_that_runs_says_what_is_used_and_left() -> None:
    clocks = explained([Telling(Severity.P1).opened(instant("08:00:00"))], instant("08:05:30"))
    assert clocks[ClockName.FIRST_RESPONSE, 1].sentence == (
        "first response: 15 min (P1) from Tue 2026-06-02 08:00:00 UTC, 5 min 30 s used,"
        " due Tue 2026-06-02 08:15:00 UTC, 9 min 30 s left"
    )
    assert [one.what for one in clocks[ClockName.FIRST_RESPONSE, 1].segments] == [Stretch.RAN]


def test_a_kept_clock_says_when_and_one_that_was_missed_by_how_much() -> None:
    telling = Telling(Severity.P1)
    events = [telling.opened(instant("08:00:00")), telling.informed(instant("08:10:00"))]
    clocks = explained(events, instant("09:00:00"))
    assert clocks[ClockName.FIRST_RESPONSE, 1].sentence.endswith(
        "10 min used, kept: ended Tue 2026-06-02 08:10:00 UTC with 5 min left, was due Tue 2026-06-02 08:15:00 UTC"
    )
    assert clocks[ClockName.UPDATE, 2].sentence == (
        "update 2: 30 min (P1) from Tue 2026-06-02 08:10:00 UTC, 50 min used,"
        " broken: was due Tue 2026-06-02 08:40:00 UTC, still open, 20 min over"
    )


def test_closed_hours_and_pauses_are_told_apart_and_a_pause_names_the_event_that_began_it() -> None:
    telling = Telling(Severity.P3)
    events = [
        telling.opened(instant("2026-06-05T13:00:00")),  # Friday, two hours before closing
        telling.proposed(instant("2026-06-08T09:00:00")),
        telling.rejected(instant("2026-06-08T10:30:00")),
    ]
    resolution = explained(events, instant("2026-06-08T11:00:00"))[ClockName.RESOLUTION, 1]
    assert [(one.what, one.length / timedelta(hours=1), one.version) for one in resolution.segments] == [
        (Stretch.RAN, 2, 0),
        (Stretch.CLOSED, 64, 0),
        (Stretch.RAN, 2, 0),
        (Stretch.PAUSED, 1.5, 2),
        (Stretch.RAN, 0.5, 0),
    ]
    assert resolution.sentence == (
        "resolution: 3 business days (P3) on calendar office from Fri 2026-06-05 15:00:00 CEST, 4 h 30 min used,"
        " paused for 1 h 30 min, due Wed 2026-06-10 16:30:00 CEST, 19 h 30 min left"
    )


def test_a_clock_that_stands_says_what_is_left_and_has_no_due_time_in_words() -> None:
    telling = Telling(Severity.P1)
    events = [telling.opened(instant("08:00:00")), telling.proposed(instant("09:00:00"))]
    resolution = explained(events, instant("12:00:00"))[ClockName.RESOLUTION, 1]
    assert resolution.sentence.endswith("1 h used, paused for 3 h, stands with 3 h left")


MINUTES = st.integers(0, 3 * 24 * 60)


@settings(max_examples=150, deadline=None)
@given(
    severity=st.sampled_from(Severity),
    acts=st.lists(st.sampled_from("ipcru"), max_size=6),
    gaps=st.lists(MINUTES, min_size=8, max_size=8),
)
def test_stretches_have_no_gap_and_what_is_left_ends_at_the_due_time(
    severity: Severity, acts: list[str], gaps: list[int]
) -> None:
    telling, at = Telling(severity), instant("2026-03-27T13:17:00")
    events: list[EscalationEvent] = [telling.opened(at)]
    for act, gap in zip(acts, gaps, strict=False):
        at += timedelta(minutes=gap)
        match act:
            case "i":
                events.append(telling.informed(at))
            case "p":
                events.append(telling.proposed(at))
            case "c":
                events.append(telling.confirmed(at))
            case "r":
                events.append(telling.rejected(at))
            case _:
                events.append(telling.reclassified(at, Severity.P2 if telling.severity is Severity.P3 else Severity.P3))
    now = at + timedelta(minutes=gaps[-1])
    for one in explained(events, now).values():
        edges = [one.started_at, *(edge for part in one.segments for edge in (part.since, part.until))]
        assert all(before == after for before, after in list(pairwise(edges))[::2])
        assert edges[-1] == (one.ended_at or now)
        ran = sum((part.length for part in one.segments if part.what is Stretch.RAN), timedelta(0))
        assert ran.total_seconds() == one.used_seconds
        left = timedelta(seconds=one.target_seconds - one.used_seconds)
        pauses = any(part.what is Stretch.PAUSED for part in one.segments)
        if one.ended_at is None and one.verdict is None and left > timedelta(0) and not pauses:
            calendar = OFFICE if one.calendar is not None else None
            assert working_time_between(calendar, now, one.due_at) == left


def test_a_resolution_says_when_it_was_restored_and_when_confirmed_before_and_after_a_reopening() -> None:
    telling = Telling(Severity.P1)
    events = [
        telling.opened(instant("08:00:00")),
        telling.proposed(instant("09:00:00")),
        telling.rejected(instant("09:10:00")),
        telling.proposed(instant("09:30:00")),
        telling.confirmed(instant("11:00:00")),
        telling.closed(instant("11:00:00")),
        telling.reopened(instant("12:00:00")),
        telling.proposed(instant("15:00:00")),
        telling.confirmed(instant("15:30:00")),
    ]
    clocks = explained(events, instant("16:00:00"))

    first, final = clocks[ClockName.RESOLUTION, 1], clocks[ClockName.RESOLUTION, 2]
    assert (first.restored_at, first.ended_at) == (instant("09:30:00"), instant("11:00:00"))
    assert (final.restored_at, final.ended_at) == (instant("15:00:00"), instant("15:30:00"))
    assert (first.used_seconds, final.used_seconds) == (80 * 60, 260 * 60)
    assert "kept: restored Tue 2026-06-02 09:30:00 UTC, confirmed Tue 2026-06-02 11:00:00 UTC with" in first.sentence
    assert final.sentence.endswith(
        "restored Tue 2026-06-02 15:00:00 UTC, confirmed Tue 2026-06-02 15:30:00 UTC, 20 min over"
    )


def test_after_a_miss_a_reopened_resolution_is_explained_though_it_is_promised_no_more() -> None:
    telling = Telling(Severity.P1)
    events = [
        telling.opened(instant("08:00:00")),
        telling.closed(instant("13:00:00"), confirmed=False),
        telling.reopened(instant("14:00:00")),
    ]
    clocks = explained(events, instant("15:00:00"))

    assert clocks[ClockName.RESOLUTION, 1].restored_at is None
    assert clocks[ClockName.RESOLUTION, 2].used_seconds == 6 * 3600
    assert clocks[ClockName.RESOLUTION, 2].verdict is Verdict.BROKEN

"""A question to the customer stops the clocks that the policy lets it stop, until the customer writes."""

from collections.abc import Iterable
from datetime import datetime

import pytest

from policy.model import Policy
from policy.pauses import PauseCause, Pauses
from schemas import escalations as told
from schemas.vocabulary import ClockName, Severity
from services.sla_monitor.domain.cycles import cycles_of
from services.sla_monitor.domain.epochs import held_to, promises_of
from services.sla_monitor.domain.evaluation import judged_cycles
from services.sla_monitor.domain.folding import fold
from services.sla_monitor.domain.rounds import Run
from services.sla_monitor.domain.row import EscalationRow
from tests.unit.sla_monitor.asking import BOTH, asked, lost, policy_with, replied, router_with
from tests.unit.sla_monitor.telling import Telling, default_policy, instant

EVERYWHERE = policy_with(pauses=dict.fromkeys(Severity, BOTH))


def _row(events: Iterable[told.EscalationEvent]) -> EscalationRow:
    row = None
    for event in events:
        row = fold(row, event)
    assert isinstance(row, EscalationRow)
    return row


def _runs(row: EscalationRow, clock: ClockName, policy: Policy = EVERYWHERE) -> list[tuple[Run, ...]]:
    return [cycle.runs for cycle in cycles_of(row, promises_of(held_to(row, policy))) if cycle.clock is clock]


def _run(since: str, until: str | None = None) -> Run:
    return Run(since=instant(since), until=None if until is None else instant(until))


def _due(row: EscalationRow, clock: ClockName, policy: Policy, now: datetime) -> datetime:
    return next(one.due_at for one in judged_cycles(row, held_to(row, policy), now) if one.cycle.clock is clock)


def test_by_default_a_question_stops_nothing() -> None:
    telling = Telling()
    row = _row([telling.opened(instant("08:00:00")), asked(telling, instant("08:10:00"))])

    assert _runs(row, ClockName.RESOLUTION, default_policy()) == [(_run("08:00:00"),)]
    assert list(cycles_of(row)) == list(cycles_of(row, promises_of(held_to(row, default_policy()))))


@pytest.mark.parametrize("awaits", [True, False])
def test_a_question_stops_the_resolution_until_a_reply_of_whatever_kind(*, awaits: bool) -> None:
    telling = Telling()
    events = [telling.opened(instant("08:00:00")), asked(telling, instant("09:00:00"))]
    waiting = _row(events)
    answered = _row([*events, replied(telling, instant("10:30:00"), awaits=awaits)])

    assert _runs(waiting, ClockName.RESOLUTION) == [(_run("08:00:00", "09:00:00"),)]
    assert _runs(answered, ClockName.RESOLUTION) == [(_run("08:00:00", "09:00:00"), _run("10:30:00"))]
    assert _due(answered, ClockName.RESOLUTION, EVERYWHERE, instant("10:30:00")) == instant("13:30:00")


def test_a_question_is_a_message_of_a_person_and_the_update_it_begins_stands_until_the_reply() -> None:
    router = router_with(EVERYWHERE, Severity.P1)
    router.take(router.telling.opened(instant("08:00:00")))
    router.take(asked(router.telling, instant("08:05:00")))
    router.turn_to(instant("12:00:00"))
    assert router.lines() == ["08:05:00 kept first_response/1", "08:05:00 kept update/1"]

    router.take(replied(router.telling, instant("12:00:00")))
    router.turn_to(instant("12:15:00"))
    assert router.lines()[-1] == "12:15:00 reached update/2 50"


def test_another_message_meanwhile_keeps_the_update_and_leaves_the_question_waiting() -> None:
    telling = Telling()
    row = _row(
        [
            telling.opened(instant("08:00:00")),
            asked(telling, instant("08:10:00")),
            telling.informed(instant("08:20:00")),
            asked(telling, instant("08:30:00"), by="ben"),
            replied(telling, instant("08:40:00")),
        ]
    )
    assert _runs(row, ClockName.UPDATE) == [
        (_run("08:00:00", "08:10:00"),),
        (_run("08:10:00", "08:10:00"),),
        (_run("08:20:00", "08:20:00"),),
        (_run("08:30:00", "08:30:00"), _run("08:40:00")),
    ]
    assert _runs(row, ClockName.RESOLUTION) == [(_run("08:00:00", "08:10:00"), _run("08:40:00"))]


def test_a_question_that_never_arrived_stops_nothing() -> None:
    telling = Telling()
    opened, question = telling.opened(instant("08:00:00")), asked(telling, instant("08:10:00"))
    row = _row([opened, question, lost(telling, question, instant("08:11:00"))])

    assert _runs(row, ClockName.RESOLUTION) == [(_run("08:00:00"),)]
    assert _runs(row, ClockName.UPDATE) == [(_run("08:00:00"),)]


def test_a_proposed_resolution_takes_the_place_of_the_question() -> None:
    telling = Telling()
    row = _row(
        [
            telling.opened(instant("08:00:00")),
            asked(telling, instant("08:10:00")),
            telling.proposed(instant("08:20:00")),
            telling.rejected(instant("08:30:00")),
        ]
    )
    assert _runs(row, ClockName.RESOLUTION) == [(_run("08:00:00", "08:10:00"), _run("08:30:00"))]


def test_a_question_during_a_proposal_ends_with_the_answer_to_that_too() -> None:
    telling = Telling()
    row = _row(
        [
            telling.opened(instant("08:00:00")),
            telling.proposed(instant("08:20:00")),
            asked(telling, instant("08:25:00")),
            telling.rejected(instant("08:30:00")),
        ]
    )
    assert _runs(row, ClockName.RESOLUTION) == [(_run("08:00:00", "08:20:00"), _run("08:30:00"))]


def test_a_close_ends_the_question_and_a_reopening_begins_without_one() -> None:
    telling = Telling()
    row = _row(
        [
            telling.opened(instant("08:00:00")),
            asked(telling, instant("08:10:00")),
            telling.closed(instant("08:20:00")),
            telling.reopened(instant("09:00:00")),
        ]
    )
    assert _runs(row, ClockName.RESOLUTION)[-1] == (_run("08:00:00", "08:10:00"), _run("09:00:00"))


def test_the_severity_in_force_says_what_a_question_stops_and_what_stood_before_stays_so() -> None:
    only_p3 = policy_with(pauses={Severity.P3: BOTH})
    telling = Telling(Severity.P3)
    raised = _row(
        [
            telling.opened(instant("08:00:00")),
            asked(telling, instant("08:10:00")),
            telling.reclassified(instant("09:00:00"), Severity.P1),
        ]
    )
    telling = Telling(Severity.P1)
    lowered = _row(
        [
            telling.opened(instant("08:00:00")),
            asked(telling, instant("08:10:00")),
            telling.reclassified(instant("09:00:00"), Severity.P3),
            replied(telling, instant("09:30:00")),
        ]
    )
    assert _runs(raised, ClockName.RESOLUTION, only_p3) == [(_run("08:00:00", "08:10:00"), _run("09:00:00"))]
    assert _runs(lowered, ClockName.RESOLUTION, only_p3) == [(_run("08:00:00", "09:00:00"), _run("09:30:00"))]


def test_a_pause_outlives_a_change_to_a_severity_that_has_it_too_and_is_measured_on_its_calendar() -> None:
    telling = Telling(Severity.P1)
    row = _row(
        [
            telling.opened(instant("08:00:00")),
            asked(telling, instant("09:00:00")),
            telling.reclassified(instant("10:00:00"), Severity.P3),
            replied(telling, instant("2026-06-03T07:00:00")),
        ]
    )
    # Three business days are 24 working hours, one of them used; the office opens at 07:00 UTC.
    due_at = _due(row, ClockName.RESOLUTION, EVERYWHERE, instant("2026-06-03T07:00:00"))
    assert due_at == instant("2026-06-05T14:00:00")


def test_the_policy_may_let_the_resolution_run_while_a_proposal_waits() -> None:
    policy = policy_with(pauses=dict.fromkeys(Severity, Pauses(resolution=(PauseCause.QUESTION,))))
    telling = Telling()
    events = [telling.opened(instant("08:00:00")), telling.proposed(instant("09:00:00"))]

    assert _runs(_row(events), ClockName.RESOLUTION, policy) == [(_run("08:00:00"),)]
    confirmed = _row([*events, telling.confirmed(instant("13:00:00"))])
    assert _runs(confirmed, ClockName.RESOLUTION, policy) == [(_run("08:00:00", "13:00:00"),)]


def test_a_reply_that_arrives_late_ends_the_pause_where_it_was_written() -> None:
    router = router_with(EVERYWHERE, Severity.P1)
    router.take(router.telling.opened(instant("08:00:00")))
    router.take(asked(router.telling, instant("08:05:00")))
    router.turn_to(instant("09:00:00"))
    router.take(replied(router.telling, instant("08:20:00")), instant("09:00:00"))
    router.turn_to(instant("09:00:01"))

    assert router.lines()[-1] == "09:00:00 reached update/2 100"


def test_a_question_that_arrives_late_corrects_a_breach_that_was_none() -> None:
    router = router_with(EVERYWHERE, Severity.P1)
    router.take(router.telling.opened(instant("08:00:00")))
    router.take(router.telling.informed(instant("08:05:00")))
    router.turn_to(instant("08:40:00"))
    router.take(asked(router.telling, instant("08:30:00")), instant("08:41:00"))
    router.turn_to(instant("12:00:00"))

    assert [line for line in router.lines() if "update/2" in line][-2:] == [
        "08:35:00 reached update/2 100",
        "08:41:00 corrected update/2 kept",
    ]


def test_a_late_question_corrects_the_resolution_when_its_end_is_known_and_leaves_it_broken_where_it_is() -> None:
    in_time, too_late = router_with(EVERYWHERE, Severity.P1), router_with(EVERYWHERE, Severity.P1)
    for router in (in_time, too_late):
        router.take(router.telling.opened(instant("08:00:00")))
        router.turn_to(instant("12:00:00"))
        router.take(asked(router.telling, instant("11:00:00")), instant("12:05:00"))
        router.take(replied(router.telling, instant("13:00:00")))
    in_time.turn_to(instant("13:30:00"))
    in_time.take(in_time.telling.confirmed(instant("13:30:00")))
    too_late.turn_to(instant("15:00:00"))
    too_late.take(too_late.telling.confirmed(instant("15:00:00")))

    broken = "12:00:00 reached resolution/1 100"
    assert [line for line in in_time.lines() if "resolution" in line][-2:] == [
        broken,
        "13:30:00 corrected resolution/1 kept",
    ]
    assert [line for line in too_late.lines() if "resolution" in line][-1] == broken

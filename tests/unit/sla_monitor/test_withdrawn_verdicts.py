"""A breach that was said and never was, as a late fact shows, is taken back on record; what was kept stays so."""

import pytest
from msgspec.structs import replace

from schemas.sla import VerdictCorrected
from schemas.vocabulary import ClockName, Severity, Verdict
from services.sla_monitor.domain.evaluation import evaluate
from services.sla_monitor.domain.folding import fold
from services.sla_monitor.domain.row import EscalationRow, OnRecord, decode_row, encode_row
from tests.unit.sla_monitor.asking import lost, minutes, policy_with, replied, router_with
from tests.unit.sla_monitor.recording import RecordingRouter
from tests.unit.sla_monitor.telling import Telling, default_policy, instant


def _corrections(router: RecordingRouter) -> list[tuple[str, int, Verdict, bool]]:
    found = [one for one in router.said if isinstance(one, VerdictCorrected)]
    return [(one.clock, one.cycle, one.verdict, one.withdrawn) for one in found]


def test_a_close_that_comes_late_takes_back_the_breach_of_an_answer_that_was_not_due_before_it() -> None:
    router = router_with(policy_with(minutes(60)))
    router.take(router.telling.opened(instant("08:00:00")))
    router.take(router.telling.informed(instant("08:10:00")))
    router.take(replied(router.telling, instant("09:00:00")))
    router.turn_to(instant("10:00:00"))
    router.take(router.telling.closed(instant("09:30:00")), instant("10:05:00"))
    router.turn_to(instant("12:00:00"))

    assert _corrections(router) == [("next_reply", 1, Verdict.KEPT, True)]


def test_a_close_that_comes_late_but_lies_after_the_due_time_leaves_the_breach() -> None:
    router = RecordingRouter(Severity.P1)
    router.take(router.telling.opened(instant("08:00:00")))
    router.take(router.telling.informed(instant("08:05:00")))
    router.turn_to(instant("08:50:00"))
    router.take(router.telling.closed(instant("08:40:00")), instant("08:50:00"))
    router.turn_to(instant("09:30:00"))

    assert _corrections(router) == []


def test_a_close_before_a_message_began_a_cycle_takes_back_what_was_said_of_that_cycle() -> None:
    router = router_with(policy_with(minutes(30)))
    router.take(router.telling.opened(instant("08:00:00")))
    router.take(router.telling.informed(instant("08:10:00")))
    router.take(replied(router.telling, instant("09:00:00")))
    router.turn_to(instant("09:30:00"))
    router.take(router.telling.closed(instant("08:50:00")), instant("09:40:00"))
    router.turn_to(instant("12:00:00"))

    assert _corrections(router) == [("next_reply", 1, Verdict.KEPT, True)]


def test_an_update_that_began_with_a_message_that_never_arrived_was_none() -> None:
    router = RecordingRouter(Severity.P1)
    router.take(router.telling.opened(instant("08:00:00")))
    contact = router.telling.informed(instant("08:05:00"))
    router.take(contact)
    router.turn_to(instant("08:35:00"))
    router.take(lost(router.telling, contact, instant("08:40:00")))
    router.turn_to(instant("09:00:00"))

    assert _corrections(router) == [
        ("first_response", 1, Verdict.BROKEN, False),
        ("update", 1, Verdict.BROKEN, False),
        ("update", 2, Verdict.KEPT, True),
    ]


def test_a_promise_in_a_message_that_never_arrived_was_not_broken() -> None:
    router = RecordingRouter(Severity.P4)
    router.take(router.telling.opened(instant("08:00:00")))
    router.take(router.telling.informed(instant("08:01:00")))
    contact = router.telling.informed(instant("08:05:00"), next_at=instant("09:00:00"))
    router.take(contact)
    router.turn_to(instant("09:00:00"))
    router.take(lost(router.telling, contact, instant("09:10:00")))
    router.turn_to(instant("09:11:00"))

    assert _corrections(router) == [("promise", 3, Verdict.KEPT, True)]
    withdrawn = next(one for one in router.said if isinstance(one, VerdictCorrected))
    assert withdrawn.due_at == instant("09:00:00")


def test_a_message_that_comes_late_keeps_a_promise_that_was_called_broken() -> None:
    router = RecordingRouter(Severity.P4)
    router.take(router.telling.opened(instant("08:00:00")))
    router.take(router.telling.informed(instant("08:05:00"), next_at=instant("09:00:00")))
    router.turn_to(instant("09:00:00"))
    router.take(router.telling.informed(instant("08:50:00")), instant("09:10:00"))

    assert _corrections(router) == [("promise", 2, Verdict.KEPT, False)]


def test_an_acceptance_that_comes_late_is_corrected_and_the_handover_at_the_due_instant_takes_nothing_back() -> None:
    router = RecordingRouter(Severity.P1)
    router.take(router.telling.opened(instant("08:00:00")))
    router.take(router.telling.assigned(instant("08:00:00"), "ana"))
    accepted = router.telling.accepted(instant("08:05:00"))
    router.turn_to(instant("08:07:30"))
    router.take(router.telling.assigned(instant("08:07:30"), "ben"))
    router.turn_to(instant("08:08:00"))
    assert _corrections(router) == []

    late = router.telling.tell(accepted, instant("08:05:00"))
    router.take(late, instant("08:09:00"))
    router.turn_to(instant("08:09:00"))
    assert _corrections(router) == [("acceptance", 1, Verdict.KEPT, False)]


def test_a_resolution_that_management_proposed_before_the_acceptance_was_due_takes_its_breach_back() -> None:
    router = RecordingRouter(Severity.P1)
    router.take(router.telling.opened(instant("08:00:00")))
    router.take(router.telling.assigned(instant("08:00:00"), "ana", last=True))
    router.turn_to(instant("08:07:30"))
    router.take(router.telling.proposed(instant("08:07:00"), by="mia"), instant("08:08:00"))
    router.turn_to(instant("08:09:00"))

    assert _corrections(router)[0] == ("acceptance", 1, Verdict.KEPT, True)


def test_the_confirmation_has_no_verdict_and_a_late_word_of_the_customer_only_ends_it() -> None:
    router = RecordingRouter(Severity.P1)
    router.take(router.telling.opened(instant("08:00:00")))
    router.take(router.telling.proposed(instant("08:10:00")))
    router.turn_to(instant("2026-06-03T08:10:00"))
    asked_again = [line for line in router.lines() if "confirmation" in line]
    router.take(router.telling.confirmed(instant("2026-06-02T20:00:00")), instant("2026-06-03T08:11:00"))
    router.turn_to(instant("2026-06-08T08:10:00"))

    assert asked_again == ["08:10:00 reached confirmation/1 100"]
    assert [line for line in router.lines() if "confirmation" in line] == asked_again
    assert _corrections(router) == []
    assert router.lines()[-1] == "08:11:00 kept resolution/1"


def test_what_was_kept_stays_kept_where_the_cycle_turns_out_to_be_none() -> None:
    router = router_with(policy_with(minutes(60)))
    router.take(router.telling.opened(instant("08:00:00")))
    router.take(router.telling.informed(instant("08:10:00")))
    router.take(replied(router.telling, instant("09:00:00")))
    router.take(router.telling.informed(instant("09:20:00")))
    router.take(router.telling.closed(instant("09:10:00")), instant("09:30:00"))
    router.turn_to(instant("12:00:00"))

    assert [line for line in router.lines() if "next_reply" in line] == ["09:20:00 kept next_reply/1"]


def test_what_is_taken_back_is_said_once() -> None:
    router = RecordingRouter(Severity.P1)
    router.take(router.telling.opened(instant("08:00:00")))
    router.take(router.telling.informed(instant("08:05:00")))
    router.turn_to(instant("08:35:00"))
    router.take(router.telling.closed(instant("08:20:00")), instant("08:36:00"))
    router.take(router.telling.closed(instant("08:40:00")))
    router.turn_to(instant("12:00:00"))

    assert _corrections(router) == [("update", 2, Verdict.KEPT, True)]


@pytest.mark.parametrize("clock", [ClockName.FRONT_LINE, ClockName.CONFIRMATION])
def test_a_record_of_a_clock_that_is_not_judged_here_is_left_alone(clock: ClockName) -> None:
    row = fold(None, Telling().opened(instant("08:00:00")))
    assert isinstance(row, EscalationRow)
    row = replace(row, on_record=(OnRecord(clock=clock, cycle=7, percent=100, verdict=Verdict.BROKEN),))

    assert decode_row(encode_row(row)) == row
    assert evaluate(row, default_policy(), instant("08:00:01")).findings == ()

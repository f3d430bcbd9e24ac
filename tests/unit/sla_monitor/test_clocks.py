"""What the clocks say, told through the monitor with everything recorded at once."""

from msgspec.structs import replace

from schemas.sla import ClockKept, ThresholdReached
from schemas.vocabulary import ContactKind, Severity
from tests.unit.sla_monitor.recording import RecordingRouter
from tests.unit.sla_monitor.telling import instant


def _accepted(severity: Severity = Severity.P1) -> RecordingRouter:
    router = RecordingRouter(severity)
    router.take(router.telling.opened(instant("08:00:00")))
    router.take(router.telling.assigned(instant("08:00:00")))
    router.take(router.telling.accepted(instant("08:01:00")))
    router.take(router.telling.informed(instant("08:01:00"), ContactKind.ACKNOWLEDGEMENT))
    return router


def _without(router: RecordingRouter, *clocks: str) -> list[str]:
    return [line for line in router.lines() if not any(f" {clock}/" in line for clock in clocks)]


def test_accepting_keeps_acceptance_first_response_and_the_first_update_cycle() -> None:
    router = _accepted()

    assert router.lines() == [
        "08:01:00 kept acceptance/1",
        "08:01:00 kept first_response/1",
        "08:01:00 kept update/1",
    ]


def test_silence_yields_each_warning_and_one_breach_in_due_order() -> None:
    router = RecordingRouter()
    router.take(router.telling.opened(instant("08:00:00")))

    router.turn_to(instant("08:40:00"))

    assert _without(router, "update", "resolution") == [
        "08:07:30 reached first_response/1 50",
        "08:11:15 reached first_response/1 75",
        "08:13:30 reached first_response/1 90",
        "08:15:00 reached first_response/1 100",
    ]


def test_the_last_in_the_chain_is_reminded_once_per_target_three_times() -> None:
    router = RecordingRouter()
    router.take(router.telling.opened(instant("08:00:00")))
    router.take(router.telling.assigned(instant("08:00:00"), "mia", last=True))

    router.turn_to(instant("09:00:00"))

    assert _without(router, "first_response", "update", "resolution") == [
        "08:03:45 reached acceptance/1 50",
        "08:07:30 reached acceptance/1 100",
        "08:15:00 reached acceptance/1 200",
        "08:22:30 reached acceptance/1 300",
    ]


def test_an_act_at_the_due_instant_is_in_time_and_one_later_ends_a_broken_cycle() -> None:
    router = RecordingRouter()
    router.take(router.telling.opened(instant("08:00:00")))
    router.take(router.telling.informed(instant("08:15:00")))
    router.take(router.telling.informed(instant("08:45:00")))
    router.turn_to(instant("09:15:00"))
    router.take(router.telling.informed(instant("09:15:01")))

    kept = [line for line in router.lines() if "kept" in line]

    assert kept == ["08:15:00 kept first_response/1", "08:15:00 kept update/1", "08:45:00 kept update/2"]
    assert "09:15:00 reached update/3 100" in router.lines()


def test_after_an_outage_an_open_cycle_yields_its_highest_threshold_only() -> None:
    router = _accepted()

    router.fire(instant("08:31:00"))

    assert [line for line in router.lines() if "reached" in line] == ["08:31:00 reached update/2 100"]


def test_a_cycle_that_ended_late_during_an_outage_is_broken_with_its_true_due_time() -> None:
    router = _accepted()
    router.take(router.telling.informed(instant("08:50:00")), instant("09:01:00"))

    (breach,) = [found for found in router.fire(instant("09:01:00")) if isinstance(found, ThresholdReached)]

    assert (breach.clock, breach.cycle, breach.percent) == ("update", 2, 100)
    assert breach.due_at == breach.reached_at == instant("08:31:00")


def test_a_higher_severity_breaks_what_is_past_due_at_the_change_without_its_warnings() -> None:
    router = RecordingRouter(Severity.P3)
    router.take(router.telling.opened(instant("08:00:00")))
    router.take(router.telling.reclassified(instant("08:20:00"), Severity.P1))
    router.turn_to(instant("08:20:00"))

    assert router.lines() == ["08:20:00 reached first_response/1 100", "08:20:00 reached update/1 50"]


def test_what_was_broken_or_given_stays_so_when_the_severity_is_lowered() -> None:
    router = RecordingRouter()
    router.take(router.telling.opened(instant("08:00:00")))
    router.turn_to(instant("08:23:00"))
    router.take(router.telling.reclassified(instant("08:23:00"), Severity.P2))
    router.turn_to(instant("09:31:00"))

    assert [line for line in router.lines() if " first_response/" in line][-1].startswith("08:15:00")
    assert _without(router, "first_response") == [
        "08:15:00 reached update/1 50",
        "08:22:30 reached update/1 75",
    ]


def test_a_p4_has_no_update_clock_and_one_made_p1_has_one_from_the_last_message() -> None:
    router = _accepted(Severity.P4)
    router.turn_to(instant("08:20:00"))
    assert _without(router, "acceptance", "first_response") == []

    router.take(router.telling.reclassified(instant("08:20:00"), Severity.P1))
    router.turn_to(instant("08:20:00"))

    assert router.lines()[-1] == "08:20:00 reached update/2 50"


def test_the_resolution_clock_stands_while_the_customer_is_asked_and_resumes_with_its_used_time() -> None:
    router = _accepted()
    router.take(router.telling.proposed(instant("09:00:00")))
    router.take(router.telling.rejected(instant("15:00:00")))
    router.turn_to(instant("18:00:00"))

    assert _without(router, "acceptance", "first_response", "update") == [
        "16:00:00 reached resolution/1 50",
        "17:00:00 reached resolution/1 75",
        "17:36:00 reached resolution/1 90",
        "18:00:00 reached resolution/1 100",
    ]


def test_proposing_keeps_the_update_cycle_once_also_when_the_request_is_told_beside_it() -> None:
    router = _accepted()
    router.take(router.telling.informed(instant("08:10:00"), ContactKind.CONFIRMATION_REQUEST))
    router.take(router.telling.proposed(instant("08:10:00")))
    router.turn_to(instant("12:00:00"))

    assert [line for line in router.lines() if "update" in line] == ["08:01:00 kept update/1", "08:10:00 kept update/2"]


def test_confirming_keeps_the_resolution_by_its_used_time_and_closing_adds_no_verdict() -> None:
    router = _accepted()
    router.take(router.telling.proposed(instant("11:59:00")))
    router.take(router.telling.confirmed(instant("20:00:00")))
    router.take(router.telling.closed(instant("20:00:00")))

    router.fire(instant("20:00:00"))

    assert [line for line in router.lines() if "resolution" in line] == ["20:00:00 kept resolution/1"]
    assert router.promises.next_due_at() is None


def test_management_closing_without_a_confirmation_decides_the_resolution_and_ends_the_rest_without_a_verdict() -> None:
    router = RecordingRouter()
    router.take(router.telling.opened(instant("08:00:00")))
    router.take(router.telling.assigned(instant("08:00:00")))
    router.take(router.telling.closed(instant("08:02:00"), confirmed=False))

    assert router.lines() == ["08:02:00 kept resolution/1"]


def test_a_resolution_proposed_by_management_ends_the_owners_acceptance_without_a_verdict() -> None:
    router = RecordingRouter()
    router.take(router.telling.opened(instant("08:00:00")))
    router.take(router.telling.assigned(instant("08:00:00")))
    router.take(router.telling.proposed(instant("08:02:00"), by="mia"))
    router.turn_to(instant("08:30:00"))

    assert router.lines() == ["08:02:00 kept first_response/1", "08:02:00 kept update/1"]


def test_the_silent_customer_is_asked_again_three_times_and_then_to_be_called() -> None:
    router = _accepted()
    router.take(router.telling.proposed(instant("08:02:00")))
    router.turn_to(instant("2026-06-12T00:00:00"))

    asked = [found for found in router.said if isinstance(found, ThresholdReached) and found.clock == "confirmation"]

    assert [(one.percent, one.reached_at) for one in asked] == [
        (100, instant("2026-06-03T08:02:00")),
        (200, instant("2026-06-04T08:02:00")),
        (300, instant("2026-06-05T08:02:00")),
        (400, instant("2026-06-06T08:02:00")),
    ]


def test_a_reopened_escalation_goes_on_with_its_used_time_in_new_cycles() -> None:
    router = _accepted(Severity.P2)
    router.take(router.telling.proposed(instant("10:00:00")))
    router.take(router.telling.confirmed(instant("10:30:00")))
    router.take(router.telling.closed(instant("10:30:00")))
    router.take(router.telling.reopened(instant("2026-06-03T08:00:00")))
    router.take(router.telling.assigned(instant("2026-06-03T08:00:00")))
    router.turn_to(instant("2026-06-03T10:00:00"))

    last = [line for line in router.lines() if line.endswith(("100", "resolution/2 50"))]

    assert last == [
        "08:30:00 reached acceptance/2 100",
        "09:00:00 reached first_response/2 100",
        "10:00:00 reached update/3 100",
        "10:00:00 reached resolution/2 50",
    ]


def test_what_was_broken_before_a_reopening_is_not_broken_again() -> None:
    router = _accepted()
    router.turn_to(instant("12:00:00"))
    router.take(router.telling.closed(instant("12:30:00"), confirmed=False))
    router.take(router.telling.reopened(instant("13:00:00")))
    router.turn_to(instant("20:00:00"))

    assert [line for line in router.lines() if "resolution" in line][-1] == "12:00:00 reached resolution/1 100"


def test_a_severity_that_is_changed_again_at_the_same_instant_breaks_nothing() -> None:
    router = _accepted(Severity.P2)
    router.turn_to(instant("08:31:00"))
    router.take(router.telling.reclassified(instant("08:31:00"), Severity.P1))
    router.take(router.telling.reclassified(instant("08:31:00"), Severity.P2))
    router.turn_to(instant("08:40:00"))

    assert not [line for line in router.lines() if line.endswith("100")]


def test_what_was_warned_of_before_a_reopening_is_not_said_again_and_the_rest_is() -> None:
    router = _accepted(Severity.P2)
    router.turn_to(instant("12:30:00"))
    router.take(router.telling.closed(instant("12:30:00"), confirmed=False))
    router.take(router.telling.reopened(instant("2026-06-03T08:00:00")))
    router.turn_to(instant("2026-06-03T12:00:00"))

    assert [line for line in router.lines() if "resolution" in line] == [
        "12:00:00 reached resolution/1 50",
        "12:30:00 kept resolution/1",
        "09:30:00 reached resolution/2 75",
        "10:42:00 reached resolution/2 90",
        "11:30:00 reached resolution/2 100",
    ]


def test_an_owner_who_acted_in_time_and_says_so_when_that_is_past_has_accepted_in_time() -> None:
    router = _accepted()
    router.take(router.telling.accepted(instant("08:40:00")))
    router.turn_to(instant("08:41:00"))

    assert [line for line in router.lines() if "acceptance" in line] == ["08:01:00 kept acceptance/1"]


def test_a_handover_before_acceptance_ends_the_first_owners_clock_and_starts_the_seconds() -> None:
    router = RecordingRouter()
    router.take(router.telling.opened(instant("08:00:00")))
    router.take(router.telling.assigned(instant("08:00:00")))
    router.take(router.telling.assigned(instant("08:02:00"), "ben"))
    router.turn_to(instant("08:10:00"))

    assert [line for line in router.lines() if "acceptance" in line] == [
        "08:05:45 reached acceptance/2 50",
        "08:09:30 reached acceptance/2 100",
    ]


def test_a_receipt_that_the_policy_sends_by_itself_is_no_answer_of_a_person() -> None:
    router = RecordingRouter()
    router.take(router.telling.opened(instant("08:00:00")))
    receipt = router.telling.informed(instant("08:00:00"), ContactKind.ACKNOWLEDGEMENT)
    router.take(replace(receipt, automatic=True))
    router.turn_to(instant("08:15:00"))

    assert "08:15:00 reached first_response/1 100" in router.lines()
    assert not any("kept" in line for line in router.lines())


def _of_promises(router: RecordingRouter) -> list[str]:
    return [line for line in router.lines() if " promise/" in line]


def test_a_promised_time_is_warned_of_and_broken_by_silence_whatever_the_severity_says() -> None:
    router = _accepted(Severity.P4)
    router.take(router.telling.informed(instant("09:00:00"), next_at=instant("11:00:00")))

    router.turn_to(instant("12:00:00"))

    assert _of_promises(router) == [
        "10:00:00 reached promise/3 50",
        "10:30:00 reached promise/3 75",
        "10:48:00 reached promise/3 90",
        "11:00:00 reached promise/3 100",
    ]


def test_the_next_message_keeps_a_promise_also_by_proposing_and_may_make_another() -> None:
    router = _accepted(Severity.P4)
    router.take(router.telling.informed(instant("09:00:00"), next_at=instant("11:00:00")))
    router.take(router.telling.informed(instant("09:30:00"), next_at=instant("10:00:00")))
    router.take(router.telling.proposed(instant("10:00:00")))

    assert _of_promises(router) == ["09:30:00 kept promise/3", "10:00:00 kept promise/4"]


def test_a_promise_ends_with_the_close() -> None:
    router = _accepted(Severity.P4)
    router.take(router.telling.informed(instant("09:00:00"), next_at=instant("11:00:00")))
    router.take(router.telling.closed(instant("09:10:00")))

    router.turn_to(instant("12:00:00"))

    assert _of_promises(router) == []


def test_a_promise_is_the_next_thing_due_and_survives_a_change_of_severity() -> None:
    router = _accepted(Severity.P3)
    router.take(router.telling.informed(instant("09:00:00"), next_at=instant("09:20:00")))
    router.take(router.telling.reclassified(instant("09:05:00"), Severity.P4))

    router.turn_to(instant("09:30:00"))

    assert _of_promises(router)[-1] == "09:20:00 reached promise/3 100"


def test_a_kept_resolution_says_when_it_was_restored_and_one_closed_without_a_word_does_not() -> None:
    restored = []
    for confirmed in (True, False):
        router = _accepted()
        router.take(router.telling.proposed(instant("09:00:00")))
        if confirmed:
            router.take(router.telling.confirmed(instant("10:00:00")))
        router.take(router.telling.closed(instant("10:00:00"), confirmed=confirmed))
        restored += [one.restored_at for one in router.said if isinstance(one, ClockKept) and one.clock == "resolution"]

    assert restored == [instant("09:00:00"), None]


def test_a_breach_that_is_said_after_the_end_says_when_it_was_restored() -> None:
    router = _accepted()
    router.take(router.telling.proposed(instant("12:30:00")))
    router.take(router.telling.confirmed(instant("13:00:00")))
    router.turn_to(instant("13:00:01"))

    late = [one for one in router.said if isinstance(one, ThresholdReached) and one.clock == "resolution"]
    assert [(one.percent, one.restored_at) for one in late] == [(100, instant("12:30:00"))]

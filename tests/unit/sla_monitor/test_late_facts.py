"""Facts that arrive late, messages that never did, and breaches the router could not verify."""

from datetime import timedelta

from schemas import escalations as told
from schemas.escalations import CustomerInformed
from schemas.sla import ThresholdReached
from schemas.vocabulary import ContactKind, NoticeKind, Severity
from tests.unit.sla_monitor.recording import RecordingRouter
from tests.unit.sla_monitor.telling import instant


def _failed(contact: CustomerInformed) -> told.NoticeFailed:
    return told.NoticeFailed(
        notice_id="n1", kind=NoticeKind.UPDATE, recipient="customer", contact_id=contact.meta.id, reason="bounced"
    )


def test_a_reply_that_arrives_after_the_breach_corrects_it_and_starts_the_update_cycle_where_it_happened() -> None:
    router = RecordingRouter()
    router.take(router.telling.opened(instant("08:00:00")))
    router.turn_to(instant("08:20:00"))
    router.take(router.telling.informed(instant("08:10:00")), instant("08:21:00"))
    router.turn_to(instant("08:40:00"))

    assert router.lines()[-7:] == [
        "08:15:00 reached update/1 50",
        "08:21:00 corrected first_response/1 kept",
        "08:21:00 kept update/1",
        "08:25:00 reached update/2 50",
        "08:32:30 reached update/2 75",
        "08:37:00 reached update/2 90",
        "08:40:00 reached update/2 100",
    ]


def test_a_late_fact_in_the_middle_of_a_cycle_leaves_the_cycles_after_it_their_numbers() -> None:
    router = RecordingRouter()
    router.take(router.telling.opened(instant("08:00:00")))
    router.turn_to(instant("08:35:00"))
    router.take(router.telling.informed(instant("08:40:00")))
    router.turn_to(instant("08:56:00"))
    router.take(router.telling.informed(instant("08:12:00")), instant("08:57:00"))
    router.turn_to(instant("09:02:30"))

    assert router.lines()[-5:] == [
        "08:55:00 reached update/2 50",
        "08:57:00 corrected first_response/1 kept",
        "08:57:00 corrected update/1 kept",
        "08:57:00 kept update/3",
        "09:02:30 reached update/2 75",
    ]


def test_what_a_raise_called_broken_is_corrected_by_a_reply_from_when_nothing_was_promised() -> None:
    router = RecordingRouter(Severity.P4)
    router.take(router.telling.opened(instant("08:00:00")))
    router.turn_to(instant("09:00:00"))
    router.take(router.telling.reclassified(instant("09:00:00"), Severity.P1))
    router.turn_to(instant("09:01:00"))
    router.take(router.telling.informed(instant("08:40:00")), instant("09:05:00"))
    router.turn_to(instant("09:06:00"))

    assert [line for line in router.lines() if "update" in line] == [
        "09:00:00 reached update/1 100",
        "09:05:00 corrected update/1 kept",
        "09:05:00 reached update/2 75",
    ]


def test_a_message_that_failed_for_good_past_its_due_time_corrects_the_verdict_at_once() -> None:
    router = RecordingRouter()
    router.take(router.telling.opened(instant("08:00:00")))
    contact = router.telling.informed(instant("08:05:00"), ContactKind.ACKNOWLEDGEMENT)
    router.take(contact)
    router.take(router.telling.tell(_failed(contact), instant("08:20:00")))

    assert router.lines()[-1] == "08:20:00 corrected first_response/1 broken"


def test_a_message_that_failed_before_its_due_time_lets_the_clock_run_again() -> None:
    router = RecordingRouter()
    router.take(router.telling.opened(instant("08:00:00")))
    contact = router.telling.informed(instant("08:05:00"), ContactKind.ACKNOWLEDGEMENT)
    router.take(contact)
    router.take(router.telling.tell(_failed(contact), instant("08:06:00")))
    router.turn_to(instant("08:15:00"))
    router.turn_to(instant("08:20:00"))

    assert [line for line in router.lines() if "first_response" in line] == [
        "08:05:00 kept first_response/1",
        "08:07:30 reached first_response/1 50",
        "08:11:15 reached first_response/1 75",
        "08:13:30 reached first_response/1 90",
        "08:15:00 corrected first_response/1 broken",
    ]


def test_a_failed_request_to_confirm_leaves_the_pause_and_takes_the_contact_away() -> None:
    router = RecordingRouter()
    router.take(router.telling.opened(instant("08:00:00")))
    request = router.telling.informed(instant("08:10:00"), ContactKind.CONFIRMATION_REQUEST)
    router.take(request)
    router.take(router.telling.proposed(instant("08:10:00")))
    router.take(router.telling.tell(_failed(request), instant("08:20:00")))
    router.turn_to(instant("13:00:00"))

    assert "08:20:00 corrected first_response/1 broken" in router.lines()
    assert not [line for line in router.lines() if "resolution" in line]


def test_an_unverified_breach_is_said_again_every_thirty_seconds_until_it_is_verified() -> None:
    router = RecordingRouter(records=False)
    router.take(router.telling.opened(instant("08:00:00")))
    first = next(one for one in router.fire(instant("08:15:00")) if _is_first_response(one))
    unverified = router.record_of(first, unverified=True)
    assert unverified is not None
    router.take(router.telling.tell(unverified, instant("08:17:00")))

    again = [one for one in router.fire(instant("08:17:00")) if _is_first_response(one)]
    too_soon = router.fire(instant("08:17:29"))
    later = [one for one in router.fire(instant("08:17:30")) if _is_first_response(one)]
    verified = router.record_of(first)
    assert verified is not None
    router.take(router.telling.tell(verified, instant("08:17:31")))
    after = [one for one in router.fire(instant("08:18:31")) if _is_first_response(one)]

    assert [one.meta.id for one in (*again, *later)] == [first.meta.id, first.meta.id]
    assert (list(too_soon), after) == ([], [])


def test_an_unverified_breach_that_a_late_fact_refutes_is_corrected_and_not_said_again() -> None:
    router = RecordingRouter(records=False)
    router.take(router.telling.opened(instant("08:00:00")))
    breach = next(one for one in router.fire(instant("08:15:00")) if _is_first_response(one))
    unverified = router.record_of(breach, unverified=True)
    assert unverified is not None
    router.take(router.telling.tell(unverified, instant("08:17:00")))
    router.take(router.telling.informed(instant("08:14:00")), instant("08:17:10"))
    router.fire(instant("08:17:10") + timedelta(minutes=1))

    assert [line for line in router.lines() if " first_response/" in line][1:] == [
        "08:17:10 corrected first_response/1 kept"
    ]


def _is_first_response(finding: object) -> bool:
    return isinstance(finding, ThresholdReached) and finding.clock == "first_response"


def test_a_promise_in_a_message_that_never_arrived_is_none() -> None:
    router = RecordingRouter(Severity.P4)
    router.take(router.telling.opened(instant("08:00:00")))
    contact = router.telling.informed(instant("08:05:00"), next_at=instant("09:00:00"))
    router.take(contact)
    router.take(router.telling.tell(_failed(contact), instant("08:06:00")))
    router.turn_to(instant("10:00:00"))

    assert not [line for line in router.lines() if " promise/" in line]

"""What a merge brings to the clocks of the ticket that survives."""

from datetime import datetime

import msgspec

from schemas import escalations as told
from schemas.context import OpenPromise
from schemas.sla import ThresholdReached
from schemas.vocabulary import ClockName, Severity
from services.sla_monitor.domain.row import decode_row, encode_row
from tests.unit.sla_monitor.recording import RecordingRouter
from tests.unit.sla_monitor.telling import instant


def _promise(clock: ClockName, since: str, due: str, severity: Severity = Severity.P1, percent: int = 0) -> OpenPromise:
    return OpenPromise(clock=clock, started_at=instant(since), due_at=instant(due), severity=severity, percent=percent)


def _absorbed(
    router: RecordingRouter, at: datetime, *promises: OpenPromise, opening: int = 0, alone: bool = False
) -> None:
    event = told.MergeAbsorbed(merged="zendesk-eu/2", promises=promises, opening=opening, alone=alone)
    router.take(router.telling.tell(event, at))


def _of(router: RecordingRouter, clock: ClockName) -> list[str]:
    return [line for line in router.lines() if f" {clock}/" in line]


def _router() -> RecordingRouter:
    router = RecordingRouter()
    router.take(router.telling.opened(instant("08:00:00")))
    return router


def test_an_earlier_promise_holds_and_what_was_given_is_not_given_again() -> None:
    router = _router()
    router.turn_to(instant("08:08:00"))
    _absorbed(router, instant("08:08:00"), _promise(ClockName.FIRST_RESPONSE, "07:55:00", "08:10:00"))
    router.turn_to(instant("08:30:00"))

    assert _of(router, ClockName.FIRST_RESPONSE) == [
        "08:07:30 reached first_response/1 50",
        "08:08:00 reached first_response/1 75",
        "08:08:30 reached first_response/1 90",
        "08:10:00 reached first_response/1 100",
    ]


def test_a_later_promise_changes_nothing() -> None:
    router = _router()
    _absorbed(router, instant("08:01:00"), _promise(ClockName.FIRST_RESPONSE, "08:00:30", "08:15:30", percent=90))
    router.turn_to(instant("08:30:00"))

    assert [line[:8] for line in _of(router, ClockName.FIRST_RESPONSE)] == [
        "08:07:30",
        "08:11:15",
        "08:13:30",
        "08:15:00",
    ]


def test_a_promise_that_was_past_already_breaks_at_the_merge_with_its_own_due_time() -> None:
    router = _router()
    _absorbed(router, instant("08:05:00"), _promise(ClockName.UPDATE, "07:00:00", "07:30:00"))
    router.turn_to(instant("08:06:00"))

    assert _of(router, ClockName.UPDATE) == ["08:05:00 reached update/1 100"]
    assert [one.due_at for one in router.said if isinstance(one, ThresholdReached) and one.percent == 100] == [
        instant("07:30:00")
    ]


def test_an_open_first_response_is_a_cycle_of_its_own_where_the_survivor_was_answered() -> None:
    router = _router()
    router.take(router.telling.informed(instant("08:02:00")))
    _absorbed(router, instant("08:05:00"), _promise(ClockName.FIRST_RESPONSE, "07:56:00", "08:11:00"), opening=2)
    router.take(router.telling.informed(instant("08:09:00")))

    assert _of(router, ClockName.FIRST_RESPONSE) == [
        "08:02:00 kept first_response/1",
        "08:09:00 kept first_response/2",
    ]


def test_a_resolution_that_was_brought_pauses_like_any_other() -> None:
    router = _router()
    _absorbed(router, instant("08:30:00"), _promise(ClockName.RESOLUTION, "06:00:00", "10:00:00"))
    router.take(router.telling.proposed(instant("09:00:00")))
    router.take(router.telling.rejected(instant("11:00:00")))
    router.turn_to(instant("13:00:00"))

    assert _of(router, ClockName.RESOLUTION)[-1] == "12:00:00 reached resolution/1 100"


def test_a_named_time_that_was_brought_is_a_promise_until_the_next_message() -> None:
    router = _router()
    _absorbed(router, instant("08:05:00"), _promise(ClockName.PROMISE, "08:00:00", "09:00:00", percent=50))
    router.turn_to(instant("08:50:00"))
    router.take(router.telling.informed(instant("08:50:00")))

    assert _of(router, ClockName.PROMISE) == ["08:45:00 reached promise/2 75", "08:50:00 kept promise/2"]


def test_promises_that_are_all_there_is_replace_those_of_the_start() -> None:
    router = _router()
    _absorbed(router, instant("10:00:00"), _promise(ClockName.RESOLUTION, "08:00:00", "13:00:00"), alone=True)
    router.turn_to(instant("13:00:00"))

    assert _of(router, ClockName.FIRST_RESPONSE) == _of(router, ClockName.UPDATE) == []
    assert _of(router, ClockName.RESOLUTION)[-1] == "13:00:00 reached resolution/1 100"


def test_what_was_brought_no_longer_holds_once_a_person_lowers_the_severity_below_it() -> None:
    router = _router()
    router.take(router.telling.informed(instant("08:01:00")))
    _absorbed(router, instant("08:02:00"), _promise(ClockName.UPDATE, "07:50:00", "08:20:00"))
    router.take(router.telling.reclassified(instant("08:03:00"), Severity.P2))
    router.turn_to(instant("09:30:00"))

    assert _of(router, ClockName.UPDATE)[1:] == ["09:01:00 reached update/2 50"]


def test_a_row_with_a_merge_is_stored_and_read_and_one_without_promises_is_as_before() -> None:
    router = _router()
    _absorbed(router, instant("08:01:00"))
    plain = msgspec.msgpack.decode(encode_row(next(iter(router.promises.rows))))
    assert "absorbed" not in str(plain)
    _absorbed(router, instant("08:02:00"), _promise(ClockName.UPDATE, "07:50:00", "08:20:00"))
    row = next(iter(router.promises.rows))

    assert decode_row(encode_row(row)) == row

"""What a merge brings: the promise that falls due first holds, and what was told of it is not told again."""

from datetime import datetime

import pytest

from schemas.context import OpenPromise
from schemas.escalations import MergeAbsorbed, SlaBreached, SlaWarned
from schemas.vocabulary import ClockName, Severity
from services.auditor.domain.case import packed, unpacked
from services.auditor.domain.doubts import Kind
from tests.unit.auditor.test_auditor import Audit, doubts, opened
from tests.unit.sla_monitor.telling import TICKET, instant

FIRST = ClockName.FIRST_RESPONSE


def _promise(clock: ClockName, since: str, due: str, percent: int = 0) -> OpenPromise:
    return OpenPromise(
        clock=clock, started_at=instant(since), due_at=instant(due), severity=Severity.P1, percent=percent
    )


def _absorb(audit: Audit, at: str, *promises: OpenPromise, alone: bool = False, opening: int = 0) -> None:
    absorbed = MergeAbsorbed(merged="zendesk-eu/2", promises=promises, alone=alone, opening=opening)
    audit.take(audit.telling.tell(absorbed, instant(at)))
    audit.turn_to(at)


def _breach(audit: Audit, clock: ClockName, cycle: int, at: str, due: str) -> None:
    record = SlaBreached(clock=clock, cycle=cycle, due_at=instant(due), owner_at="ana")
    audit.take(audit.telling.tell(record, instant(at)))
    audit.turn_to(at)


@pytest.mark.parametrize(("due", "wrong"), [("08:10:00", []), ("08:15:00", [(Kind.DUE_AT, 100)])])
def test_the_breach_of_an_earlier_promise_is_right_by_that_only(due: str, wrong: list[tuple[Kind, int]]) -> None:
    audit = opened()
    _absorb(audit, "08:05:00", _promise(FIRST, "07:55:00", "08:10:00", 50))
    _breach(audit, FIRST, 1, due, due)

    assert doubts(audit.turn_to("08:20:00")) == wrong


def test_a_later_promise_changes_nothing() -> None:
    audit = opened()
    _absorb(audit, "08:05:00", _promise(FIRST, "08:04:00", "08:19:00"))
    _breach(audit, FIRST, 1, "08:15:00", "08:15:00")

    assert doubts(audit.turn_to("08:40:00")) == []


def test_what_was_past_at_the_merge_is_a_silence_from_then_on() -> None:
    audit = opened()
    _absorb(audit, "08:05:00", _promise(FIRST, "07:40:00", "07:55:00", 90))

    assert doubts(audit.turn_to("08:09:59")) == []
    (objection,) = [one for one in audit.turn_to("08:10:00") if one.doubt.clock is FIRST]
    assert (objection.doubt.kind, objection.doubt.since) == (Kind.SILENT, instant("08:05:00"))


def test_what_the_owner_was_told_before_the_merge_is_not_due_and_to_tell_it_again_is_wrong() -> None:
    audit = opened()
    _absorb(audit, "08:05:00", _promise(FIRST, "07:57:00", "08:12:00", 50))
    assert doubts(audit.turn_to("08:08:00")) == []

    warned = SlaWarned(clock=FIRST, cycle=1, due_at=instant("08:12:00"), owner_at="ana", percent=50)
    audit.take(audit.telling.tell(warned, instant("08:08:00")))
    audit.turn_to("08:08:00")
    assert (Kind.REPEATED, 50) in doubts(audit.turn_to("08:13:00"))


def test_a_first_response_that_was_waited_for_elsewhere_is_a_cycle_of_its_own() -> None:
    audit = opened()
    audit.take(audit.telling.informed(instant("08:01:00")))
    _absorb(audit, "08:05:00", _promise(FIRST, "08:00:00", "08:15:00", 0), opening=2)

    assert audit.summary("08:05:00").running[FIRST] == 1
    audit.turn_to("08:07:30")
    silent = [one.doubt for one in audit.turn_to("08:12:30") if one.doubt.clock is FIRST]
    assert [(one.cycle, one.percent) for one in silent if one.percent] == [(2, 50)]


def test_where_a_merge_opened_it_nothing_else_is_promised() -> None:
    audit = opened()
    _absorb(audit, "08:00:00", _promise(ClockName.RESOLUTION, "06:00:00", "10:00:00"), alone=True)

    assert dict(audit.summary("08:00:00").running) == {ClockName.RESOLUTION: 1}
    _breach(audit, FIRST, 1, "08:15:00", "08:15:00")
    assert doubts(audit.turn_to("08:20:00")) == [(Kind.NO_CYCLE, 100)]


def test_a_promise_that_was_made_under_a_higher_severity_falls_away_when_that_is_lowered() -> None:
    audit = opened()
    _absorb(audit, "08:05:00", _promise(FIRST, "07:55:00", "08:10:00", 90))
    audit.take(audit.telling.reclassified(instant("08:06:00"), Severity.P2))
    _breach(audit, FIRST, 1, "08:10:00", "08:10:00")

    assert doubts(audit.turn_to("08:15:00")) == [(Kind.DUE_AT, 100)]


def _named(audit: Audit, due: datetime) -> list[int]:
    case = audit.cases.get(TICKET)
    assert case is not None
    return [fact.number for fact in case.facts if fact.merge is not None and fact.merge.promises[0].due_at == due]


def test_a_named_time_that_was_brought_is_a_promise_with_a_number_of_its_own_also_when_it_was_laid_aside() -> None:
    audit = opened()
    _absorb(audit, "08:05:00", _promise(ClockName.PROMISE, "07:55:00", "09:00:00"))
    assert audit.summary("08:05:00").running[ClockName.PROMISE] == 1
    assert _named(audit, instant("09:00:00")) == [2]

    case = audit.cases.get(TICKET)
    assert case is not None
    assert case.next_update_cycle == 3
    assert unpacked(packed(case)) == case

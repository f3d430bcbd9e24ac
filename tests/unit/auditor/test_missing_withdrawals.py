"""A breach on record that, as a late fact shows, was never due: the auditor waits for the record to take it back."""

from datetime import datetime

import pytest

from schemas.escalations import NoticeFailed, SlaBreached, SlaCorrected
from schemas.vocabulary import ClockName, NoticeKind, Verdict
from services.auditor.domain.doubts import Kind
from services.auditor.handlers import Objection
from tests.unit.auditor.test_auditor import Audit, doubts
from tests.unit.sla_monitor.telling import instant

OBJECTED = [(Kind.NEVER_DUE, 100)]


def _of_the_second(objections: list[Objection]) -> list[tuple[Kind, int]]:
    return doubts([one for one in objections if one.doubt.cycle == 2], ClockName.UPDATE)


def _closed_late(at: str) -> Audit:
    """Return an audit of a second update that is broken on record at 08:35, and of a close that is told later."""
    audit = Audit()
    audit.take(audit.telling.opened(instant("08:00:00")), audit.telling.informed(instant("08:05:00")))
    audit.take(_breach(audit, 2, "08:35:00"))
    audit.take(audit.telling.closed(instant(at), confirmed=False))
    audit.turn_to("08:40:00")
    return audit


def _breach(audit: Audit, cycle: int, at: str) -> SlaBreached:
    record = SlaBreached(clock=ClockName.UPDATE, cycle=cycle, due_at=instant(at), owner_at="ana")
    return audit.telling.tell(record, instant(at))


def _withdrawn(audit: Audit, at: str, due: datetime) -> SlaCorrected:
    record = SlaCorrected(
        clock=ClockName.UPDATE,
        cycle=2,
        due_at=due,
        owner_at="ana",
        previous=Verdict.BROKEN,
        verdict=Verdict.KEPT,
        withdrawn=True,
    )
    return audit.telling.tell(record, instant(at))


def test_a_breach_of_what_ended_before_it_was_due_is_objected_to_until_it_is_taken_back() -> None:
    audit = _closed_late("08:20:00")

    assert _of_the_second(audit.turn_to("08:44:59")) == []
    assert _of_the_second(audit.turn_to("08:45:00")) == OBJECTED
    assert audit.summary("08:45:00").disagreements[ClockName.UPDATE, Kind.NEVER_DUE] == 1
    audit.take(_withdrawn(audit, "08:46:00", instant("08:35:00")))
    audit.turn_to("08:46:00")
    assert audit.summary("08:46:00").disagreements[ClockName.UPDATE, Kind.NEVER_DUE] == 0
    assert _of_the_second(audit.turn_to("09:00:00")) == []


@pytest.mark.parametrize("at", ["08:35:00", "08:36:00"])
def test_what_was_due_at_the_end_or_before_it_stays_broken_and_taking_it_back_is_wrong(at: str) -> None:
    audit = _closed_late(at)
    assert _of_the_second(audit.turn_to("08:50:00")) == []

    audit.take(_withdrawn(audit, "08:51:00", instant("08:35:00")))
    audit.turn_to("08:51:00")
    assert (Kind.VERDICT, 0) in _of_the_second(audit.turn_to("08:56:00"))


def test_a_breach_of_a_cycle_that_began_with_a_message_that_never_arrived_is_to_be_taken_back() -> None:
    audit = Audit()
    audit.take(audit.telling.opened(instant("08:00:00")))
    contact = audit.telling.informed(instant("08:05:00"))
    audit.take(contact, _breach(audit, 2, "08:35:00"))
    lost = NoticeFailed(
        notice_id="n", kind=NoticeKind.UPDATE, recipient="customer", contact_id=contact.meta.id, reason="bounced"
    )
    audit.take(audit.telling.tell(lost, instant("08:40:00")))
    audit.turn_to("08:40:00")
    assert _of_the_second(audit.turn_to("08:45:00")) == OBJECTED

    audit.take(_withdrawn(audit, "08:46:00", instant("08:35:00")))
    audit.turn_to("08:46:00")
    assert audit.summary("08:46:00").disagreements[ClockName.UPDATE, Kind.NEVER_DUE] == 0

"""The ledger of pauses: who, why, from, to, by which event, and how close to the breach."""

from collections.abc import Iterable
from datetime import datetime

from policy.model import Policy
from schemas import escalations as told
from schemas.vocabulary import ClockName, Severity
from services.sla_monitor.domain.explaining import Stretch, explain
from services.sla_monitor.domain.folding import fold
from services.sla_monitor.domain.ledger import LedgerEntry, ledger
from services.sla_monitor.domain.pausing import Why
from services.sla_monitor.domain.row import EscalationRow
from tests.unit.sla_monitor.asking import BOTH, asked, policy_with, replied
from tests.unit.sla_monitor.telling import Telling, default_policy, instant

EVERYWHERE = policy_with(pauses=dict.fromkeys(Severity, BOTH))


def _row(events: Iterable[told.EscalationEvent]) -> EscalationRow:
    row = None
    for event in events:
        row = fold(row, event)
    assert isinstance(row, EscalationRow)
    return row


def _ledger(row: EscalationRow, policy: Policy, now: datetime, clock: ClockName) -> list[LedgerEntry]:
    return [one for one in ledger(row, policy, now) if one.clock is clock]


def _times(entry: LedgerEntry) -> str:
    return f"{entry.since:%H:%M}-" + ("" if entry.until is None else f"{entry.until:%H:%M}")


def test_a_proposal_is_a_pause_of_who_proposed_with_what_was_used_and_left_when_it_began() -> None:
    telling = Telling(Severity.P1)
    row = _row(
        [
            telling.opened(instant("08:00:00")),
            telling.proposed(instant("09:00:00"), by="ben"),
            telling.rejected(instant("10:30:00")),
        ]
    )
    (entry,) = ledger(row, default_policy(), instant("11:00:00"))
    assert entry == LedgerEntry(
        clock=ClockName.RESOLUTION,
        cycle=1,
        why=Why.PROPOSED_RESOLUTION,
        by="ben",
        version=2,
        since=instant("09:00:00"),
        until=instant("10:30:00"),
        ended_by=3,
        percent_used=25.0,
        left_seconds=3 * 3600,
    )


def test_what_takes_the_place_of_a_question_is_an_entry_of_its_own_and_the_last_is_open() -> None:
    telling = Telling(Severity.P1)
    row = _row(
        [
            telling.opened(instant("08:00:00")),
            asked(telling, instant("08:30:00"), by="dov"),
            telling.proposed(instant("09:00:00")),
        ]
    )
    entries = _ledger(row, EVERYWHERE, instant("12:00:00"), ClockName.RESOLUTION)
    assert [(one.why, one.by, _times(one), one.version, one.ended_by) for one in entries] == [
        (Why.QUESTION, "dov", "08:30-09:00", 2, 3),
        (Why.PROPOSED_RESOLUTION, "ana", "09:00-", 3, 0),
    ]
    assert {one.left_seconds for one in entries} == {3.5 * 3600}


def test_the_time_between_close_and_reopening_is_on_record_once_with_who_closed() -> None:
    telling = Telling(Severity.P1)
    row = _row(
        [
            telling.opened(instant("08:00:00")),
            telling.proposed(instant("09:00:00")),
            telling.confirmed(instant("10:00:00")),
            telling.closed(instant("10:30:00")),
            telling.reopened(instant("11:00:00")),
        ]
    )
    entries = list(ledger(row, default_policy(), instant("12:00:00")))
    assert [(one.cycle, one.why, one.by, _times(one)) for one in entries] == [
        (1, Why.PROPOSED_RESOLUTION, "ana", "09:00-10:00"),
        (2, Why.CONFIRMED, "c1", "10:00-10:30"),
        (2, Why.CLOSED, "mia", "10:30-11:00"),
    ]


def test_a_pause_that_began_after_the_breach_says_how_far_over() -> None:
    telling = Telling(Severity.P1)
    row = _row([telling.opened(instant("08:00:00")), telling.proposed(instant("13:00:00"))])
    (entry,) = ledger(row, default_policy(), instant("14:00:00"))
    assert (entry.percent_used, entry.left_seconds) == (125.0, -3600)


def test_closeness_goes_by_the_severity_in_force_when_it_began_and_by_its_calendar() -> None:
    telling = Telling(Severity.P1)
    row = _row(
        [
            telling.opened(instant("06:00:00")),
            telling.reclassified(instant("08:00:00"), Severity.P3),
            telling.proposed(instant("10:00:00")),
            telling.reclassified(instant("11:00:00"), Severity.P1),
        ]
    )
    (entry,) = ledger(row, default_policy(), instant("12:00:00"))
    # Of 24 working hours three are used at 10:00: the office opens at 07:00 UTC.
    assert (entry.percent_used, entry.left_seconds) == (12.5, 21 * 3600)


def test_an_update_under_a_question_is_paused_from_its_start_and_a_message_meanwhile_begins_the_next_so() -> None:
    telling = Telling(Severity.P1)
    row = _row(
        [
            telling.opened(instant("08:00:00")),
            asked(telling, instant("08:10:00")),
            telling.informed(instant("08:20:00")),
            replied(telling, instant("08:40:00")),
        ]
    )
    entries = _ledger(row, EVERYWHERE, instant("09:00:00"), ClockName.UPDATE)
    assert [(one.cycle, _times(one), one.version, one.ended_by, one.percent_used) for one in entries] == [
        (2, "08:10-08:20", 2, 3, 0.0),
        (3, "08:20-08:40", 2, 4, 0.0),
    ]


def test_a_pause_ahead_of_now_is_not_on_record_yet() -> None:
    telling = Telling(Severity.P1)
    row = _row([telling.opened(instant("08:00:00")), telling.proposed(instant("09:00:00"))])
    assert list(ledger(row, default_policy(), instant("08:59:59"))) == []


def test_the_stretches_of_a_clock_say_why_it_stood_and_by_whom() -> None:
    telling = Telling(Severity.P1)
    row = _row(
        [
            telling.opened(instant("08:00:00")),
            asked(telling, instant("08:30:00"), by="dov"),
            telling.proposed(instant("09:00:00")),
        ]
    )
    resolution = next(one for one in explain(row, EVERYWHERE, instant("10:00:00")) if one.clock is ClockName.RESOLUTION)
    assert [(one.what, one.why, one.by) for one in resolution.segments] == [
        (Stretch.RAN, None, None),
        (Stretch.PAUSED, Why.QUESTION, "dov"),
        (Stretch.PAUSED, Why.PROPOSED_RESOLUTION, "ana"),
    ]
    assert [one.why for one in resolution.pauses] == [Why.QUESTION, Why.PROPOSED_RESOLUTION]

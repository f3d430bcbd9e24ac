"""What becomes of a share past the breach: recorded once, and as the breach where that was not on record."""

from datetime import timedelta

from msgspec.structs import replace

from schemas import escalations as ev
from schemas import sla
from schemas.message import Actor, ActorKind
from schemas.vocabulary import ClockName, Verdict
from services.router.domain.evidence import Evidence
from services.router.domain.findings import HOLD_LIMIT
from tests.unit.router.telling import START, TICKET, Told, names, only

RESOLUTION = ClockName.RESOLUTION
MONITOR = Actor(kind=ActorKind.ESCALON, id="sla_monitor")
STALLED = Evidence(classified_until=START, commands_read=True, held_for=HOLD_LIMIT + timedelta(seconds=1))


def test_after_the_breach_each_share_is_a_warning_on_record_once() -> None:
    told = Told().opened().after(60)
    told.reached(RESOLUTION, 1, 100)
    overrun = told.after(30).threshold(RESOLUTION, 1, 150)

    events = told.tell(overrun)

    assert names(events) == ["SlaWarned"]
    assert only(ev.SlaWarned, events).percent == 150
    assert told.tell(overrun) == []
    assert told.reached(RESOLUTION, 1, 100) == []
    assert names(told.after(30).reached(RESOLUTION, 1, 200)) == ["SlaWarned"]
    assert told.escalation.verdicts == {(RESOLUTION, 1): Verdict.BROKEN}


def test_a_share_past_a_breach_that_was_not_said_is_the_breach() -> None:
    told = Told().opened().after(90)

    breach = only(ev.SlaBreached, told.reached(RESOLUTION, 1, 150))

    assert (breach.percent, breach.unverified) == (150, False)
    assert told.reached(RESOLUTION, 1, 100) == []
    assert told.reached(RESOLUTION, 1, 150) == []
    assert names(told.after(30).reached(RESOLUTION, 1, 200)) == ["SlaWarned"]


def test_a_breach_that_is_not_verified_yet_is_verified_by_a_later_share() -> None:
    told = Told().opened().after(60)
    assert only(ev.SlaBreached, told.tell(told.threshold(RESOLUTION, 1, 100), STALLED)).unverified

    later = told.after(30).threshold(RESOLUTION, 1, 150)

    assert told.tell(later, replace(STALLED, held_for=timedelta(0))) == []
    breach = only(ev.SlaBreached, told.tell(later))
    assert (breach.percent, breach.unverified) == (150, False)
    assert names(told.after(30).reached(RESOLUTION, 1, 200)) == ["SlaWarned"]


def test_a_cycle_that_was_kept_has_no_overrun_until_that_is_corrected() -> None:
    told = Told().opened().after(60)
    kept = sla.ClockKept(
        meta=told.meta(MONITOR), ticket=TICKET, version=1, clock=RESOLUTION, cycle=1, ended_at=told.now, due_at=told.now
    )
    assert names(told.tell(kept)) == ["SlaKept"]

    assert told.after(30).reached(RESOLUTION, 1, 150) == []

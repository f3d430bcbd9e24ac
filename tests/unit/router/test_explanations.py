"""Records of findings carry why, so that what was said can be read years later."""

from msgspec.structs import replace

from schemas import escalations as ev
from schemas import sla
from schemas.explanation import ClockExplanation
from schemas.message import Actor, ActorKind
from schemas.vocabulary import ClockName, Verdict
from tests.unit.router.telling import TICKET, Told, only

UPDATE, RESOLUTION = ClockName.UPDATE, ClockName.RESOLUTION
MONITOR = Actor(kind=ActorKind.ESCALON, id="sla_monitor")
WHY = ClockExplanation(sentence="why", target="1 h", target_seconds=3600, used_seconds=1800, policy_version="2026-06")


def test_each_record_carries_the_explanation_of_its_finding() -> None:
    told = Told().opened().after(30)
    warned = told.tell(replace(told.threshold(UPDATE, 1, 50), explanation=WHY))
    told.after(30)
    breached = told.tell(replace(told.threshold(UPDATE, 1, 100), explanation=WHY))
    corrected = told.tell(
        sla.VerdictCorrected(
            meta=told.meta(MONITOR),
            ticket=TICKET,
            version=1,
            clock=UPDATE,
            cycle=1,
            previous=Verdict.BROKEN,
            verdict=Verdict.KEPT,
            due_at=told.now,
            explanation=WHY,
        )
    )
    kept = told.tell(
        sla.ClockKept(
            meta=told.meta(MONITOR),
            ticket=TICKET,
            version=1,
            clock=RESOLUTION,
            cycle=1,
            ended_at=told.now,
            due_at=told.now,
            explanation=WHY,
        )
    )

    assert only(ev.SlaWarned, warned).explanation == WHY
    assert only(ev.SlaBreached, breached).explanation == WHY
    assert only(ev.SlaCorrected, corrected).explanation == WHY
    assert only(ev.SlaKept, kept).explanation == WHY


def test_a_finding_of_the_release_before_has_none_and_is_recorded_all_the_same() -> None:
    told = Told().opened().after(30)

    assert only(ev.SlaWarned, told.reached(UPDATE, 1, 50)).explanation is None

"""Arbitration of findings, the chain that is climbed, and that each is effective once."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from schemas import commands, sla
from schemas import escalations as ev
from schemas.message import Actor, ActorKind
from schemas.vocabulary import AssignmentCause, ClockName, Reason, Severity, Verdict
from services.router.domain.evidence import Evidence
from services.router.domain.findings import HOLD_LIMIT
from services.router.ports import FindingHeldError
from tests.unit.router.telling import (
    ANA,
    BEN,
    CUSTOMER,
    MIA,
    OPENED,
    SEEN_ALL,
    START,
    SUMMARY,
    TICKET,
    Told,
    judgement,
    names,
    only,
)

ACCEPTANCE, UPDATE, FIRST_RESPONSE = ClockName.ACCEPTANCE, ClockName.UPDATE, ClockName.FIRST_RESPONSE
RESOLUTION, CONFIRMATION = ClockName.RESOLUTION, ClockName.CONFIRMATION
MONITOR = Actor(kind=ActorKind.ESCALON, id="sla_monitor")
STALLED = Evidence(classified_until=START, commands_read=True, held_for=HOLD_LIMIT + timedelta(seconds=1))


def test_half_way_the_owner_is_reminded_and_at_the_end_the_next_in_the_chain_is_asked() -> None:
    told = Told().opened().after(30)

    assert names(told.reached(ACCEPTANCE, 1, 50)) == ["OwnerReminded"]
    events = told.after(30).reached(ACCEPTANCE, 1, 100)
    assert names(events) == ["SlaBreached", "OwnerAssigned"]
    assigned = only(ev.OwnerAssigned, events)
    assert (assigned.owner, assigned.cycle, assigned.cause) == ("ben", 2, AssignmentCause.NOT_ACCEPTED)
    assert only(ev.SlaBreached, events).owner_at == "ana"
    assert assigned.meta.occurred_at == told.now


def test_the_last_in_the_chain_keeps_it_and_is_reminded() -> None:
    told = Told().opened()
    told.after(30).reached(ACCEPTANCE, 1, 100)
    assert only(ev.OwnerAssigned, told.after(30).reached(ACCEPTANCE, 2, 100)).last_in_chain

    assert names(told.after(30).reached(ACCEPTANCE, 3, 100)) == ["SlaBreached", "OwnerReminded"]
    assert names(told.after(30).reached(ACCEPTANCE, 3, 200)) == ["OwnerReminded"]
    assert told.escalation.owner == "mia"


def test_an_owner_who_left_the_chain_is_followed_by_the_first_who_was_not_asked() -> None:
    told = Told().opened()
    told.after(30).reached(ACCEPTANCE, 1, 100)
    told.take_off_duty("ben")

    assert only(ev.OwnerAssigned, told.after(30).reached(ACCEPTANCE, 2, 100)).owner == "mia"


def test_an_acceptance_that_came_late_is_recorded_as_broken_and_moves_nobody() -> None:
    told = Told().opened().after(40).accepted()

    assert names(told.reached(ACCEPTANCE, 1, 100)) == ["SlaBreached"]
    assert told.escalation.owner == "ana"


@pytest.mark.parametrize("clock", [FIRST_RESPONSE, UPDATE, RESOLUTION])
def test_warnings_and_breaches_are_recorded_once(clock: ClockName) -> None:
    told = Told().opened().after(30)
    warning = told.threshold(clock, 1, 50)

    assert names(told.tell(warning)) == ["SlaWarned"]
    assert told.tell(warning) == []
    breach = told.after(30).threshold(clock, 1, 100)
    assert names(told.tell(breach)) == ["SlaBreached"]
    assert told.tell(breach) == []


def test_a_finding_from_before_an_event_that_moves_clocks_leaves_no_trace_and_counts_when_it_comes_again() -> None:
    told = Told().opened()
    stale = told.threshold(UPDATE, 1, 50)
    told.accepted()

    assert told.tell(stale) == []
    assert names(told.tell(replace(stale, version=told.state.version))) == ["SlaWarned"]


def test_an_event_that_moves_no_clock_does_not_make_a_finding_stale() -> None:
    told = Told().opened().accepted()
    finding = told.threshold(UPDATE, 2, 50)
    told.command(commands.AddNote(ticket=TICKET, text="waiting"), BEN)

    assert names(told.tell(finding)) == ["SlaWarned"]


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence(classified_until=None, commands_read=True),
        Evidence(classified_until=START, commands_read=True),
        replace(SEEN_ALL, commands_read=False),
        replace(SEEN_ALL, commands_read=False, held_for=HOLD_LIMIT),
    ],
)
def test_a_finding_waits_until_all_that_could_refute_it_was_seen(evidence: Evidence) -> None:
    told = Told().opened().after(60)

    with pytest.raises(FindingHeldError):
        told.tell(told.threshold(ACCEPTANCE, 1, 100), evidence)
    assert told.escalation.owner == "ana"


def test_a_finding_of_what_is_still_to_come_waits() -> None:
    told = Told().opened()
    finding = replace(told.threshold(UPDATE, 1, 50), reached_at=told.now + timedelta(seconds=1))

    with pytest.raises(FindingHeldError):
        told.tell(finding)


@pytest.mark.parametrize(
    ("early", "held_for"), [(timedelta(minutes=30), timedelta(0)), (timedelta(seconds=1), HOLD_LIMIT)]
)
def test_a_finding_of_what_will_not_come_within_the_limit_is_dropped_and_counts_when_it_is_said_again(
    early: timedelta, held_for: timedelta
) -> None:
    told = Told().opened()
    finding = replace(told.threshold(UPDATE, 1, 50), reached_at=told.now + early)

    assert told.tell(finding, replace(SEEN_ALL, held_for=held_for)) == []
    assert names(told.after(30).tell(finding)) == ["SlaWarned"]


def test_past_the_limit_a_finding_is_recorded_unverified_and_moves_nobody_until_it_is_verified() -> None:
    told = Told().opened().after(60)
    finding = told.threshold(ACCEPTANCE, 1, 100)

    assert only(ev.SlaBreached, told.tell(finding, STALLED)).unverified
    assert told.escalation.owner == "ana"
    repeat = replace(finding, version=told.state.version)
    assert told.tell(repeat, replace(STALLED, held_for=timedelta(0))) == []
    events = told.tell(repeat)
    assert names(events) == ["SlaBreached", "OwnerAssigned"]
    assert not only(ev.SlaBreached, events).unverified


def test_a_cycle_has_one_verdict_and_a_correction_changes_what_was_said() -> None:
    told = Told().opened().after(60)
    kept = sla.ClockKept(
        meta=told.meta(MONITOR), ticket=TICKET, version=1, clock=UPDATE, cycle=1, ended_at=told.now, due_at=told.now
    )
    correction = sla.VerdictCorrected(
        meta=told.meta(MONITOR),
        ticket=TICKET,
        version=1,
        clock=UPDATE,
        cycle=1,
        previous=Verdict.BROKEN,
        verdict=Verdict.KEPT,
        due_at=told.now,
    )

    assert told.tell(correction) == []
    assert names(told.reached(UPDATE, 1, 100)) == ["SlaBreached"]
    assert told.tell(kept) == []
    assert names(told.tell(correction)) == ["SlaCorrected"]
    assert told.tell(correction) == []
    assert names(told.tell(replace(kept, cycle=2))) == ["SlaKept"]
    assert told.tell(replace(kept, cycle=2)) == []


def test_a_silent_customer_is_asked_again_three_times_and_then_the_owner_is_to_call() -> None:
    told = Told().opened().proposed()

    for attempt in (1, 2, 3):
        repeated = only(ev.ConfirmationRepeated, told.after(60).reached(CONFIRMATION, 1, 100 * attempt))
        assert repeated.attempt == attempt
    assert names(told.after(60).reached(CONFIRMATION, 1, 400)) == ["CustomerCallDue"]
    assert told.reached(CONFIRMATION, 1, 400) == []


def test_a_customer_is_not_asked_again_on_a_finding_that_cannot_be_verified() -> None:
    told = Told().opened().proposed().after(60)

    assert told.tell(told.threshold(CONFIRMATION, 1, 100), STALLED) == []


def test_an_answered_proposal_is_not_asked_about_again() -> None:
    told = Told().opened().proposed()
    told.command(commands.RejectResolution(ticket=TICKET), CUSTOMER)

    assert told.after(60).reached(CONFIRMATION, 1, 100) == []


def test_management_closing_still_leaves_the_resolution_its_verdict() -> None:
    told = Told().opened()
    told.command(commands.CloseEscalation(ticket=TICKET, reason="left"), MIA)

    assert names(told.reached(RESOLUTION, 1, 100)) == ["SlaBreached"]
    assert told.after(60).reached(ACCEPTANCE, 1, 50) == []


def watched() -> Told:
    told = Told()
    ticket = replace(SUMMARY, front_line_started_at=START, front_line_due_at=START + timedelta(hours=4))
    told.fact(OPENED, judgement(Severity.P3, qualifies=False), ticket=ticket)
    return told


def at_risk(told: Told, version: int) -> sla.FrontLineAtRisk:
    return sla.FrontLineAtRisk(
        meta=told.meta(MONITOR), ticket=TICKET, version=version, reached_at=told.now, due_at=told.now
    )


def test_a_watched_ticket_at_risk_is_opened_from_its_last_verdict_and_its_clocks_start_then() -> None:
    told = watched().after(200)
    finding = at_risk(told, 1)
    told.after(1)

    events = told.tell(finding)
    opened = only(ev.EscalationOpened, events)
    assert (opened.reasons, opened.escalation.severity) == ((Reason.SLA_AT_RISK,), Severity.P3)
    assert opened.meta.occurred_at == opened.escalation.started_at == finding.reached_at
    assert only(ev.OwnerAssigned, events).meta.occurred_at == told.now
    assert told.tell(finding) == []


def test_a_ticket_watched_anew_or_no_longer_is_not_opened_by_an_older_finding() -> None:
    told = watched().after(200)
    ticket = replace(SUMMARY, front_line_started_at=START, front_line_due_at=START + timedelta(hours=8))
    told.fact(OPENED, judgement(Severity.P3, qualifies=False), ticket=ticket)

    assert told.tell(at_risk(told, 1)) == []
    assert Told().tell(at_risk(told, 1)) == []


def test_a_promise_for_the_board_is_nothing_here() -> None:
    told = Told().opened()

    assert told.tell(sla.PromiseScheduled(meta=told.meta(ANA), ticket=TICKET, version=2)) == []


def test_a_correction_that_comes_again_after_it_was_itself_corrected_changes_nothing() -> None:
    told = Told().opened()
    told.reached(UPDATE, 1, 100)

    def corrected(version: int, previous: Verdict, verdict: Verdict) -> sla.VerdictCorrected:
        return sla.VerdictCorrected(
            meta=told.meta(MONITOR),
            ticket=TICKET,
            version=version,
            clock=UPDATE,
            cycle=1,
            previous=previous,
            verdict=verdict,
            due_at=told.now,
        )

    first = corrected(told.state.version, Verdict.BROKEN, Verdict.KEPT)
    assert names(told.tell(first)) == ["SlaCorrected"]
    assert names(told.tell(corrected(told.state.version, Verdict.KEPT, Verdict.BROKEN))) == ["SlaCorrected"]
    assert told.tell(first) == []
    assert names(told.tell(corrected(told.state.version, Verdict.BROKEN, Verdict.KEPT))) == ["SlaCorrected"]

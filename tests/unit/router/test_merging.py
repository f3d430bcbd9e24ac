"""A ticket is merged into another: what is handed on, to whom, and what becomes of it there."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from schemas import commands
from schemas import escalations as ev
from schemas.classifications import Fact
from schemas.commands import AbsorbMerged
from schemas.ids import TicketKey
from schemas.vocabulary import ClockName, FactKind, RecordPart, Severity
from tests.unit.router.merging_desk import MANAGEMENT, A, B, C, MergingDesk
from tests.unit.router.telling import judgement, names, only

_ALL = [ClockName.FIRST_RESPONSE, ClockName.UPDATE, ClockName.RESOLUTION]


def _handed(events: list[ev.StreamEvent]) -> dict[ClockName, str]:
    merged = only(ev.EscalationMerged, events)
    return {one.clock: f"{one.due_at:%H:%M}" for one in merged.promises}


def test_an_escalation_hands_on_what_runs_and_nothing_that_is_kept() -> None:
    desk = MergingDesk().opened(A).opened(B)
    desk.after(10).update(A, desk.now + timedelta(minutes=90))

    events = desk.after(5).merge(A, B)

    assert _handed(events) == {
        ClockName.UPDATE: "10:10",
        ClockName.RESOLUTION: "16:00",
        ClockName.PROMISE: "09:40",
    }
    assert only(ev.MergeAbsorbed, events).promises == only(ev.EscalationMerged, events).promises


def test_what_is_on_record_as_broken_is_not_handed_on_and_what_was_warned_is_not_warned_again_to_the_same_owner() -> (
    None
):
    desk = MergingDesk().opened(A).opened(B)
    desk.after(60).reached(A, ClockName.FIRST_RESPONSE, 100)
    desk.reached(A, ClockName.UPDATE, 50)

    promises = only(ev.MergeAbsorbed, desk.merge(A, B)).promises

    assert {one.clock: one.percent for one in promises} == {ClockName.UPDATE: 50, ClockName.RESOLUTION: 0}


def test_another_owner_has_yet_to_hear_what_was_warned() -> None:
    desk = MergingDesk().opened(A).opened(B)
    desk.command(commands.ReassignEscalation(ticket=B, to="ben", reason=""))
    desk.reached(A, ClockName.UPDATE, 50)

    assert {one.percent for one in only(ev.MergeAbsorbed, desk.merge(A, B)).promises} == {0}


def test_the_higher_severity_is_a_raise_and_a_lower_one_changes_nothing() -> None:
    desk = MergingDesk().opened(A, Severity.P1).opened(B, Severity.P3).opened(C, Severity.P4)

    raised = only(ev.EscalationReclassified, desk.merge(A, B))
    lower = desk.merge(C, B)

    assert (raised.previous_severity, raised.escalation.severity) == (Severity.P3, Severity.P1)
    assert raised.reason == f"{A} was merged into it"
    assert names(lower) == ["EscalationMerged", "MergeAbsorbed"]


def test_a_quiet_survivor_goes_on_with_what_is_left_and_one_where_nothing_had_happened_opens_as_any_other() -> None:
    desk = MergingDesk().opened(A).opened(C)
    desk.after(10).update(A)

    absorbed = only(ev.MergeAbsorbed, desk.merge(A, B))
    fresh = desk.merge(C, TicketKey("zendesk-eu/d"))

    assert absorbed.alone
    assert [one.clock for one in absorbed.promises] == [ClockName.UPDATE, ClockName.RESOLUTION]
    assert names(fresh) == ["EscalationMerged", "EscalationOpened", "OwnerAssigned"]


def test_a_survivor_that_was_opened_by_the_merge_is_raised_when_its_own_verdict_comes_later() -> None:
    desk = MergingDesk().opened(A, Severity.P3)
    desk.merge(A, B)

    assert names(desk.after(1).fact(B, Fact(kind=FactKind.OPENED), judgement(Severity.P1))) == [
        "EscalationReclassified"
    ]


def test_a_closed_survivor_is_opened_again_for_what_is_not_solved_unless_it_was_closed_since() -> None:
    desk = MergingDesk().opened(A).opened(B).opened(C)
    desk.command(commands.CloseEscalation(ticket=B, reason=""), MANAGEMENT)

    reopened = desk.after(5).merge(A, B)
    desk.after(5).merge(C, B, hold=True)
    desk.after(5).command(commands.CloseEscalation(ticket=B, reason=""), MANAGEMENT)

    assert names(reopened) == ["EscalationMerged", "EscalationReopened", "OwnerAssigned", "MergeAbsorbed"]
    assert [one.clock for one in only(ev.MergeAbsorbed, reopened).promises] == _ALL
    assert desk.let_go() == []


def test_what_the_customer_has_confirmed_promises_nothing_more_and_opens_nothing() -> None:
    desk = MergingDesk().opened(A).opened(B)
    desk.command(commands.ProposeResolution(ticket=A, category="fixed", steps=""))
    desk.policy.severities[Severity.P2] = replace(
        desk.policy.severities[Severity.P2], documentation=(RecordPart.ROOT_CAUSE,)
    )
    desk.command(commands.ConfirmResolution(ticket=A))
    desk.command(commands.CloseEscalation(ticket=B, reason=""), MANAGEMENT)

    merged = desk.after(5).merge(A, B)

    assert names(merged) == ["EscalationMerged"]
    assert (only(ev.EscalationMerged, merged).promises, only(ev.EscalationMerged, merged).solved) == ((), True)


def test_a_resolution_that_waits_for_the_customer_goes_on_at_the_merge() -> None:
    desk = MergingDesk().opened(A).opened(B)
    desk.after(30).command(commands.ProposeResolution(ticket=A, category="fixed", steps=""))

    handed = _handed(desk.after(60).merge(A, B))

    assert handed == {ClockName.UPDATE: "11:30", ClockName.RESOLUTION: "17:00"}


@pytest.mark.parametrize("first", ["inner", "outer"])
def test_a_chain_of_merges_ends_where_the_last_went_in_whichever_order_they_are_told(first: str) -> None:
    desk = MergingDesk().opened(A).after(1).opened(B, Severity.P3).after(1).opened(C, Severity.P3)
    merges = [(A, B), (B, C)] if first == "inner" else [(B, C), (A, B)]
    for one, into in merges:
        desk.merge(one, into)

    handed = [one for one in desk.events if isinstance(one, ev.MergeAbsorbed) and one.escalation.ticket == C]
    due = {promise.due_at for event in handed for promise in event.promises if promise.clock is ClockName.RESOLUTION}
    assert min(due) == desk.events[0].meta.occurred_at + timedelta(hours=8)
    assert desk.escalation(C).context.severity is Severity.P2


def test_a_merge_told_twice_or_of_a_ticket_that_was_merged_already_does_nothing() -> None:
    desk = MergingDesk().opened(A).opened(B).opened(C)
    desk.merge(A, B, hold=True)
    twice = list(desk.held)

    assert names(desk.let_go()) == ["MergeAbsorbed"]
    desk.held = twice
    assert desk.let_go() == []
    assert desk.merge(A, C) == []


def test_merges_in_a_circle_come_to_an_end() -> None:
    desk = MergingDesk().opened(A).opened(B)
    desk.merge(A, B)

    assert names(desk.merge(B, A)) == ["EscalationMerged"]


def test_a_merge_into_a_deleted_ticket_ends_as_that_did() -> None:
    desk = MergingDesk().opened(A).opened(B)
    desk.fact(B, Fact(kind=FactKind.DELETED))

    assert names(desk.merge(A, B)) == ["EscalationMerged"]


def test_a_merge_that_says_nothing_of_promises_is_taken_as_before() -> None:
    desk = MergingDesk().opened(A).opened(B)
    desk.merge(A, C, hold=True)
    absorb = desk.held[0]
    assert isinstance(absorb, AbsorbMerged)
    silent = AbsorbMerged(meta=absorb.meta, ticket=C, merged=A, reasons=absorb.reasons, escalation=absorb.escalation)
    desk.held = [silent]

    assert names(desk.let_go()) == ["EscalationOpened", "OwnerAssigned"]

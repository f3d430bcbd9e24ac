"""After the close: who records a review, plans what is done about it, and says that it is done."""

from datetime import timedelta

import pytest

from schemas import commands
from schemas import prevention as ev
from schemas.escalations import CommandRejected, SlaBreached, SlaWarned
from schemas.vocabulary import ClockName, PreventionKind
from tests.unit.router.telling import BEN, CUSTOMER, MIA, START, TICKET, Told, names, only

REVIEW = commands.RecordReview(ticket=TICKET, text="seen late", front_line=True, article="https://kb.example/1")
PLAN = commands.PlanPreventiveAction(
    ticket=TICKET,
    action="alert",
    kind=PreventionKind.RECURRING_ISSUE,
    text="an alert on the index",
    owner="ben",
    due_at=START + timedelta(days=7),
)
DONE = commands.CompletePreventiveAction(ticket=TICKET, action="alert")


def _closed() -> Told:
    told = Told().opened()
    told.command(commands.CloseEscalation(ticket=TICKET, reason="agreed"), MIA)
    return told


def test_anybody_records_the_review_of_what_is_closed() -> None:
    held = only(ev.ReviewHeld, _closed().command(REVIEW, BEN))

    assert (held.by, held.front_line, held.misdiagnosed, held.article) == ("ben", True, None, "https://kb.example/1")


def test_a_review_of_what_is_open_is_refused() -> None:
    rejected = only(CommandRejected, Told().opened().command(REVIEW, BEN))

    assert rejected.reason == "it is reviewed after the close"


def test_a_customer_records_none() -> None:
    assert names(_closed().command(REVIEW, CUSTOMER)) == ["CommandRejected"]


def test_an_action_is_planned_once_and_done_once_also_after_the_close() -> None:
    told = _closed()
    planned = only(ev.PreventiveActionPlanned, told.command(PLAN, MIA))

    assert (planned.number, planned.owner, planned.due_at) == (1, "ben", PLAN.due_at)
    assert only(CommandRejected, told.command(PLAN, MIA)).reason == "there is an action of this key already"
    assert only(ev.PreventiveActionCompleted, told.command(DONE, BEN)).number == 1
    assert told.command(DONE, BEN) == []


def test_an_action_for_the_past_and_the_end_of_one_that_nobody_planned_are_refused() -> None:
    told = _closed()

    assert only(CommandRejected, told.command(DONE, BEN)).reason == "there is no action of this key"
    told.after(60 * 24 * 8)
    assert only(CommandRejected, told.command(PLAN, MIA)).reason == "the action is due at a time that has passed"


@pytest.mark.parametrize(("percent", "kind"), [(50, SlaWarned), (100, SlaBreached)])
def test_what_is_late_names_who_is_to_do_what(percent: int, kind: type[SlaWarned | SlaBreached]) -> None:
    told = _closed()
    told.command(PLAN, MIA)

    record = only(kind, told.reached(ClockName.PREVENTIVE_ACTION, 1, percent))
    assert record.about == "ben: an alert on the index"


def test_a_ticket_that_is_no_escalation_has_nothing_to_review_or_prevent() -> None:
    told = Told()

    assert [told.command(command, BEN) for command in (REVIEW, PLAN, DONE)] == [[], [], []]

"""Each check finds nothing in a run that went right, and finds each fault that is put into its evidence."""

import asyncio
import functools
from datetime import timedelta

import pytest
from msgspec.structs import replace

from ops.verify.evidence import Moment, PutAside, Source
from ops.verify.verification import Verification
from schemas import commands as asked
from schemas import escalations as ev
from schemas.catalogue import CLASSIFICATIONS, ESCALATIONS
from schemas.classifications import TicketClassified
from schemas.notifications import NoticeDelivered
from schemas.tickets import TicketOpened
from tests.harness.evidence import STORIES, Taken, evidence_of
from tests.unit.ops.verify.faults import (
    ACCEPTED,
    ADOPTED,
    BY_REGION,
    FAULTS,
    LOST,
    MERGED,
    SILENT,
    WATCHED,
    Fault,
    cut,
    renamed,
)

GOOD = (ACCEPTED, SILENT, MERGED, LOST, WATCHED)


@functools.cache
def taken(story: str) -> Taken:
    """Return the evidence of a story; it is only read."""
    return asyncio.run(evidence_of(story))


def at(evidence: Taken, later: timedelta, grace: timedelta | None = timedelta(seconds=60)) -> Moment:
    """Return a moment so long after the evidence's last event."""
    last = max(one.written_at for one in evidence.seen) + later
    return Moment(real=last, business=last, grace=grace)


@pytest.mark.parametrize("story", [*GOOD, BY_REGION, ADOPTED])
def test_nothing_is_found_in_a_run_that_went_right(story: str) -> None:
    assert taken(story).broken() == {}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.check}: {fault.what}")
def test_a_fault_is_found_by_the_check_that_is_for_it(fault: Fault) -> None:
    assert fault.check in fault.put_in(taken(fault.story)).broken()


def test_there_is_a_fault_for_every_check() -> None:
    assert {fault.check for fault in FAULTS} == {check.name for check in Verification(taken(ACCEPTED).reference).checks}


def test_what_is_missing_is_under_way_until_its_grace_is_over() -> None:
    evidence = taken(ACCEPTED).without_events(*taken(ACCEPTED).of(TicketClassified))
    cause = evidence.seen[0].written_at

    early = evidence.results(Moment(real=cause + timedelta(seconds=59), business=cause, grace=timedelta(seconds=60)))
    late = evidence.results(Moment(real=cause + timedelta(seconds=61), business=cause, grace=timedelta(seconds=60)))

    assert (early["tickets judged"].under_way, early["tickets judged"].violations) == (1, ())
    assert (late["tickets judged"].under_way, len(late["tickets judged"].violations)) == (0, 1)


def test_a_stored_event_is_late_by_the_business_clock_times_its_speed() -> None:
    evidence = cut(taken(ACCEPTED), len(taken(ACCEPTED).of(ev.StreamEvent)) - 1)
    recorded_at = taken(ACCEPTED).of(ev.StreamEvent)[-1].meta.recorded_at
    moment = Moment(
        real=evidence.at, business=recorded_at + timedelta(minutes=30), speed=60, grace=timedelta(seconds=60)
    )

    assert evidence.results(moment)["published = stored"].under_way == 1


def test_a_ticket_event_that_was_put_aside_needs_no_verdict() -> None:
    evidence = taken(ACCEPTED).without_events(*taken(ACCEPTED).of(TicketClassified))
    (place,) = [one.place for one in evidence.seen if isinstance(one.message, TicketOpened)]

    assert "tickets judged" not in evidence.with_piece(PutAside(place)).broken()


def test_repeats_on_every_topic_are_no_violation() -> None:
    evidence = taken(SILENT)

    assert evidence.with_piece(*evidence.seen).broken() == {}


def test_accepting_again_and_a_word_that_was_not_asked_for_mean_nothing() -> None:
    accepted = taken(ACCEPTED)
    again = renamed(accepted.of(asked.AcceptEscalation)[0])
    word = renamed(accepted.of(asked.ConfirmResolution)[0], "a word")

    assert "commands answered" not in accepted.with_event(again).with_event(word).broken()


def test_what_was_written_before_the_first_start_is_not_judged() -> None:
    evidence = taken(ACCEPTED).without_events(*taken(ACCEPTED).of(TicketClassified))
    began = evidence.seen[0].written_at + timedelta(seconds=1)
    moment = Moment(real=evidence.at, business=evidence.at, since=began)

    assert "tickets judged" not in evidence.broken(moment)


def test_what_a_topic_has_let_go_is_not_expected_on_it() -> None:
    moment = at(taken(ACCEPTED), timedelta(days=0))

    assert moment.expects(CLASSIFICATIONS, moment.real - timedelta(days=80))
    assert not moment.expects(CLASSIFICATIONS, moment.real - timedelta(days=91))
    assert moment.expects(ESCALATIONS, moment.real - timedelta(days=5000))


def test_a_check_whose_source_is_missing_says_so_and_the_others_go_on() -> None:
    evidence = taken(ACCEPTED)
    verification = Verification(evidence.reference)
    for piece in evidence.seen:
        verification.take(piece)

    results = {
        one.check: one for one in verification.results(at(evidence, timedelta(0)), {Source.STORE: "it is not set"})
    }

    assert results["published = stored"].looked_at is None
    assert results["published = stored"].verdict == "not looked at"
    assert results["published = stored"].reason == "it is not set"
    assert results["log without gap"].verdict == "ok"


def test_a_possible_repeat_may_stand_in_the_journal_twice_and_not_three_times() -> None:
    evidence = taken(ACCEPTED)
    outcome = evidence.of(NoticeDelivered)[-1]
    (line,) = [one for one in evidence.pieces if getattr(one, "key", None) == outcome.external_id]
    marked = evidence.with_other(outcome, replace(outcome, possible_repeat=True))

    assert "journal agrees" not in marked.with_piece(line).broken()
    assert "journal agrees" in marked.with_piece(line, line).broken()


def test_no_violation_quotes_a_customer() -> None:
    words = {one.ticket.subject for story in GOOD for one in taken(story).of(TicketOpened)}
    told = [line for fault in FAULTS for lines in fault.put_in(taken(fault.story)).broken().values() for line in lines]

    assert words
    assert [line for line in told if any(word in line for word in words)] == []


@pytest.mark.parametrize("path", sorted((STORIES / "own").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_story_of_our_own_keeps_every_promise(path: object) -> None:
    assert taken(str(path)).broken() == {}

"""What the customer writes moves clocks only where the policy has one that goes by it; a question is told as one."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from policy.model import Policy, VersionedPolicy
from policy.pauses import PauseCause, Pauses
from policy.targets import Measure, Target
from schemas import commands
from schemas import escalations as ev
from schemas.classifications import Fact
from schemas.sla import VerdictCorrected
from schemas.vocabulary import AuthorKind, ClockName, FactKind, ReplyIntent, Severity, Verdict
from services.router.handlers import Router
from tests.unit.router.telling import ANA, CUSTOMER, MIA, START, TICKET, VERSION, Told, names, only, policy
from wire.reference_data import PolicyRegistry

HOUR = Target(measure=Measure.ELAPSED, amount=3600)
QUESTION = commands.SendUpdate(ticket=TICKET, text="Which browser?", question=True)
CLOSE = commands.CloseEscalation(ticket=TICKET, reason="agreed by phone")


def reply(intent: ReplyIntent = ReplyIntent.UNCLEAR) -> Fact:
    return Fact(kind=FactKind.CUSTOMER_REPLIED, author_kind=AuthorKind.CUSTOMER, public=True, intent=intent)


def with_next_reply() -> Policy:
    """Return a policy that promises an answer at P1 alone: an escalation may be raised to that after the message."""
    plain = policy()
    promises = replace(plain.severities[Severity.P1], next_reply=HOUR)
    return replace(plain, severities={**plain.severities, Severity.P1: promises})


def with_question_pauses() -> Policy:
    plain = policy()
    promises = replace(plain.severities[Severity.P3], pauses=Pauses(update=(PauseCause.QUESTION,)))
    return replace(plain, severities={**plain.severities, Severity.P3: promises})


def told_by(chosen: Policy) -> Told:
    told = Told()
    told.router = Router(PolicyRegistry([VersionedPolicy(version=VERSION, policy=chosen)]), told.rosters)
    return told.opened()


def test_by_default_a_reply_moves_no_clock() -> None:
    told = Told().opened()
    before = told.state.clock_version

    received = only(ev.CustomerReplyReceived, told.fact(reply()))
    assert received.awaits_reply is None
    assert told.state.clock_version == before


@pytest.mark.parametrize("chosen", [with_next_reply(), with_question_pauses()])
@pytest.mark.parametrize(
    ("intent", "awaits"),
    [
        (ReplyIntent.UNCLEAR, True),
        (ReplyIntent.REJECTS, True),
        (ReplyIntent.THANKS, False),
        (ReplyIntent.CONFIRMS, False),
    ],
)
def test_where_a_clock_goes_by_replies_each_moves_it_and_says_whether_an_answer_is_awaited(
    chosen: Policy, intent: ReplyIntent, *, awaits: bool
) -> None:
    told = told_by(chosen)

    received = only(ev.CustomerReplyReceived, told.fact(reply(intent)))
    assert received.awaits_reply is awaits
    assert told.state.clock_version == told.state.version


@pytest.mark.parametrize(("intent", "awaits"), [(ReplyIntent.THANKS, False), (ReplyIntent.REJECTS, True)])
def test_a_thank_you_for_a_proposal_goes_to_the_owner_as_unclear_and_still_awaits_nothing(
    intent: ReplyIntent, *, awaits: bool
) -> None:
    told = told_by(with_next_reply()).accepted().proposed()

    received = only(ev.CustomerReplyReceived, told.after(5).fact(reply(intent)))
    assert received.intent is (ReplyIntent.UNCLEAR if intent is ReplyIntent.THANKS else intent)
    assert received.awaits_reply is awaits


def test_a_threshold_worked_out_before_a_timed_reply_is_dropped() -> None:
    told = told_by(with_next_reply())
    worked_out = told.state.version
    told.fact(reply())
    told.after(60)

    assert told.tell(told.threshold(ClockName.UPDATE, 1, 50, version=worked_out)) == []
    assert names(told.reached(ClockName.NEXT_REPLY, 1, 50)) == ["SlaWarned"]


def test_a_message_from_before_the_start_awaits_nothing_of_the_escalation() -> None:
    told = told_by(with_next_reply()).after(10)

    received = only(ev.CustomerReplyReceived, told.fact(reply(), at=START - timedelta(minutes=1)))
    assert received.awaits_reply is None


def test_after_the_close_a_timed_reply_counts_that_was_written_before_it_and_no_other() -> None:
    by_default, timed = Told().opened(), told_by(with_next_reply())
    for told in (by_default, timed):
        told.after(30).command(CLOSE, MIA)
        told.after(5)

    written = START + timedelta(minutes=20)
    assert by_default.fact(reply(), at=written) == []
    assert timed.fact(reply()) == []
    received = only(ev.CustomerReplyReceived, timed.fact(reply(), at=written))
    assert (received.awaits_reply, received.meta.occurred_at) == (True, written)
    assert timed.escalation.is_closed


def test_a_question_is_told_as_one_and_an_update_is_none() -> None:
    told = Told().opened()

    assert only(ev.CustomerInformed, told.command(QUESTION, ANA)).question
    assert not only(ev.CustomerInformed, told.command(replace(QUESTION, question=False), ANA)).question


def test_on_a_closed_escalation_a_question_is_refused() -> None:
    told = Told().opened()
    told.command(CLOSE, MIA)

    assert only(ev.CommandRejected, told.command(QUESTION, ANA)).reason == "the escalation is closed"


def test_what_is_taken_back_is_on_record_as_such() -> None:
    told = Told().opened().after(60)
    told.reached(ClockName.UPDATE, 1, 100)
    finding = VerdictCorrected(
        meta=told.meta(CUSTOMER),
        ticket=TICKET,
        version=told.state.version,
        clock=ClockName.UPDATE,
        cycle=1,
        previous=Verdict.BROKEN,
        verdict=Verdict.KEPT,
        due_at=told.now,
        withdrawn=True,
    )
    corrected = only(ev.SlaCorrected, told.tell(finding))
    assert (corrected.previous, corrected.verdict, corrected.withdrawn) == (Verdict.BROKEN, Verdict.KEPT, True)

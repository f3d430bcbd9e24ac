"""What happens to a ticket: opened, watched, replied to, judged again, reopened, merged, deleted."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chassis.errors import RejectedMessageError, RetryableError
from schemas import commands
from schemas import escalations as ev
from schemas.classifications import Fact, TicketClassified
from schemas.ids import PersonKey
from schemas.vocabulary import (
    AssignmentCause,
    AuthorKind,
    ContactKind,
    EscalationState,
    FactKind,
    IssueType,
    RecordPart,
    ReplyIntent,
    Severity,
    TicketStatus,
)
from services.router.domain.relaying import commands_of
from tests.unit.router.telling import (
    ANA,
    BEN,
    CUSTOMER,
    MIA,
    OPENED,
    START,
    SUMMARY,
    TICKET,
    UPDATED,
    VERSION,
    Told,
    judgement,
    names,
    only,
    routing,
)

NO = judgement(qualifies=False)
DUE = START + timedelta(hours=4)
WITH_SLA = replace(SUMMARY, front_line_started_at=START, front_line_due_at=DUE)
REOPENED = Fact(kind=FactKind.REOPENED)


def agent_reply(by: str, *, public: bool = True, kind: AuthorKind = AuthorKind.PERSON) -> Fact:
    return Fact(kind=FactKind.AGENT_REPLIED, author_kind=kind, author_id=by, public=public)


def customer_reply(intent: ReplyIntent) -> Fact:
    return Fact(
        kind=FactKind.CUSTOMER_REPLIED,
        author_kind=AuthorKind.CUSTOMER,
        public=True,
        intent=intent,
        reply_excerpt="what I think of it",
    )


def closed() -> Told:
    told = Told().opened(Severity.P3).accepted().after(10)
    told.command(commands.RecordRootCause(ticket=TICKET, category="defect", text="token"), ANA)
    told.proposed()
    told.command(commands.ConfirmResolution(ticket=TICKET), CUSTOMER)
    assert told.escalation.is_closed
    return told.after(60)


def test_a_ticket_that_qualifies_is_opened_with_its_first_owner_and_starts_at_the_fact() -> None:
    told = Told()
    told.after(5)

    events = told.fact(OPENED, judgement(Severity.P1), at=START)
    assert names(events) == ["EscalationOpened", "OwnerAssigned"]
    context = only(ev.OwnerAssigned, events).escalation
    assert (context.owner, context.management, context.started_at, context.version) == ("ana", "mia", START, 2)
    assert only(ev.OwnerAssigned, events).meta.occurred_at == told.now


def test_a_ticket_that_does_not_qualify_leaves_no_stream() -> None:
    assert Told().fact(OPENED, NO) == []


def test_a_ticket_with_a_front_line_sla_is_watched_once_until_its_verdict_or_due_time_changes() -> None:
    told = Told()

    assert names(told.fact(OPENED, NO, ticket=WITH_SLA)) == ["TicketWatched"]
    assert told.fact(UPDATED, NO, ticket=WITH_SLA) == []
    worse = judgement(Severity.P1, qualifies=False)
    assert names(told.fact(UPDATED, worse, ticket=WITH_SLA)) == ["TicketWatched"]
    later = replace(WITH_SLA, front_line_due_at=DUE + timedelta(hours=1))
    assert names(told.fact(UPDATED, worse, ticket=later)) == ["TicketWatched"]


@pytest.mark.parametrize(
    ("fact", "ticket"),
    [
        (Fact(kind=FactKind.STATUS_CHANGED), replace(WITH_SLA, status=TicketStatus.SOLVED)),
        (Fact(kind=FactKind.DELETED), WITH_SLA),
        (Fact(kind=FactKind.MERGED, merged_into="zendesk-eu/1"), WITH_SLA),
        (UPDATED, SUMMARY),
    ],
)
def test_a_watched_ticket_is_let_go_when_its_front_line_sla_no_longer_matters(fact: Fact, ticket: object) -> None:
    told = Told()
    told.fact(OPENED, NO, ticket=WITH_SLA)
    assert isinstance(ticket, type(SUMMARY))

    assert names(told.fact(fact, NO, ticket=ticket)) == ["TicketUnwatched"]
    assert told.fact(fact, NO, ticket=ticket) == []


def test_without_a_start_the_front_line_sla_counts_from_the_event_that_first_named_its_end() -> None:
    told = Told()
    ticket = replace(WITH_SLA, front_line_started_at=None)

    assert only(ev.TicketWatched, told.fact(OPENED, NO, ticket=ticket)).front_line_started_at == START
    assert told.after(5).fact(UPDATED, NO, ticket=ticket) == []


def test_the_same_verdict_again_changes_nothing_and_a_lower_one_is_proposed_once() -> None:
    told = Told().opened()

    assert told.fact(UPDATED, judgement(Severity.P2)) == []
    assert names(told.fact(UPDATED, judgement(Severity.P4))) == ["ReclassificationProposed"]
    assert told.fact(UPDATED, judgement(Severity.P4)) == []
    assert told.escalation.context.severity is Severity.P2


def test_a_higher_verdict_raises_at_once_and_another_type_beside_it_is_proposed() -> None:
    told = Told().opened(Severity.P3)

    events = told.fact(UPDATED, judgement(Severity.P1, IssueType.BILLING))
    assert names(events) == ["EscalationReclassified", "ReclassificationProposed"]
    proposed = only(ev.ReclassificationProposed, events)
    assert (proposed.severity, proposed.type) == (Severity.P1, IssueType.BILLING)
    assert only(ev.EscalationReclassified, events).escalation.severity is Severity.P1
    assert told.escalation.owner == "ana"
    assert told.fact(UPDATED, judgement(Severity.P1, IssueType.BILLING)) == []


def test_a_policy_may_ask_a_person_before_it_raises() -> None:
    told = Told(replace(routing(), raise_severity_at_once=False)).opened(Severity.P3)

    assert names(told.fact(UPDATED, judgement(Severity.P1))) == ["ReclassificationProposed"]
    assert told.fact(UPDATED, judgement(Severity.P1)) == []


def test_after_a_person_set_the_severity_only_a_verdict_above_the_highest_seen_raises_it() -> None:
    told = Told().opened(Severity.P3)
    told.command(commands.ReclassifyEscalation(ticket=TICKET, severity=Severity.P4, reason="seen"), ANA)

    assert told.fact(UPDATED, judgement(Severity.P3)) == []
    assert names(told.fact(UPDATED, judgement(Severity.P2))) == ["EscalationReclassified"]


def test_a_verdict_that_says_what_a_person_has_set_already_is_seen_too_and_raises_nothing_later() -> None:
    told = Told().opened(Severity.P3)
    told.command(commands.ReclassifyEscalation(ticket=TICKET, severity=Severity.P2, reason="two sites"), ANA)
    seen = only(ev.ReclassificationProposed, told.fact(UPDATED, judgement(Severity.P2)))
    told.command(commands.ReclassifyEscalation(ticket=TICKET, severity=Severity.P3, reason="one works"), ANA)

    assert (seen.severity, seen.type, seen.verdict) == (Severity.P2, IssueType.TECHNICAL, Severity.P2)
    assert told.fact(agent_reply("front"), judgement(Severity.P2))[1:] == []


def test_a_proposal_of_another_type_does_not_make_what_a_person_set_a_verdict() -> None:
    told = Told().opened(Severity.P3)
    told.command(commands.ReclassifyEscalation(ticket=TICKET, severity=Severity.P1, reason="all sites"), ANA)
    told.fact(UPDATED, judgement(Severity.P3, IssueType.BILLING))
    told.command(commands.ReclassifyEscalation(ticket=TICKET, severity=Severity.P3, reason="one site"), ANA)

    assert "EscalationReclassified" in names(told.fact(UPDATED, judgement(Severity.P2, IssueType.BILLING)))


def test_a_verdict_that_does_not_qualify_moves_nothing_of_an_open_escalation() -> None:
    assert Told().opened(Severity.P3).fact(UPDATED, judgement(Severity.P1, qualifies=False)) == []


def test_a_persons_public_reply_informs_the_customer_and_the_owners_is_an_acceptance() -> None:
    told = Told().opened()

    informed = only(ev.CustomerInformed, told.fact(agent_reply("front")))
    assert (informed.kind, informed.by) == (ContactKind.AGENT_REPLY, "front")
    assert names(told.fact(agent_reply("ana"))) == ["EscalationAccepted", "CustomerInformed"]


@pytest.mark.parametrize(
    "fact",
    [
        agent_reply("ana", public=False),
        agent_reply("autoresponder", kind=AuthorKind.BOT),
        agent_reply("escalon", kind=AuthorKind.ESCALON),
        Fact(kind=FactKind.STATUS_CHANGED),
    ],
)
def test_private_notes_bots_our_own_writes_and_the_helpdesks_status_inform_nobody(fact: Fact) -> None:
    solved = replace(SUMMARY, status=TicketStatus.SOLVED)

    assert Told().opened().fact(fact, ticket=solved) == []


def test_our_own_write_is_not_judged() -> None:
    echo = agent_reply("escalon", kind=AuthorKind.ESCALON)

    assert Told().fact(echo, judgement(Severity.P1)) == []
    assert Told().opened(Severity.P3).fact(echo, judgement(Severity.P1)) == []


def test_a_reply_from_before_the_start_does_not_count_and_a_late_one_accepts_for_who_owned_it_then() -> None:
    told = Told().opened().after(60)
    told.command(commands.ReassignEscalation(ticket=TICKET, to="ben", reason="shift"), ANA)

    assert told.fact(agent_reply("front"), at=START - timedelta(minutes=1)) == []
    events = told.fact(agent_reply("ana"), at=START + timedelta(minutes=5))
    assert only(ev.EscalationAccepted, events).cycle == 1
    assert not told.escalation.is_accepted


@pytest.mark.parametrize(
    ("intent", "follows"),
    [
        (ReplyIntent.CONFIRMS, ["CustomerReplyReceived", "ResolutionConfirmed", "EscalationClosed"]),
        (ReplyIntent.REJECTS, ["CustomerReplyReceived", "ResolutionRejected"]),
        (ReplyIntent.UNCLEAR, ["CustomerReplyReceived"]),
        (ReplyIntent.THANKS, ["CustomerReplyReceived"]),
    ],
)
def test_a_reply_to_a_proposal_answers_it_if_it_is_clear(intent: ReplyIntent, follows: list[str]) -> None:
    told = Told().opened(Severity.P3).proposed().after(5)

    assert names(told.fact(customer_reply(intent), judgement(Severity.P3))) == follows


def test_thanks_for_a_proposal_go_to_the_owner_as_unclear() -> None:
    told = Told().opened().proposed().after(5)

    received = only(ev.CustomerReplyReceived, told.fact(customer_reply(ReplyIntent.THANKS)))
    assert received.intent is ReplyIntent.UNCLEAR


def test_a_reply_written_before_the_proposal_does_not_answer_it() -> None:
    told = Told().opened().after(5).proposed().after(5)

    assert names(told.fact(customer_reply(ReplyIntent.CONFIRMS), at=START)) == ["CustomerReplyReceived"]
    assert told.escalation.is_proposed


def test_thanks_after_the_close_reopen_nothing() -> None:
    assert closed().fact(customer_reply(ReplyIntent.THANKS), judgement(Severity.P1)) == []


def test_a_reopened_ticket_goes_on_with_reference_owner_and_record_and_asks_the_owner_anew() -> None:
    told = closed()
    reference = told.escalation.context.reference

    events = told.fact(REOPENED, judgement(Severity.P3))
    assert names(events) == ["EscalationReopened", "OwnerAssigned"]
    assert only(ev.EscalationReopened, events).opening == 2
    assigned = only(ev.OwnerAssigned, events)
    assert (assigned.owner, assigned.cycle, assigned.cause) == ("ana", 2, AssignmentCause.REOPENED)
    assert told.escalation.context.reference == reference
    assert told.escalation.state is EscalationState.OPEN
    assert told.escalation.recorded == {RecordPart.ROOT_CAUSE}
    assert not told.escalation.is_accepted


def test_a_reopened_ticket_with_a_higher_verdict_is_raised_as_it_reopens() -> None:
    assert names(closed().fact(REOPENED, judgement(Severity.P1)))[-1] == "EscalationReclassified"


def test_reopening_what_is_open_or_from_before_the_close_does_nothing() -> None:
    assert Told().opened().fact(REOPENED) == []
    assert closed().fact(REOPENED, judgement(Severity.P3), at=START) == []


def test_a_persons_reply_from_before_the_close_that_arrives_after_it_counts_and_a_later_one_does_not() -> None:
    told = closed()

    assert names(told.fact(agent_reply("front"), at=START + timedelta(minutes=5))) == ["CustomerInformed"]
    assert told.fact(agent_reply("front")) == []


@pytest.mark.parametrize(
    ("fact", "follows"),
    [
        (Fact(kind=FactKind.MERGED, merged_into="zendesk-eu/1"), "EscalationMerged"),
        (Fact(kind=FactKind.DELETED), "EscalationEnded"),
    ],
)
def test_a_merged_or_deleted_ticket_ends_its_escalation_for_good(fact: Fact, follows: str) -> None:
    told = Told().opened()

    assert names(told.fact(fact)) == [follows]
    assert told.after(5).fact(REOPENED) == []
    assert names(told.command(commands.AcceptEscalation(ticket=TICKET), ANA)) == ["CommandRejected"]


def test_a_merge_is_told_to_the_survivor_by_a_command_with_an_id_of_its_own_and_nothing_else_is() -> None:
    told = Told().opened()
    merged = told.fact(Fact(kind=FactKind.MERGED, merged_into="zendesk-eu/1"))[0]

    absorb = commands_of(merged)[0]
    assert isinstance(absorb, commands.AbsorbMerged)
    assert (absorb.ticket, absorb.merged, absorb.meta.correlation_id) == ("zendesk-eu/1", TICKET, "zendesk-eu/1")
    assert absorb.meta.causation_id == merged.meta.id != absorb.meta.id
    assert commands_of(merged) == [absorb]
    assert commands_of(Told().fact()[0]) == []


def test_an_escalation_tells_its_readers_of_the_ticket_and_of_management_as_they_are_now() -> None:
    told = Told(replace(routing(), fallback=PersonKey("dov"))).opened()
    told.take_off_duty("mia")
    moved = replace(SUMMARY, subject="Search finds nothing, also in the app")

    context = only(ev.CustomerInformed, told.fact(agent_reply("front"), ticket=moved)).escalation
    assert context.subject == moved.subject
    assert context.management == "dov"
    assert told.escalation.context.subject == moved.subject


def test_a_version_of_the_procedure_that_is_not_here_is_waited_for_and_none_at_all_is_rejected() -> None:
    told = Told()
    judged = TicketClassified(
        meta=told.meta(BEN, policy_version="2027-01"), ticket=SUMMARY, fact=OPENED, judgement=judgement()
    )

    with pytest.raises(RetryableError):
        told.tell(judged)
    with pytest.raises(RejectedMessageError):
        told.tell(replace(judged, meta=replace(judged.meta, policy_version=None)))


def test_an_escalation_keeps_the_policy_version_it_opened_with() -> None:
    told = Told().opened()
    later = TicketClassified(
        meta=told.meta(MIA, policy_version="2027-01"), ticket=SUMMARY, fact=agent_reply("front"), judgement=judgement()
    )

    assert only(ev.CustomerInformed, told.tell(later)).meta.policy_version == VERSION

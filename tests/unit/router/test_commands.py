"""Each row of the procedure's table of commands: applied, nothing, or refused."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from policy.routing import AcknowledgementMode
from schemas import commands
from schemas import escalations as ev
from schemas.commands import Command
from schemas.message import Actor, ActorKind
from schemas.vocabulary import AssignmentCause, ContactKind, EscalationState, IssueType, RecordPart, Severity
from tests.unit.router.telling import ANA, BEN, CUSTOMER, DOV, ELI, MIA, START, TICKET, Told, names, only, routing

ACCEPT = commands.AcceptEscalation(ticket=TICKET)
UPDATE = commands.SendUpdate(ticket=TICKET, text="we found the cause")
NOTE = commands.AddNote(ticket=TICKET, text="looks like the index")
EVIDENCE = commands.AttachEvidence(ticket=TICKET, link="https://logs.example/1")
ROOT_CAUSE = commands.RecordRootCause(ticket=TICKET, category="defect", text="the index job died")
RESOLVE = commands.ProposeResolution(ticket=TICKET, category="fixed", steps="index rebuilt")
CONFIRM = commands.ConfirmResolution(ticket=TICKET)
REJECT = commands.RejectResolution(ticket=TICKET, text="still empty")
CLOSE = commands.CloseEscalation(ticket=TICKET, reason="agreed by phone")
RECORD = (NOTE, EVIDENCE, ROOT_CAUSE)
OTHERS = (ACCEPT, UPDATE, RESOLVE, CONFIRM, REJECT, CLOSE)


def reassign(to: str) -> Command:
    return commands.ReassignEscalation(ticket=TICKET, to=to, reason="knows this part")


def reclassify(severity: Severity | None = None, type_: IssueType | None = None) -> Command:
    return commands.ReclassifyEscalation(ticket=TICKET, severity=severity, type=type_, reason="read again")


def test_the_owner_accepts_and_the_customer_is_acknowledged_in_his_name() -> None:
    events = Told().opened().command(ACCEPT, ANA)

    assert names(events) == ["EscalationAccepted", "CustomerInformed"]
    assert only(ev.EscalationAccepted, events).explicit
    informed = only(ev.CustomerInformed, events)
    assert (informed.kind, informed.by, informed.automatic) == (ContactKind.ACKNOWLEDGEMENT, "ana", False)


def test_accepting_again_does_nothing() -> None:
    assert Told().opened().accepted().command(ACCEPT, ANA) == []


def test_an_owner_who_acted_first_may_still_accept_and_have_the_customer_acknowledged() -> None:
    told = Told().opened()
    told.command(NOTE, ANA)

    assert names(told.command(ACCEPT, ANA)) == ["EscalationAccepted", "CustomerInformed"]


@pytest.mark.parametrize("sender", [BEN, MIA, CUSTOMER])
def test_nobody_but_the_owner_accepts(sender: Actor) -> None:
    told = Told().opened()

    rejected = only(ev.CommandRejected, told.command(ACCEPT, sender))
    assert (rejected.command, rejected.sender) == ("AcceptEscalation", sender)
    assert not told.escalation.is_accepted


@pytest.mark.parametrize("command", [UPDATE, NOTE, EVIDENCE, ROOT_CAUSE])
def test_anybody_updates_and_records_and_only_the_owners_act_is_an_acceptance(command: Command) -> None:
    by_another = Told().opened()
    by_owner = Told().opened()

    assert len(by_another.command(command, DOV)) == 1
    assert not by_another.escalation.is_accepted
    assert names(by_owner.command(command, ANA))[0] == "EscalationAccepted"
    assert len(by_owner.command(command, ANA)) == 1


def test_an_update_may_promise_when_the_next_one_comes_but_not_for_a_time_that_has_passed() -> None:
    told = Told().opened()
    ahead = replace(UPDATE, next_at=START + timedelta(hours=6))

    assert only(ev.CustomerInformed, told.command(ahead, BEN)).next_at == ahead.next_at
    refused = only(ev.CommandRejected, told.command(replace(UPDATE, next_at=START), BEN))
    assert "a time that has passed" in refused.reason


def test_a_bot_is_nobody_who_commands() -> None:
    bot = Actor(kind=ActorKind.BOT, id="ana")

    assert names(Told().opened().command(UPDATE, bot)) == ["CommandRejected"]


@pytest.mark.parametrize("sender", [ANA, MIA])
def test_owner_or_management_proposes_a_resolution_and_the_customer_is_asked(sender: Actor) -> None:
    told = Told().opened().accepted()

    events = told.command(RESOLVE, sender)
    assert names(events) == ["ResolutionProposed", "CustomerInformed"]
    assert only(ev.CustomerInformed, events).kind is ContactKind.CONFIRMATION_REQUEST
    assert told.escalation.state is EscalationState.RESOLUTION_PROPOSED


def test_others_do_not_propose_nor_does_anybody_while_one_is_proposed_or_confirmed() -> None:
    told = Told().opened()

    assert names(told.command(RESOLVE, BEN)) == ["CommandRejected"]
    told.proposed()
    assert names(told.command(RESOLVE, ANA)) == ["CommandRejected"]
    told.command(CONFIRM, CUSTOMER)
    assert told.escalation.state is EscalationState.CONFIRMED
    assert names(told.command(RESOLVE, ANA)) == ["CommandRejected"]


@pytest.mark.parametrize("command", [CONFIRM, REJECT])
def test_an_answer_without_a_proposal_does_nothing(command: Command) -> None:
    assert Told().opened().command(command, CUSTOMER) == []


def test_a_rejection_resumes_the_work_and_the_next_proposal_counts_on() -> None:
    told = Told().opened().proposed()

    assert names(told.command(REJECT, CUSTOMER)) == ["ResolutionRejected"]
    assert told.escalation.state is EscalationState.OPEN
    assert only(ev.ResolutionProposed, told.command(RESOLVE, ANA)).proposal == 2


def test_a_confirmation_closes_where_the_category_is_all_that_is_wanted() -> None:
    told = Told().opened(Severity.P3).proposed()

    assert names(told.command(CONFIRM, CUSTOMER)) == ["ResolutionConfirmed", "EscalationClosed"]


def test_a_confirmed_p2_closes_as_soon_as_what_is_missing_arrives() -> None:
    told = Told().opened().proposed()

    missing = only(ev.DocumentationMissing, told.command(CONFIRM, CUSTOMER))
    assert missing.missing == (RecordPart.ROOT_CAUSE, RecordPart.EVIDENCE)
    assert names(told.command(ROOT_CAUSE, ANA)) == ["RootCauseRecorded"]
    assert names(told.command(EVIDENCE, ANA)) == ["EvidenceAttached", "EscalationClosed"]
    assert told.escalation.is_closed


@pytest.mark.parametrize(("severity", "closes"), [(Severity.P3, True), (Severity.P1, False)])
def test_a_confirmed_p2_closes_where_a_lower_severity_wants_no_more(severity: Severity, closes: bool) -> None:
    told = Told().opened(Severity.P2)
    told.command(RESOLVE, ANA)
    told.command(commands.ConfirmResolution(ticket=TICKET), CUSTOMER)

    assert ("EscalationClosed" in names(told.command(reclassify(severity, None), ANA))) is closes


def test_a_handover_is_one_event_with_a_new_cycle_and_no_acceptance() -> None:
    told = Told().opened()

    assigned = only(ev.OwnerAssigned, told.command(reassign("ben"), ANA))
    assert (assigned.previous, assigned.owner, assigned.cycle) == ("ana", "ben", 2)
    assert (assigned.cause, assigned.by) == (AssignmentCause.REASSIGNED, "ana")
    assert names(told.command(reassign("mia"), MIA)) == ["OwnerAssigned"]
    assert told.escalation.accepted == frozenset()


@pytest.mark.parametrize(("sender", "to"), [(BEN, "ben"), (ANA, "ana"), (ANA, "dov"), (ELI, "ana")])
def test_a_handover_by_others_to_the_owner_or_outside_the_chain_is_refused(sender: Actor, to: str) -> None:
    assert names(Told().opened().command(reassign(to), sender)) == ["CommandRejected"]


def test_owner_and_management_reclassify_and_a_new_type_changes_hands() -> None:
    told = Told().opened().accepted()

    assert names(told.command(reclassify(Severity.P1), ANA)) == ["EscalationReclassified"]
    events = told.command(reclassify(type_=IssueType.COMPLIANCE), MIA)
    assert names(events) == ["EscalationReclassified", "OwnerAssigned"]
    assert only(ev.OwnerAssigned, events).cause is AssignmentCause.TYPE_CHANGED
    context = only(ev.OwnerAssigned, events).escalation
    assert (context.owner, context.type, context.severity) == ("eli", IssueType.COMPLIANCE, Severity.P1)


def test_a_reclassification_that_changes_nothing_is_only_an_act_of_the_owner() -> None:
    told = Told().opened()

    assert names(told.command(reclassify(Severity.P2), ANA)) == ["EscalationAccepted"]
    assert told.command(reclassify(Severity.P2, IssueType.TECHNICAL), MIA) == []
    assert names(told.command(reclassify(Severity.P1), BEN)) == ["CommandRejected"]


@pytest.mark.parametrize("sender", [ANA, BEN])
def test_nobody_but_management_closes(sender: Actor) -> None:
    assert names(Told().opened().command(CLOSE, sender)) == ["CommandRejected"]


def test_management_closes_without_a_confirmation_and_without_the_record() -> None:
    unasked, unrecorded = Told().opened(), Told().opened().proposed()
    unrecorded.command(CONFIRM, CUSTOMER)

    assert not only(ev.EscalationClosed, unasked.command(CLOSE, MIA)).confirmed
    assert only(ev.EscalationClosed, unrecorded.command(CLOSE, MIA)).confirmed


@pytest.mark.parametrize("command", [*OTHERS, reassign("ben"), reclassify(Severity.P1)])
def test_on_a_closed_escalation_or_a_ticket_that_is_none_all_but_the_record_are_refused(command: Command) -> None:
    closed = Told().opened()
    closed.command(CLOSE, MIA)

    assert names(closed.command(command, ANA)) == ["CommandRejected"]
    assert names(Told().command(command, ANA)) == ["CommandRejected"]


@pytest.mark.parametrize("command", RECORD)
def test_the_record_of_a_closed_escalation_still_grows(command: Command) -> None:
    closed = Told().opened()
    closed.command(CLOSE, MIA)

    assert len(closed.command(command, ANA)) == 1
    assert Told().command(command, ANA) == []


def test_a_policy_of_at_once_acknowledges_at_the_opening_and_not_at_the_acceptance() -> None:
    at_once = replace(routing(), acknowledgement=AcknowledgementMode.AT_ONCE)
    told = Told(at_once)

    assert only(ev.CustomerInformed, told.fact()).automatic
    assert names(told.command(ACCEPT, ANA)) == ["EscalationAccepted"]


def test_a_merged_ticket_is_absorbed_once_and_only_by_an_open_escalation() -> None:
    absorb = commands.AbsorbMerged(ticket=TICKET, merged="zendesk-eu/1")
    router = Actor(kind=ActorKind.ESCALON, id="router")
    told = Told().opened()

    assert names(told.command(absorb, router)) == ["MergeAbsorbed"]
    assert Told().command(absorb, router) == []


@pytest.mark.parametrize("late", [CONFIRM, REJECT])
def test_what_the_customer_said_before_the_proposal_does_not_answer_it(late: commands.Command) -> None:
    told = Told().opened()
    said_early = replace(late, meta=told.meta(CUSTOMER))
    told.after(10).proposed()

    refused = only(ev.CommandRejected, told.tell(said_early))

    assert "before the resolution was proposed" in refused.reason
    assert told.escalation.is_proposed

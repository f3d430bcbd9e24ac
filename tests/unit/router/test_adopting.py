"""A running escalation is held to another version of the policy: once, from then on, and only while it is open."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chassis.errors import RetryableError
from policy.calendars import CalendarChoice
from policy.model import VersionedPolicy
from policy.routing import ChainStep
from schemas import commands
from schemas import escalations as ev
from schemas.classifications import AccountSnapshot
from schemas.ids import PersonKey, PolicyVersion
from schemas.message import Actor, ActorKind
from schemas.vocabulary import ClockName, IssueType, Severity
from tests.unit.router.telling import (
    ANA,
    CUSTOMER,
    MIA,
    NEXT_VERSION,
    OPENED,
    SUMMARY,
    TICKET,
    UPDATED,
    VERSION,
    Told,
    judgement,
    names,
    only,
    policy,
    routing,
)

OPERATOR = Actor(kind=ActorKind.PERSON, id="operator")
ADOPT = commands.AdoptPolicy(ticket=TICKET, version=NEXT_VERSION)
BY_REGION = PolicyVersion("by-region")


def test_from_the_adoption_on_events_and_decisions_go_by_the_new_version() -> None:
    told = Told().opened()

    adopted = only(ev.PolicyAdopted, told.after(5).command(ADOPT, OPERATOR))
    after = only(ev.OwnerReminded, told.reached(ClockName.ACCEPTANCE, 1, 50))

    assert (adopted.previous, adopted.version) == (VERSION, NEXT_VERSION)
    assert adopted.meta.occurred_at == told.now
    assert adopted.meta.actor == OPERATOR
    assert adopted.meta.policy_version == after.meta.policy_version == NEXT_VERSION
    assert told.escalation.policy_version == NEXT_VERSION


def test_what_the_owner_is_by_chance_asked_to_adopt_is_no_acceptance() -> None:
    told = Told().opened()

    assert names(told.command(ADOPT, ANA)) == ["PolicyAdopted"]
    assert not told.escalation.is_accepted


def test_the_version_it_is_held_to_and_a_closed_escalation_adopt_nothing() -> None:
    held, closed = Told().opened(), Told().opened()
    closed.command(commands.CloseEscalation(ticket=TICKET, reason="agreed"), MIA)

    assert held.command(replace(ADOPT, version=VERSION), OPERATOR) == []
    assert closed.command(ADOPT, OPERATOR) == []
    assert closed.escalation.policy_version == VERSION


def test_a_ticket_that_is_no_escalation_adopts_nothing() -> None:
    assert Told().command(ADOPT, OPERATOR) == []


def test_the_same_command_again_adopts_nothing_also_after_another_version_came() -> None:
    told = Told().opened()
    adopt = replace(ADOPT, meta=told.meta(OPERATOR))
    told.tell(adopt)
    told.after(1).command(replace(ADOPT, version=VERSION), OPERATOR)

    assert told.tell(adopt) == []
    assert told.escalation.policy_version == VERSION


def test_only_people_have_a_policy_adopted() -> None:
    assert names(Told().opened().command(ADOPT, CUSTOMER)) == ["CommandRejected"]


def test_a_version_that_is_not_here_yet_is_waited_for_and_nothing_is_decided() -> None:
    told = Told().opened()

    with pytest.raises(RetryableError, match="not-here"):
        told.command(replace(ADOPT, version="not-here"), OPERATOR)
    assert told.escalation.policy_version == VERSION


def test_a_threshold_worked_out_before_the_adoption_is_dropped() -> None:
    told = Told().opened()
    before = told.after(5).threshold(ClockName.UPDATE, 1, 100)
    told.command(ADOPT, OPERATOR)

    assert told.tell(before) == []


def test_the_calendar_is_chosen_at_the_opening_and_again_by_a_policy_that_is_adopted() -> None:
    told = Told()
    choice = CalendarChoice(account_region={"AMER": "new_york", "EMEA": "berlin"})
    told.policies.add(VersionedPolicy(version=BY_REGION, policy=replace(policy(), calendar_by=choice)))
    amer, emea = (replace(SUMMARY, account=AccountSnapshot(account_id="a", region=name)) for name in ("AMER", "EMEA"))
    opened = only(ev.EscalationOpened, told.fact(OPENED, judgement(Severity.P3), ticket=amer))
    told.fact(UPDATED, judgement(Severity.P3), ticket=emea)

    adopted = only(ev.PolicyAdopted, told.after(1).command(replace(ADOPT, version=BY_REGION), OPERATOR))
    raised = only(ev.EscalationReclassified, told.after(1).fact(UPDATED, judgement(Severity.P2), ticket=emea))

    assert opened.escalation.calendar is None
    assert adopted.escalation.calendar == "new_york"
    assert raised.escalation.calendar == "new_york"


def test_an_escalation_keeps_the_calendar_it_opened_with_whatever_its_type_becomes() -> None:
    told = Told()
    choice = CalendarChoice(type={IssueType.TECHNICAL: "office", IssueType.BILLING: "bank"})
    told.policies.add(VersionedPolicy(version=VERSION, policy=replace(policy(), calendar_by=choice)))
    told.opened(Severity.P3)
    to_billing = commands.ReclassifyEscalation(ticket=TICKET, type=IssueType.BILLING, reason="read again")

    assert only(ev.EscalationReclassified, told.command(to_billing, ANA)).escalation.calendar == "office"


def test_management_is_who_the_new_version_says() -> None:
    told = Told()
    chains = {IssueType.TECHNICAL: tuple(ChainStep(person=PersonKey(name)) for name in ("ana", "dov"))}
    routes = replace(routing(), chains={**routing().chains, **chains})
    told.policies.add(VersionedPolicy(version=NEXT_VERSION, policy=policy(routes)))
    told.policies.add(VersionedPolicy(version=VERSION, policy=policy()))

    assert told.opened().escalation.context.management == "mia"
    adopted = only(ev.PolicyAdopted, told.after(1).command(ADOPT, OPERATOR))
    assert adopted.escalation.management == "dov"


def test_an_adoption_holds_from_its_decision_so_that_nothing_on_record_is_judged_anew() -> None:
    told = Told().opened()
    asked = replace(ADOPT, meta=told.meta(OPERATOR, told.now + timedelta(minutes=2)))

    assert only(ev.PolicyAdopted, told.after(30).tell(asked)).meta.occurred_at == told.now

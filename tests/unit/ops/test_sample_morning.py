"""The morning that `escalon up` plays: of every kind of ticket, and each act by somebody who may do it."""

from collections import Counter

import pytest

from ops.event_file import FileEvent, read_event_file
from ops.local.up import MORNING, MORNING_AT
from ops.scenario.setting import DEFAULT_POLICY
from policy.loader import load_policy, load_roster
from policy.rota import chain
from schemas import tickets as tk
from schemas.classifications import Judgement
from schemas.commands import Command
from schemas.reference_data import AccountRecorded
from schemas.vocabulary import IssueType, Severity
from services.classifier.domain.rule_judge import RuleJudge


@pytest.fixture(scope="module")
def morning() -> list[FileEvent]:
    return read_event_file(MORNING)


@pytest.fixture(scope="module")
def verdicts(morning: list[FileEvent]) -> dict[str, Judgement]:
    judge, policy = RuleJudge(), load_policy(DEFAULT_POLICY)
    accounts = {
        event.draft.account.account_id: event.draft.account
        for event in morning
        if isinstance(event.draft, AccountRecorded)
    }
    return {
        event.key: judge.judge(event.draft.ticket, accounts.get(event.draft.ticket.account_id or ""), policy, event.at)
        for event in morning
        if isinstance(event.draft, tk.TicketOpened) and event.at is not None
    }


def test_it_has_tickets_of_every_type_and_severity_and_some_that_do_not_qualify(
    verdicts: dict[str, Judgement],
) -> None:
    qualifying = [verdict for verdict in verdicts.values() if verdict.qualifies]

    assert len(qualifying) >= 60
    assert len(verdicts) - len(qualifying) >= 12
    assert {verdict.severity for verdict in qualifying} == set(Severity)
    assert {verdict.type for verdict in qualifying} == set(IssueType)


def test_it_has_ten_accounts_several_helpdesks_and_languages_and_every_kind_of_ticket_event(
    morning: list[FileEvent],
) -> None:
    drafts = [event.draft for event in morning]
    opened = [draft.ticket for draft in drafts if isinstance(draft, tk.TicketOpened)]

    assert len({event.key for event in morning if isinstance(event.draft, AccountRecorded)}) >= 10
    assert len({ticket.helpdesk for ticket in opened}) >= 3
    assert {ticket.customer.language for ticket in opened} >= {"en", "de", "fr", "es"}
    assert {type(draft) for draft in drafts if isinstance(draft, tk.TicketEvent)} == set(
        tk.TicketEvent.__subclasses__()
    )


def test_who_acts_stands_in_the_chain_of_a_type_that_morning_or_is_the_customer(morning: list[FileEvent]) -> None:
    policy, roster = load_policy(DEFAULT_POLICY).policy, load_roster(DEFAULT_POLICY)
    on_duty = {person for kind in IssueType for person in chain(policy.routing, roster, kind, MORNING_AT)}
    senders = Counter(event.by for event in morning if isinstance(event.draft, Command))

    assert set(senders) <= on_duty | {"customer"}
    assert len(senders) >= 6


def test_every_event_says_when_it_happened_so_that_playing_it_again_sends_the_same_ids(
    morning: list[FileEvent],
) -> None:
    ids = [event.sealed(MORNING_AT).meta.id for event in morning]

    assert all(event.at is not None for event in morning)
    assert len(set(ids)) == len(ids)

"""What becomes of each ticket event: one fact with a verdict, with an identity that repeats."""

from datetime import timedelta

import msgspec
import pytest

from schemas.classifications import AccountSnapshot, Judgement, TicketClassified
from schemas.message import ActorKind
from schemas.tickets import (
    AgentReplied,
    CustomerReplied,
    Ticket,
    TicketDeleted,
    TicketEvent,
    TicketFields,
    TicketMerged,
    TicketOpened,
    TicketReopened,
    TicketStatusChanged,
    TicketUpdated,
)
from schemas.vocabulary import AuthorKind, FactKind, IssueType, ReplyIntent, Severity
from services.classifier.adapters.in_memory import InMemoryAccounts
from services.classifier.domain.rule_judge import RuleJudge
from services.classifier.domain.summary import EXCERPT
from services.classifier.handlers import Classifier
from tests.harness.policies import judging_policy
from tests.harness.tickets import AT, a_comment, a_meta, a_ticket

POLICY = judging_policy()
NOW = AT + timedelta(minutes=5)
ACME = AccountSnapshot(account_id="acme", name="Acme", tier="enterprise", key_account=True)
CLASSIFIER = Classifier(RuleJudge(), InMemoryAccounts({"acme": ACME}))


def classified(event: TicketEvent) -> TicketClassified:
    return CLASSIFIER.on_ticket_event(event, POLICY, NOW)


def opened(ticket: Ticket) -> TicketOpened:
    return TicketOpened(meta=a_meta("e-1", ticket), ticket=ticket)


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (TicketOpened, FactKind.OPENED),
        (TicketUpdated, FactKind.UPDATED),
        (TicketStatusChanged, FactKind.STATUS_CHANGED),
        (TicketReopened, FactKind.REOPENED),
        (TicketDeleted, FactKind.DELETED),
    ],
)
def test_every_event_becomes_its_fact(event: type[TicketEvent], kind: FactKind) -> None:
    fact = classified(event(meta=a_meta("e-1", a_ticket()), ticket=a_ticket())).fact

    assert (fact.kind, fact.author_kind, fact.author_id, fact.intent) == (kind, AuthorKind.CUSTOMER, "ida", None)


def test_a_repeat_gives_the_same_event_and_another_event_another_id() -> None:
    first = classified(opened(a_ticket()))

    assert classified(opened(a_ticket())) == first
    assert classified(TicketOpened(meta=a_meta("e-2", a_ticket()), ticket=a_ticket())).meta.id != first.meta.id


def test_the_identity_names_the_ticket_the_cause_and_the_policy_and_keeps_the_facts_time() -> None:
    meta = classified(opened(a_ticket(7))).meta

    assert (meta.correlation_id, meta.causation_id, meta.policy_version) == ("zendesk-eu/7", "e-1", "test-1")
    assert (meta.occurred_at, meta.recorded_at, meta.producer) == (AT, NOW, "classifier")


def test_a_customers_reply_comes_with_its_intent_and_an_excerpt() -> None:
    event = CustomerReplied(
        meta=a_meta("e-1", a_ticket()), ticket=a_ticket(), comment=a_comment("Yes, it works again.\n\nThanks!")
    )

    fact = classified(event).fact
    assert (fact.intent, fact.reply_excerpt) == (ReplyIntent.CONFIRMS, "Yes, it works again. Thanks!")


@pytest.mark.parametrize("kind", [AuthorKind.PERSON, AuthorKind.BOT, AuthorKind.ESCALON])
def test_what_others_wrote_is_told_by_author_and_not_quoted(kind: AuthorKind) -> None:
    event = AgentReplied(
        meta=a_meta("e-1", a_ticket(), ActorKind.PERSON),
        ticket=a_ticket(),
        comment=a_comment("Everything is down, I want a manager, it works again.", kind, public=False),
    )

    found = classified(event)
    assert (found.fact.author_kind, found.fact.public) == (kind, False)
    assert (found.fact.intent, found.fact.reply_excerpt, found.judgement.qualifies) == (None, None, False)


def test_a_reply_is_judged_also_where_the_ticket_does_not_list_it_yet() -> None:
    reply = a_comment("I want to speak to your manager.")
    listed = msgspec.structs.replace(a_ticket(), comments=(reply,))
    verdicts = [
        classified(CustomerReplied(meta=a_meta("e-1", ticket), ticket=ticket, comment=reply)).judgement
        for ticket in (a_ticket(), listed)
    ]

    assert verdicts[0].qualifies
    assert verdicts[0] == verdicts[1]


def test_a_merge_names_the_ticket_that_goes_on() -> None:
    event = TicketMerged(meta=a_meta("e-1", a_ticket()), ticket=a_ticket(), into="zendesk-eu/2")

    assert classified(event).fact.merged_into == "zendesk-eu/2"


def test_the_account_is_pinned_as_it_is_known() -> None:
    known = msgspec.structs.replace(a_ticket(), account_id="acme")
    told = msgspec.structs.replace(
        a_ticket(fields=TicketFields(account_tier="free", key_account=True)), account_id="new"
    )

    assert classified(opened(known)).ticket.account == ACME
    assert classified(opened(told)).ticket.account == AccountSnapshot(account_id="new", tier="free", key_account=True)
    assert classified(opened(a_ticket())).ticket.account is None


def test_only_an_excerpt_of_the_text_travels_on() -> None:
    summary = classified(opened(a_ticket(description="many words " * 10_000))).ticket

    assert len(summary.excerpt) <= EXCERPT
    assert summary.excerpt.startswith("many words")
    assert summary.excerpt.endswith("…")


def test_what_is_written_stays_small_whatever_comes_in() -> None:
    huge = "x" * 300_000
    ticket = msgspec.structs.replace(
        a_ticket(description=huge, fields=TicketFields(priority=huge, currency=huge)),
        subject=huge,
        url="https://" + huge,
        customer=msgspec.structs.replace(a_ticket().customer, name=huge, email=huge, phone=huge),
    )

    assert len(msgspec.json.encode(classified(opened(ticket)))) < 8_000


def test_a_judge_of_ones_own_can_stand_in() -> None:
    class SettledJudge(RuleJudge):
        """Says the same of every ticket."""

        def judge(self, *_: object, **__: object) -> Judgement:
            """Return a verdict that was settled before."""
            return Judgement(qualifies=True, severity=Severity.P2, type=IssueType.SERVICE)

    found = Classifier(SettledJudge(), InMemoryAccounts()).on_ticket_event(opened(a_ticket()), POLICY, NOW)

    assert found.judgement.severity is Severity.P2

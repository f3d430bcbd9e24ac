"""Criteria as a whole: refused where they cannot be applied, with the place; applied to what a ticket shows."""

from datetime import timedelta

import msgspec
import pytest

from policy.cel import CompiledCriteria, CriteriaProblemError, check_criteria
from policy.criteria import Criteria, Quantity, Rule, SeverityRule, Signal, TypeRule
from schemas.classifications import AccountSnapshot
from schemas.tickets import TicketFields
from schemas.vocabulary import AuthorKind, IssueType, Reason, ReplyIntent, Severity
from tests.harness.tickets import AT, a_comment, a_ticket

BROKEN = Signal(says="", patterns={"en": (r"\bbroken\b",)})


def criteria(reason: str = "signal.broken", severity: str = "qualifies", kind: str = "reason.sla_at_risk") -> Criteria:
    return Criteria(
        signals={"broken": BROKEN},
        quantities={"people": Quantity(says="", patterns={"en": ("{number} users",)})},
        reasons={Reason.SLA_AT_RISK: (Rule(name="a", when=reason, says=""),)},
        severities=(SeverityRule(name="b", when=severity, says="", severity=Severity.P2),),
        types=(TypeRule(name="c", when=kind, says="", type=IssueType.BILLING, weight=1),),
        replies={ReplyIntent.CONFIRMS: BROKEN},
    )


def test_sound_criteria_have_no_problems() -> None:
    assert check_criteria(criteria()) == []


def test_each_problem_names_its_place_and_its_rule() -> None:
    wrong = criteria(reason="ticket.nope == 1", severity="ticket.affected_users > 1", kind="'a'")

    assert [problem.split(": ")[:2] for problem in check_criteria(wrong)] == [
        ["reasons.sla_at_risk[0].when", "rule 'a'"],
        ["severities[0].when", "rule 'b'"],
        ["types[0].when", "rule 'c'"],
    ]


def test_reasons_cannot_rest_on_reasons() -> None:
    assert "there is no 'qualifies'" in check_criteria(criteria(reason="qualifies"))[0]


def test_two_rules_of_one_name_are_refused() -> None:
    twice = msgspec.structs.replace(
        criteria(), types=(TypeRule(name="a", when="true", says="", type=IssueType.BILLING, weight=1),)
    )

    assert check_criteria(twice) == ["types[0].name: 'a' is the name of another rule; each has its own"]


def test_criteria_with_problems_are_never_applied() -> None:
    with pytest.raises(CriteriaProblemError, match=r"signals\.x: missing"):
        CompiledCriteria(
            Criteria(signals={"x": Signal(says="", patterns={"en": ("(",)})}, reasons={}, severities=(), types=())
        )


def holds(
    rule: str, text: str = "", fields: TicketFields | None = None, account: AccountSnapshot | None = None
) -> bool:
    ready = CompiledCriteria(criteria(reason=rule))
    evidence = ready.evidence(a_ticket(description=text, fields=fields), account, AT)
    return [rule.reason for rule in evidence.holding()] == [Reason.SLA_AT_RISK]


def test_rules_see_fields_signals_counts_and_quantities() -> None:
    assert holds("ticket.affected_users == null && !signal.broken")
    assert holds("signal.broken && count.broken == 1", "It is broken. Yes, broken.")
    assert holds("quantity.people > 11.0", "All 12 users wait.")
    assert holds("ticket.affected_users != null && ticket.affected_users > 3", fields=TicketFields(affected_users=4))


def test_a_number_that_is_none_counts_as_not_filled_in() -> None:
    assert holds("ticket.refund_amount == null", fields=TicketFields(refund_amount=float("nan")))
    assert holds("ticket.refund_amount == null", fields=TicketFields(refund_amount=float("inf")))


def test_the_share_left_of_the_front_line_promise_follows_from_its_dates() -> None:
    dates = TicketFields(front_line_started_at=AT - timedelta(hours=9), front_line_due_at=AT + timedelta(hours=1))

    assert holds("ticket.sla_fraction_left != null && ticket.sla_fraction_left < front_line_fraction", fields=dates)
    assert holds("ticket.sla_fraction_left == 0.5", fields=msgspec.structs.replace(dates, sla_fraction_left=0.5))


def test_the_account_is_the_crms_word_before_the_helpdesks() -> None:
    told = TicketFields(account_tier="free", key_account=True)
    known = AccountSnapshot(account_id="a", tier="enterprise", renewal_at=AT + timedelta(days=30))

    assert holds('account.tier == "free" && account.key_account', fields=told)
    assert holds('account.tier == "enterprise" && account.key_account', fields=told, account=known)
    assert holds("account.days_to_renewal == 30 && account.region == null", account=known)


def test_only_what_the_customer_wrote_is_read() -> None:
    ready = CompiledCriteria(criteria())
    agents = msgspec.structs.replace(a_ticket(), comments=(a_comment("It is broken.", AuthorKind.PERSON),))
    customers = msgspec.structs.replace(a_ticket(), comments=(a_comment("It is broken."),))

    assert not ready.evidence(agents, None, AT).holding()
    assert ready.evidence(customers, None, AT).holding()

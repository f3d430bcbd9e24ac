"""The versions a policy and a roster are known by, and the examples that prove a policy."""

from datetime import UTC, datetime
from pathlib import Path

from policy.examples import failed_examples
from policy.loader import load_policy, load_roster
from policy.model import VersionedPolicy
from policy.publication import canonical_json, policy_of, policy_version, roster_of
from schemas.classifications import AccountSnapshot, Judgement
from schemas.tickets import Ticket
from schemas.vocabulary import IssueType, Severity

DEFAULT = Path(__file__).parents[3] / "policy" / "default"
FIRST = load_policy(DEFAULT)
ROSTER = load_roster(DEFAULT)


def test_a_document_reads_back_to_the_same_text_and_version() -> None:
    text = canonical_json(FIRST.policy)
    assert policy_of(text) == FIRST.policy
    assert canonical_json(policy_of(text)) == text
    assert policy_version(policy_of(text)) == FIRST.version
    assert roster_of(canonical_json(ROSTER)) == ROSTER
    assert FIRST.version.startswith("default-")


class SaysP4:
    """Calls everything a technical P4 that does not qualify."""

    def judge(
        self, ticket: Ticket, account: AccountSnapshot | None, policy: VersionedPolicy, occurred_at: datetime
    ) -> Judgement:
        assert account is None
        assert ticket.helpdesk == "example"
        assert policy == FIRST
        assert occurred_at.tzinfo is UTC
        return Judgement(qualifies=False, severity=Severity.P4, type=IssueType.TECHNICAL)


def test_an_example_that_comes_out_otherwise_is_told_with_what_differs() -> None:
    failed = failed_examples(FIRST, SaysP4())
    assert failed[0].startswith("criteria.examples[0]: ")
    assert "it does not qualify" in failed[0]
    assert "its severity is P4, not P1" in failed[0]
    expected_to_hold = [example for example in FIRST.policy.criteria.examples if not example.qualifies]
    assert len(failed) == len(FIRST.policy.criteria.examples) - len(expected_to_hold)

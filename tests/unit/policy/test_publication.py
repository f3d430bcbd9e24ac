"""The versions a policy and a roster are known by, and the examples that prove a policy."""

from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import msgspec
import pytest

from policy.document import Added, Part, added_defaults
from policy.examples import failed_examples
from policy.loader import load_policy, load_roster
from policy.model import Policy, VersionedPolicy
from policy.publication import canonical_json, policy_of, policy_version, roster_of
from policy.roster import Roster
from policy.targets import DayEnd, Measure, Target
from schemas.classifications import AccountSnapshot, Judgement
from schemas.tickets import Ticket
from schemas.vocabulary import IssueType, Severity
from tests.harness.released import FIXTURES, VERSIONS

DEFAULT = Path(__file__).parents[3] / "policy" / "default"
FIRST = load_policy(DEFAULT)
ROSTER = load_roster(DEFAULT)


def test_a_document_reads_back_to_the_same_text_and_version() -> None:
    text = canonical_json(FIRST.policy)
    assert policy_of(text) == FIRST.policy
    assert canonical_json(policy_of(text)) == text
    assert policy_version(policy_of(text)) == FIRST.version
    assert roster_of(canonical_json(ROSTER)) == ROSTER


def test_the_default_policy_keeps_its_version_when_the_language_grows() -> None:
    assert FIRST.version == "default-fe61c088"


def test_what_was_added_is_published_only_where_it_is_used() -> None:
    at_closing = Target(measure=Measure.BUSINESS_DAYS, amount=1, ends=DayEnd.END_OF_DAY)
    same_time = Target(measure=Measure.BUSINESS_DAYS, amount=1)
    p4 = msgspec.structs.replace(FIRST.policy.severities[Severity.P4], first_response=at_closing, resolution=same_time)
    policy = msgspec.structs.replace(FIRST.policy, severities={**FIRST.policy.severities, Severity.P4: p4})

    published = msgspec.json.decode(canonical_json(policy))["severities"]["P4"]

    assert published["first_response"] == {"measure": "business_days", "amount": 1, "ends": "end_of_day"}
    assert published["resolution"] == {"measure": "business_days", "amount": 1}
    assert published["confirmation_repeats"] == 3
    assert policy_of(canonical_json(policy)) == policy


@pytest.mark.parametrize("version", VERSIONS)
def test_each_field_that_a_release_does_not_know_is_marked_as_added(version: str) -> None:
    for document in (Policy, Roster):
        released = msgspec.json.decode((FIXTURES / version / f"{document.__name__.lower()}.schema.json").read_bytes())
        for part in _parts(Part):
            if part.__name__ in released["$defs"]:
                known = released["$defs"][part.__name__]["properties"]
                assert set(part.__struct_fields__) - set(known) <= set(added_defaults(part))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_release_reads_the_default_policy_and_roster(version: str) -> None:
    for document in (FIRST.policy, ROSTER):
        schema = (FIXTURES / version / f"{type(document).__name__.lower()}.schema.json").read_bytes()
        jsonschema.validate(msgspec.json.decode(canonical_json(document)), msgspec.json.decode(schema))


def test_a_field_that_is_added_without_a_default_is_a_mistake() -> None:
    class Careless(Part, frozen=True, kw_only=True):
        amount: Added[int]

    with pytest.raises(TypeError, match="amount is added later"):
        added_defaults(Careless)


def _parts(part: type[Part]) -> list[type[Part]]:
    return [one for below in part.__subclasses__() for one in (below, *_parts(below))]


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

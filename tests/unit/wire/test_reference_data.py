"""What a service knows of published policies and rosters."""

from pathlib import Path

import msgspec
import pytest

from chassis.errors import RejectedMessageError, RetryableError
from policy.loader import load_policy, load_roster
from policy.model import VersionedPolicy
from policy.publication import canonical_json, roster_version, versioned
from schemas.ids import PolicyVersion
from schemas.reference_data import PolicyPublished, RosterPublished
from wire.reference_data import PolicyNotKnownError, PolicyRegistry, RosterNotKnownError, RosterRegistry

DEFAULT = Path(__file__).parents[3] / "policy" / "default"
FIRST = load_policy(DEFAULT)
SECOND = versioned(msgspec.structs.replace(FIRST.policy, label="stricter"))
ROSTER = load_roster(DEFAULT)


def published(policy: VersionedPolicy) -> PolicyPublished:
    return PolicyPublished(version=policy.version, document=canonical_json(policy.policy))


def test_a_published_version_is_known_and_the_last_is_the_latest() -> None:
    registry = PolicyRegistry()
    registry.fold(published(FIRST))
    registry.fold(published(SECOND))
    assert registry.get(FIRST.version) == FIRST.policy
    assert registry.latest() == SECOND


def test_a_version_that_is_published_again_is_the_latest_again_and_the_same_object() -> None:
    registry = PolicyRegistry()
    for policy in (FIRST, SECOND):
        registry.fold(published(policy))
    before = registry.get(FIRST.version)
    registry.fold(published(FIRST))
    assert registry.latest().version == FIRST.version
    assert registry.get(FIRST.version) is before


def test_a_version_that_has_not_arrived_is_waited_for() -> None:
    registry = PolicyRegistry()
    with pytest.raises(PolicyNotKnownError, match="default-0 has not arrived"):
        registry.get(PolicyVersion("default-0"))
    with pytest.raises(RetryableError, match="no policy was published"):
        registry.latest()


def test_a_roster_that_was_not_published_is_waited_for_and_the_last_counts() -> None:
    registry = RosterRegistry()
    with pytest.raises(RosterNotKnownError):
        registry.current()
    registry.fold(RosterPublished(version=roster_version(ROSTER), document=canonical_json(ROSTER)))
    assert registry.current() == ROSTER


def test_a_document_of_another_kind_is_rejected_and_what_was_known_stays() -> None:
    policies, rosters = PolicyRegistry([FIRST]), RosterRegistry(ROSTER)
    with pytest.raises(RejectedMessageError, match="policy version v2 is not understood"):
        policies.fold(PolicyPublished(version="v2", document='{"label": 1}'))
    with pytest.raises(RejectedMessageError) as raised:
        rosters.fold(RosterPublished(version="r2", document='{"people": {"ana": "+49 30 5550 0101"}}'))
    assert "5550" not in str(raised.value)
    assert policies.latest() == FIRST
    assert rosters.current() == ROSTER


def test_a_policy_that_cannot_be_applied_is_rejected_and_the_last_one_goes_on() -> None:
    registry = PolicyRegistry(complaints=lambda policy: ["it is strict"] if policy.label == "stricter" else [])
    registry.fold(published(FIRST))
    with pytest.raises(RejectedMessageError, match=f"{SECOND.version} cannot be applied: it is strict"):
        registry.fold(published(SECOND))
    assert registry.latest() == FIRST

"""A policy and a roster as published: one canonical JSON text, and a version that is a hash of it."""

from hashlib import sha256

import msgspec

from policy.model import Policy, VersionedPolicy
from policy.roster import Roster
from schemas.ids import PolicyVersion

_HASH_DIGITS = 8


def canonical_json(document: Policy | Roster) -> str:
    """Return the document as JSON with sorted keys; the same document always gives the same text."""
    return msgspec.json.encode(document, order="sorted").decode()


def policy_version(policy: Policy) -> PolicyVersion:
    """Return `<label>-<first 8 hex digits of the SHA-256 of the document>`."""
    return PolicyVersion(f"{policy.label}-{_hash(canonical_json(policy))}")


def roster_version(roster: Roster) -> str:
    """Return the first 8 hex digits of the SHA-256 of the document."""
    return _hash(canonical_json(roster))


def versioned(policy: Policy) -> VersionedPolicy:
    """Return the policy under its version."""
    return VersionedPolicy(version=policy_version(policy), policy=policy)


def policy_of(document: str) -> Policy:
    """Read a published policy; raises msgspec.ValidationError for one this release does not understand."""
    return msgspec.json.decode(document, type=Policy)


def roster_of(document: str) -> Roster:
    """Read a published roster; raises msgspec.ValidationError for one this release does not understand."""
    return msgspec.json.decode(document, type=Roster)


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:_HASH_DIGITS]

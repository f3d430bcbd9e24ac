"""A policy and a roster as published: one canonical JSON text, and a version that is a hash of it."""

from hashlib import sha256

import msgspec

from policy.document import Part, added_defaults
from policy.model import Policy, VersionedPolicy
from policy.roster import Roster
from schemas.ids import PolicyVersion

_HASH_DIGITS = 8


def canonical_json(document: Policy | Roster) -> str:
    """Return the document as JSON with sorted keys; the same document always gives the same text.

    What was `Added` to the language and is not used is left out (`policy/document.py`).
    """
    return msgspec.json.encode(_published(document), order="sorted").decode()


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


def _published(value: object) -> object:
    match value:
        case Part():
            added = added_defaults(type(value))
            fields = ((name, getattr(value, name)) for name in value.__struct_fields__)
            return {name: _published(held) for name, held in fields if name not in added or held != added[name]}
        case dict():
            return {key: _published(held) for key, held in value.items()}
        case tuple():
            return [_published(held) for held in value]
        case _:
            return value


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:_HASH_DIGITS]

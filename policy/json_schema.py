"""JSON Schemas of the policy and the roster, for editors and other programs; generated from the structs."""

import json

import msgspec

from policy.model import Policy
from policy.roster import Roster

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def policy_schema() -> str:
    """Return the text of `docs/policy.schema.json`: the document that is published on `policies.v1`."""
    return _schema(Policy)


def roster_schema() -> str:
    """Return the text of `docs/roster.schema.json`: the document that is published on `roster.v1`."""
    return _schema(Roster)


def _schema(document: type) -> str:
    schema = {"$schema": _DIALECT, **msgspec.json.schema(document)}
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"

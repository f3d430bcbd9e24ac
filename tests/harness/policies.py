"""A policy for tests that only its criteria matter to: the default criteria, everything else as small as can be."""

from pathlib import Path

import msgspec
import yaml

from policy.communication import Communication
from policy.criteria import Criteria
from policy.model import Policy, VersionedPolicy
from policy.routing import Routing
from schemas.ids import PersonKey, PolicyVersion

CRITERIA_FILE = Path(__file__).parents[2] / "policy" / "default" / "criteria.yaml"


def default_criteria() -> Criteria:
    """Return the criteria of the default policy."""
    return msgspec.convert(yaml.safe_load(CRITERIA_FILE.read_text(encoding="utf-8")), Criteria)


def judging_policy(version: str = "test-1", criteria: Criteria | None = None) -> VersionedPolicy:
    """Return a policy that judges as the default one does."""
    return VersionedPolicy(
        version=PolicyVersion(version),
        policy=Policy(
            label="test",
            criteria=criteria or default_criteria(),
            severities={},
            calendars={},
            routing=Routing(chains={}, fallback=PersonKey("ana")),
            communication=Communication(notices=(), templates={}),
        ),
    )

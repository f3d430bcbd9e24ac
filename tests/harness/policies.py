"""Policies for tests: one that only its criteria matter to, and the default one with more time to accept."""

import shutil
from pathlib import Path

import msgspec
import yaml

from policy.communication import Communication
from policy.criteria import Criteria
from policy.model import Policy, VersionedPolicy
from policy.routing import Routing
from schemas.ids import PersonKey, PolicyVersion

DEFAULT = Path(__file__).parents[2] / "policy" / "default"
CRITERIA_FILE = DEFAULT / "criteria.yaml"
_SOON, _TOMORROW, _AT_ONCE = (
    f"first_response: {{measure: elapsed, amount: {seconds}}}" for seconds in (900, 86_400, 10)
)


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


def a_patient_policy(folder: Path) -> Path:
    """Write the default policy with a day for the first response to a P1, so that none changes owner while a test runs.

    Returns its folder.
    """
    return _with_first_response(folder / "patient", _TOMORROW)


def a_hasty_policy(folder: Path) -> Path:
    """Write the default policy with 10 s for the first response to a P1, so that a test sees its clocks run out.

    Returns its folder.
    """
    return _with_first_response(folder / "hasty", _AT_ONCE)


def _with_first_response(policy: Path, target: str) -> Path:
    shutil.copytree(DEFAULT, policy)
    severities = policy / "severities.yaml"
    text = severities.read_text(encoding="utf-8")
    assert text.count(_SOON) == 1
    severities.write_text(text.replace(_SOON, target), encoding="utf-8")
    return policy

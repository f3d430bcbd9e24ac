"""A story's changes to a policy: put in, and checked as if they stood in its files."""

import msgspec
from msgspec.structs import replace

from ops.scenario.language import PolicyChanges
from ops.scenario.marked_yaml import StoryError
from policy.checks import check_policy
from policy.model import Policy
from policy.targets import SeverityPolicy
from schemas.vocabulary import Severity

_PARTS = ("severities", "calendars", "calendar_by")


def with_changes(policy: Policy, changes: PolicyChanges, place: str) -> Policy:
    """Return the policy with the changes; raises StoryError, naming the place, for what no policy may say."""
    if not any(getattr(changes, part) for part in _PARTS):
        return policy
    severities = {severity: _severity(policy, severity, changes, place) for severity in changes.severities}
    changed = replace(
        policy,
        severities={**policy.severities, **severities},
        calendars={**policy.calendars, **changes.calendars},
        calendar_by=changes.calendar_by or policy.calendar_by,
    )
    for path, says in check_policy(changed):
        if path.startswith(_PARTS):
            raise StoryError(f"{place}: {path}: {says}")
    return changed


def _severity(policy: Policy, severity: Severity, changes: PolicyChanges, place: str) -> SeverityPolicy:
    written = {**msgspec.to_builtins(policy.severities[severity]), **changes.severities[severity]}
    try:
        return msgspec.convert(written, SeverityPolicy)
    except msgspec.ValidationError as error:
        raise StoryError(f"{place}: severities.{severity.value}: {error}") from error

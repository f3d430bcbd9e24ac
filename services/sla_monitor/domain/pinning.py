"""Which versions of the policy a row is held to: the one in force, and those that were before it."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from policy.model import Policy
from schemas.ids import PolicyVersion
from services.sla_monitor.domain.row import AnyRow, EscalationRow, PolicyChanged


class Pinned(NamedTuple):
    """The policy in force for a row, and by their version those that were before it."""

    policy: Policy
    earlier: Mapping[str, Policy]


def pinned(row: AnyRow, get: Callable[[PolicyVersion], Policy]) -> Pinned:
    """Return what the row is judged by; what `get` raises for a version that is not here goes through."""
    *before, last = _versions(row)
    return Pinned(get(PolicyVersion(last)), {version: get(PolicyVersion(version)) for version in before})


def in_force(row: AnyRow) -> str:
    """Return the version that holds for the row now."""
    return _versions(row)[-1]


def _versions(row: AnyRow) -> tuple[str, ...]:
    if not isinstance(row, EscalationRow):
        return (row.policy_version,)
    changes = (act.policy_version for act in row.acts if isinstance(act, PolicyChanged))
    return (row.policy_version, *changes)

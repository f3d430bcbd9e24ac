"""Which targets held when: the epochs of an escalation, each with the policy that holds in it."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from policy.model import Policy
from policy.targets import SeverityPolicy
from schemas.vocabulary import Severity
from services.sla_monitor.domain.row import Absorbed, EscalationRow, PolicyChanged, SeverityChanged

NONE_EARLIER: Mapping[str, Policy] = {}
"""For a row that was held to one version of the policy from its start."""

Promises = Mapping[int, SeverityPolicy]
"""What is promised from the act of that version on; 0 for what is from the start."""


class Epoch(msgspec.Struct, frozen=True, kw_only=True):
    """From `since` on these targets hold; `version` orders it among acts of that instant.

    They are those of the severity in that version of the policy, on that calendar where one is chosen.
    """

    since: datetime
    version: int
    severity: Severity
    policy_version: str
    calendar: str | None = None


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """An epoch with the policy that holds in it, on the epoch's calendar."""

    epoch: Epoch
    policy: Policy


def epochs_of(row: EscalationRow) -> tuple[Epoch, ...]:
    """Return the severities and policies that held, in order; the first since the start. A merge begins one, too."""
    epochs = [
        Epoch(
            since=row.started_at,
            version=0,
            severity=row.severity,
            policy_version=row.policy_version,
            calendar=row.calendar,
        )
    ]
    for act in row.acts:
        if isinstance(act, SeverityChanged | PolicyChanged | Absorbed):
            epochs.append(_changed(epochs[-1], act))
    return tuple(epochs)


def _changed(before: Epoch, act: SeverityChanged | PolicyChanged | Absorbed) -> Epoch:
    since = msgspec.structs.replace(before, since=act.at, version=act.version)
    if isinstance(act, SeverityChanged):
        return msgspec.structs.replace(since, severity=act.severity)
    if isinstance(act, Absorbed):
        return since
    return msgspec.structs.replace(since, policy_version=act.policy_version, calendar=act.calendar)


def held_to(row: EscalationRow, policy: Policy, earlier: Mapping[str, Policy] = NONE_EARLIER) -> tuple[Held, ...]:
    """Return the epochs of a row with their policies: `policy` is that in force, `earlier` has those before it."""
    epochs = epochs_of(row)
    in_force = epochs[-1].policy_version
    policies = {**earlier, in_force: policy}
    return tuple(Held(epoch=one, policy=policies[one.policy_version].on_calendar(one.calendar)) for one in epochs)


def promises_of(all_held: tuple[Held, ...]) -> Promises:
    """Return what is promised by the act it is promised from."""
    return {held.epoch.version: held.policy.severities[held.epoch.severity] for held in all_held}

"""A policy for what runs: each open escalation is asked to adopt it, or it is shown what would follow if it were."""

from contextlib import suppress
from datetime import datetime

from chassis.errors import RejectedMessageError
from ops.adoption_preview import AdoptionPreview, Preview
from ops.connection import EventLog, Publisher
from ops.running_escalations import RunningEscalations, adoption_of
from policy.model import VersionedPolicy
from schemas.catalogue import ESCALATIONS, POLICIES, ROSTER
from schemas.ids import PolicyVersion
from schemas.reference_data import PolicyPublished, RosterPublished
from wire.reference_data import PolicyRegistry, RosterRegistry

_AT_ONCE = 500


async def ask_running(log: EventLog, out: Publisher, version: PolicyVersion, now: datetime) -> int:
    """Ask each open escalation that is held to another version to adopt this one; return how many were asked.

    Asking again before they have is harmless: it is the same command.
    """
    running = RunningEscalations()
    async for entry in log.entries(ESCALATIONS):
        running.take(entry.message)
    asked = [(one.ticket, adoption_of(version, one, now, now)) for one in running.held_to_others(version)]
    for start in range(0, len(asked), _AT_ONCE):
        await out.publish(asked[start : start + _AT_ONCE])
    return len(asked)


async def previewed(log: EventLog, policy: VersionedPolicy, now: datetime) -> Preview:
    """Return what would follow if all that runs adopted the policy now; nothing is written.

    Raises RetryableError where the roster, or a policy that something is held to, is not published.
    """
    policies, rosters = PolicyRegistry(), RosterRegistry()
    preview = AdoptionPreview(policies, rosters)
    async for entry in log.entries(POLICIES, ROSTER, ESCALATIONS):
        # What the services do not take in does not count here either.
        with suppress(RejectedMessageError):
            match entry.message:
                case PolicyPublished() as published:
                    policies.fold(published)
                case RosterPublished() as published:
                    rosters.fold(published)
                case _:
                    preview.take(entry.message)
    policies.add(policy)
    return preview.of(policy.version, now)

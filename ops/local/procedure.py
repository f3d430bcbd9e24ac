"""Publishes a policy and roster, the default ones as a rule, on a Kafka where they are not the latest already."""

from pathlib import Path

import msgspec

from chassis.clock import Clock
from chassis.settings import KafkaSettings
from ops.connection import EventLog, publisher
from ops.scenario.setting import DEFAULT_POLICY
from policy.loader import load_policy, load_roster
from policy.publication import canonical_json, roster_version
from schemas.catalogue import POLICIES, ROSTER
from schemas.ids import derived_id
from schemas.message import Actor, ActorKind, Message, Meta
from schemas.reference_data import PolicyPublished, RosterPublished

_PRODUCER = "escalon-ops"
_ROSTER_KEY = "roster"


async def publish_procedure(settings: KafkaSettings, clock: Clock, folder: Path = DEFAULT_POLICY) -> list[str]:
    """Publish a folder's policy and roster where others are the latest; return the versions that were published."""
    policy, roster = load_policy(folder), load_roster(folder)
    latest_policy, latest_roster = await _latest(settings)
    drafts: list[tuple[str, str, PolicyPublished | RosterPublished]] = []
    if latest_policy != policy.version:
        document = PolicyPublished(version=policy.version, document=canonical_json(policy.policy))
        drafts.append((policy.version, policy.version, document))
    if latest_roster != roster_version(roster):
        published = RosterPublished(version=roster_version(roster), document=canonical_json(roster))
        drafts.append((_ROSTER_KEY, published.version, published))
    if drafts:
        async with publisher(settings) as out:
            await out.publish([(key, _sealed(key, version, draft, clock)) for key, version, draft in drafts])
    return [version for _, version, _ in drafts]


async def _latest(settings: KafkaSettings) -> tuple[str | None, str | None]:
    policy = roster = None
    async for entry in EventLog(settings).entries(POLICIES, ROSTER):
        if isinstance(entry.message, PolicyPublished):
            policy = entry.message.version
        elif isinstance(entry.message, RosterPublished):
            roster = entry.message.version
    return policy, roster


def _sealed(key: str, version: str, draft: PolicyPublished | RosterPublished, clock: Clock) -> Message:
    now = clock.now()
    meta = Meta(
        id=derived_id(type(draft).__name__, version, now.isoformat()),
        correlation_id=key,
        occurred_at=now,
        recorded_at=now,
        actor=Actor(kind=ActorKind.PERSON, id="operator"),
        producer=_PRODUCER,
    )
    return msgspec.structs.replace(draft, meta=meta)

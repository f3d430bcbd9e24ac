"""Which escalations run, by which version of the policy, and what asks them to adopt another; from the log alone."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from schemas.commands import AdoptPolicy
from schemas.escalations import EscalationEvent, PolicyAdopted
from schemas.ids import PolicyVersion, derived_id
from schemas.message import Actor, ActorKind, Message, Meta
from schemas.vocabulary import EscalationState

OPERATOR = Actor(kind=ActorKind.PERSON, id="operator")
PRODUCER = "escalon-ops"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """An escalation after its last event; `adoptions` counts the policies it was held to after the first."""

    ticket: str
    escalation_id: str
    version: int
    is_open: bool
    policy_version: str
    adoptions: int = 0


@dataclass(slots=True)
class RunningEscalations:
    """Feed it what is on `escalations.v1`, repeats and all."""

    _standing: dict[str, Standing] = field(default_factory=dict)

    def take(self, message: Message | None) -> None:
        """Fold one event; a version that was seen changes nothing."""
        if not isinstance(message, EscalationEvent):
            return
        now = message.escalation
        known = self._standing.get(now.ticket)
        if known is None or now.version > known.version:
            self._standing[now.ticket] = Standing(
                ticket=now.ticket,
                escalation_id=now.escalation_id,
                version=now.version,
                is_open=now.state is not EscalationState.CLOSED,
                policy_version=message.meta.policy_version or "",
                adoptions=(0 if known is None else known.adoptions) + isinstance(message, PolicyAdopted),
            )

    def held_to_others(self, version: PolicyVersion) -> Iterator[Standing]:
        """Yield those that are open and held to another version than this."""
        for one in self._standing.values():
            if one.is_open and one.policy_version != version:
                yield one


def adoption_of(version: PolicyVersion, by: Standing, at: datetime, now: datetime) -> AdoptPolicy:
    """Return what asks an escalation to adopt the version; asked again before it has, it is the same command.

    `at` is when the operator asks, `now` when it is written. The number of adoptions is part of the id, so that a
    version can come to hold a second time, after another.
    """
    meta = Meta(
        id=derived_id("adopt policy", by.escalation_id, version, str(by.adoptions)),
        correlation_id=by.ticket,
        occurred_at=at,
        recorded_at=now,
        actor=OPERATOR,
        producer=PRODUCER,
        policy_version=version,
    )
    return AdoptPolicy(meta=meta, ticket=by.ticket, version=version)

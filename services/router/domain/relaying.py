"""What an event asks of another ticket's stream: it crosses partitions, so it goes by `commands.v1`."""

from schemas.commands import AbsorbMerged, Command
from schemas.escalations import EscalationMerged
from schemas.ids import derived_id
from schemas.message import Actor, ActorKind, Message, Meta
from services.router.domain.sealing import PRODUCER


def commands_of(event: Message) -> list[Command]:
    """Return the commands that follow from a stored event: a merge tells the survivor. The same event, the same ids."""
    if not isinstance(event, EscalationMerged):
        return []
    meta = Meta(
        id=derived_id(event.meta.id, AbsorbMerged.wire_name(), event.into),
        correlation_id=event.into,
        causation_id=event.meta.id,
        occurred_at=event.meta.occurred_at,
        recorded_at=event.meta.recorded_at,
        actor=Actor(kind=ActorKind.ESCALON, id=PRODUCER),
        producer=PRODUCER,
        policy_version=event.meta.policy_version,
        traceparent=event.meta.traceparent,
    )
    return [
        AbsorbMerged(
            meta=meta,
            ticket=event.into,
            merged=event.escalation.ticket,
            reasons=event.reasons,
            escalation=event.escalation,
        )
    ]

"""What an event asks of another ticket's stream: it crosses partitions, so it goes by `commands.v1`."""

from schemas.commands import AbsorbMerged, Command
from schemas.context import EscalationContext
from schemas.escalations import EscalationMerged
from schemas.ids import derived_id
from schemas.merging import MergePassedOn
from schemas.message import Actor, ActorKind, Message, Meta
from services.router.domain.sealing import PRODUCER


def commands_of(event: Message) -> list[Command]:
    """Return the commands that follow from a stored event: a merge tells the survivor. The same event, the same ids."""
    if isinstance(event, EscalationMerged):
        return [_absorb(event, event.escalation.ticket, event.escalation, ())]
    if isinstance(event, MergePassedOn):
        return [_absorb(event, event.merged, event.lost, event.through)]
    return []


def _absorb(
    event: EscalationMerged | MergePassedOn, merged: str, lost: EscalationContext | None, through: tuple[str, ...]
) -> AbsorbMerged:
    return AbsorbMerged(
        meta=_meta(event, event.into),
        ticket=event.into,
        merged=merged,
        reasons=event.reasons,
        escalation=lost,
        promises=event.promises,
        solved=event.solved,
        through=through,
    )


def _meta(event: Message, into: str) -> Meta:
    return Meta(
        id=derived_id(event.meta.id, AbsorbMerged.wire_name(), into),
        correlation_id=into,
        causation_id=event.meta.id,
        occurred_at=event.meta.occurred_at,
        recorded_at=event.meta.recorded_at,
        actor=Actor(kind=ActorKind.ESCALON, id=PRODUCER),
        producer=PRODUCER,
        policy_version=event.meta.policy_version,
        traceparent=event.meta.traceparent,
    )

"""What a stored event is on the wire: its record on `escalations.v1`, and for a merge a command to the survivor."""

from collections.abc import Sequence

from chassis.event_store import StoredEvent
from chassis.records import Outgoing
from schemas.catalogue import COMMANDS, ESCALATIONS
from schemas.codec import Codec
from schemas.commands import AbsorbMerged
from schemas.envelope import headers_of
from schemas.escalations import EscalationMerged
from schemas.ids import derived_id
from schemas.message import Actor, ActorKind, Message, Meta
from services.router.metrics import RouterMetrics

_PRODUCER = "router"


class EscalationRecords:
    """Turns rows of the outbox into records; the same row always gives the same ones."""

    def __init__(self, stored: Codec, wire: Codec, metrics: RouterMetrics) -> None:
        self._stored = stored
        self._wire = wire
        self._metrics = metrics

    def __call__(self, _partition: int, stored: StoredEvent) -> Sequence[Outgoing]:
        """Return the records of a stored event, keyed by ticket."""
        event = self._stored.decode(stored.value)
        value = stored.value if self._stored is self._wire else self._wire.encode(event)
        records = [_record(ESCALATIONS.name, event, value)]
        if isinstance(event, EscalationMerged):
            absorb = _absorb(event)
            records.append(_record(COMMANDS.name, absorb, self._wire.encode(absorb)))
        self._metrics.relayed.inc()
        return records


def _absorb(event: EscalationMerged) -> AbsorbMerged:
    """Return what crosses partitions: the survivor's stream is somebody else's to write."""
    meta = Meta(
        id=derived_id(event.meta.id, AbsorbMerged.wire_name(), event.into),
        correlation_id=event.into,
        causation_id=event.meta.id,
        occurred_at=event.meta.occurred_at,
        recorded_at=event.meta.recorded_at,
        actor=Actor(kind=ActorKind.ESCALON, id=_PRODUCER),
        producer=_PRODUCER,
        policy_version=event.meta.policy_version,
    )
    return AbsorbMerged(meta=meta, ticket=event.into, merged=event.escalation.ticket)


def _record(topic: str, event: Message, value: bytes) -> Outgoing:
    return Outgoing(topic, event.meta.correlation_id.encode(), value, headers_of(event))

"""What a stored event is on the wire: its record on `escalations.v1`, and for a merge a command to the survivor."""

from collections.abc import Sequence

from chassis.event_store import StoredEvent
from chassis.records import Outgoing
from schemas.catalogue import COMMANDS, ESCALATIONS
from schemas.codec import Codec
from schemas.envelope import headers_of
from schemas.message import Message
from services.router.domain.relaying import commands_of
from services.router.metrics import RouterMetrics


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
        records += [_record(COMMANDS.name, command, self._wire.encode(command)) for command in commands_of(event)]
        self._metrics.relayed.inc()
        return records


def _record(topic: str, event: Message, value: bytes) -> Outgoing:
    return Outgoing(topic, event.meta.correlation_id.encode(), value, headers_of(event))

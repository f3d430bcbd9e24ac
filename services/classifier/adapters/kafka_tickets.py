"""Records of `tickets.v1` to ticket events that verdicts can be derived from."""

from chassis.errors import RejectedMessageError
from chassis.records import Record
from schemas.catalogue import TICKETS
from schemas.errors import UnknownEventError
from schemas.tickets import TicketEvent
from wire.kafka_wire import KafkaWire

_LONGEST_KEY = 500


class KafkaTickets:
    """Reads what upstream systems wrote."""

    def __init__(self, wire: KafkaWire) -> None:
        self._wire = wire

    def ticket_event(self, record: Record) -> TicketEvent | None:
        """Return the record's event, with the three outcomes; None for a type this version does not know (skipped)."""
        try:
            message = self._wire.read(record)
        except UnknownEventError:
            return None
        if not isinstance(message, TicketEvent):
            reason = f"{type(message).__name__} does not belong on {TICKETS.name}"
            raise RejectedMessageError(reason, offset=record.offset)
        _check_identity(message, record.offset)
        return message


def _check_identity(event: TicketEvent, offset: int) -> None:
    """Refuse an event whose ids ours could not be derived from: without them a repeat would not be known as one."""
    if not event.meta.id:
        raise RejectedMessageError("the event has no id", offset=offset)
    if not event.ticket.helpdesk or not event.ticket.ticket_id:
        raise RejectedMessageError("the event names no ticket", offset=offset)
    if len(event.ticket.key) > _LONGEST_KEY or len(event.meta.id) > _LONGEST_KEY:
        raise RejectedMessageError(f"an id is longer than {_LONGEST_KEY} characters", offset=offset)

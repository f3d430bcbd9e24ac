"""What every event is made of: a frozen struct with `meta` first, documented field by field.

The Avro schemas are generated from these structs (`schemas/avro_schema.py`), so a field's text and its
`pii` mark are written once, here.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar

import msgspec


class ClosedSet(StrEnum):
    """A set of words the procedure itself closes; an Avro enum on the wire."""


class OpenSet(StrEnum):
    """A set of words that grows with the product; an Avro string on the wire, so that growing it is compatible.

    A reader that meets a word it does not know treats the event as one of an unknown type.
    """


def doc(text: str) -> msgspec.Meta:
    """Document a field; the text becomes the Avro field's `doc`."""
    return msgspec.Meta(description=text)


def pii(text: str) -> msgspec.Meta:
    """Document a field that holds personal or customers' data: it never reaches a log, a metric or an error."""
    return msgspec.Meta(description=text, extra={"pii": True})


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A named part of an event; an Avro record of its own in the namespace of its module."""

    namespace: ClassVar[str] = "escalon"


class ActorKind(ClosedSet):
    """Who acted."""

    CUSTOMER = "customer"
    PERSON = "person"
    BOT = "bot"
    ESCALON = "escalon"


class Actor(Record, frozen=True, kw_only=True):
    """Who caused an event."""

    kind: Annotated[ActorKind, doc("What kind of author.")]
    id: Annotated[str, pii("A roster key, the helpdesk's id of a customer or agent, or a service's name.")]


class Meta(Record, frozen=True, kw_only=True):
    """Identity and time of an event; the first field of every event and, as headers, of every record."""

    id: Annotated[str, doc("UUID, derived (UUIDv5) from what caused the event, so that a replay emits the same.")]
    correlation_id: Annotated[str, doc("Key of the ticket, `<helpdesk>/<ticket_id>`; else the record's key.")]
    causation_id: Annotated[str | None, doc("Id of the message that caused this one.")] = None
    occurred_at: Annotated[datetime, doc("When it happened in the world (business time, UTC).")]
    recorded_at: Annotated[datetime, doc("When the producer took note of it (business time, UTC).")]
    actor: Annotated[Actor, doc("Who caused it.")]
    producer: Annotated[str, doc("Service or helpdesk that wrote the event.")]
    policy_version: Annotated[str | None, doc("Version of the procedure in force for this event.")] = None
    traceparent: Annotated[str | None, doc("W3C trace context, passed on from what caused the event.")] = None


NEVER = datetime(1, 1, 1, tzinfo=UTC)
DRAFT = Meta(
    id="",
    correlation_id="",
    occurred_at=NEVER,
    recorded_at=NEVER,
    actor=Actor(kind=ActorKind.ESCALON, id=""),
    producer="",
)
"""The meta of an event that is decided but not yet sealed; the codec refuses to encode it."""


class Message(Record, frozen=True, kw_only=True):
    """An event of the published language. Its wire name is `<namespace>.<class name>`."""

    meta: Meta = DRAFT

    @classmethod
    def wire_name(cls) -> str:
        """Return the full name under which the event is stored and published."""
        return f"{cls.namespace}.{cls.__name__}"


def is_sealed(message: Message) -> bool:
    """Tell whether the event has got its identity."""
    return message.meta.id != ""


def asdict(record: Record) -> dict[str, Any]:
    """Return the struct as plain values; datetimes stay datetimes (for the codec)."""
    plain: dict[str, Any] = msgspec.to_builtins(record, builtin_types=(datetime, bytes))
    return plain

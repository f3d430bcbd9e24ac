"""Events in a file of JSON lines, as people and upstream teams write them: tickets, commands, accounts.

A line: `{"event": "TicketOpened", "at": "2026-06-02T08:00:00Z", "ticket": {…}}`. `at` is when it happened (left out:
when it is sent), `arrives` when it reaches us (left out: `at`), `by` who did it, `id` an identity of the sender's own.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from chassis.errors import EscalonError
from schemas.catalogue import ACCOUNTS, COMMANDS, TICKETS
from schemas.commands import Command
from schemas.ids import derived_id
from schemas.message import Actor, ActorKind, Message, Meta
from schemas.reference_data import AccountRecorded
from schemas.tickets import AgentReplied, CustomerReplied, TicketEvent
from schemas.vocabulary import AuthorKind

WRITABLE: dict[str, type[Message]] = {
    event.__name__: event for topic in (TICKETS, COMMANDS, ACCOUNTS) for event in topic.events
}
_OWN_WORDS = ("event", "at", "arrives", "by", "id")
CUSTOMER = "customer"
"""`by` of what the customer did."""


class EventFileError(EscalonError):
    """A line of an event file cannot be read; the text names file, line and what is allowed."""


@dataclass(frozen=True, slots=True)
class FileEvent:
    """An event of a file; `at` None means when it is sent."""

    line: int
    at: datetime | None
    arrives: datetime | None
    by: str | None
    id: str | None
    draft: Message

    @property
    def key(self) -> str:
        """Return the key of its record."""
        if isinstance(self.draft, TicketEvent):
            return self.draft.ticket.key
        if isinstance(self.draft, AccountRecorded):
            return self.draft.account.account_id
        assert isinstance(self.draft, Command)  # noqa: S101  # WRITABLE has no other
        return self.draft.ticket

    def sealed(self, now: datetime) -> Message:
        """Return the event with its identity: the same line at the same time always has the same id."""
        at = self.at or now
        plain = msgspec.json.encode(self.draft).decode()
        meta = Meta(
            id=self.id or derived_id("event-file", at.isoformat(), type(self.draft).__name__, self.by or "", plain),
            correlation_id=self.key,
            occurred_at=at,
            recorded_at=max(now, at),
            actor=_actor(self.draft, self.by),
            producer=self.draft.ticket.helpdesk if isinstance(self.draft, TicketEvent) else "escalon-ops",
        )
        return msgspec.structs.replace(self.draft, meta=meta)


def read_event_file(path: Path) -> list[FileEvent]:
    """Return the events in the order of the file; raises EventFileError naming every line that is wrong."""
    events: list[FileEvent] = []
    problems: list[str] = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EventFileError(f"{path}: cannot be read ({type(error).__name__})") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            events.append(_event(number, line))
        except (ValueError, TypeError) as error:
            problems.append(f"{path}:{number}: {error}")
    if problems:
        raise EventFileError("\n".join(problems))
    return events


def _event(number: int, line: str) -> FileEvent:
    plain = json.loads(line)
    if not isinstance(plain, dict) or plain.get("event") not in WRITABLE:
        raise ValueError(f"`event` is one of {', '.join(WRITABLE)}")
    kind = WRITABLE[plain["event"]]
    fields: dict[str, Any] = {word: value for word, value in plain.items() if word not in _OWN_WORDS}
    known = {field.name for field in msgspec.structs.fields(kind)} - {"meta"}
    if unknown := set(fields) - known:
        raise ValueError(f"{kind.__name__} has no `{min(unknown)}`; it has {', '.join(sorted(known))}")
    at = _instant(plain.get("at"))
    return FileEvent(
        line=number,
        at=at,
        arrives=_instant(plain.get("arrives")) or at,
        by=plain.get("by"),
        id=plain.get("id"),
        draft=msgspec.convert(fields, type=kind),
    )


def _instant(value: str | None) -> datetime | None:
    if value is None:
        return None
    instant = msgspec.convert(value, type=datetime)
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(UTC)


def _actor(draft: Message, by: str | None) -> Actor:
    if isinstance(draft, AgentReplied | CustomerReplied):
        return Actor(kind=ActorKind(draft.comment.author_kind.value), id=draft.comment.author_id)
    if by == CUSTOMER or (by is None and isinstance(draft, TicketEvent)):
        return Actor(kind=ActorKind.CUSTOMER, id=CUSTOMER)
    return Actor(kind=ActorKind(AuthorKind.PERSON.value), id=by or "operator")

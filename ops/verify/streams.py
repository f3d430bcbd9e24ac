"""`escalations.v1` folded once for all checks: one entry a ticket, with what the log itself shows to be wrong."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from msgspec.structs import replace

from ops.verify.evidence import LONG_AGO, Check, Moment, Piece, Seen, Step, Violation, ticket_of, version_of
from ops.view.board import Board
from schemas.context import EscalationContext
from schemas.escalations import EscalationEvent, EscalationOpened, StreamEvent
from schemas.ids import TicketKey, escalation_id
from schemas.message import Message
from services.router.domain.evolve import evolve
from services.router.domain.state import TicketState


@dataclass(slots=True)
class Stream:
    """What is published of a ticket. `state` is the fold; it stands still at the first gap."""

    ticket: str
    partition: int
    state: TicketState
    last: int = 0
    """The highest version seen."""
    digests: dict[int, bytes] = field(default_factory=dict)
    causes: set[str] = field(default_factory=set)
    opened_at: datetime | None = None
    """Real time at which the opening was published."""
    opened_by: str | None = None
    """Id of the message that made it an escalation."""
    last_at: datetime = LONG_AGO
    """Real time of the last event."""
    is_broken: bool = False


@dataclass(slots=True)
class Streams:
    """All streams by ticket, and what the log shows to be wrong with them; feed it the log, repeats and all."""

    by_ticket: dict[str, Stream] = field(default_factory=dict)
    problems: list[Violation] = field(default_factory=list)
    board: Board = field(default_factory=Board)

    def take(self, seen: Seen, event: StreamEvent) -> Step | None:
        """Fold an event; return it with the states around it where its version is new, else None."""
        ticket, version = ticket_of(event), version_of(event)
        stream = self.by_ticket.get(ticket)
        if stream is None:
            stream = Stream(ticket, seen.partition, TicketState(ticket=TicketKey(ticket)))
            self.by_ticket[ticket] = stream
        if seen.partition != stream.partition:
            self._wrong(seen, ticket, f"stands on partition {seen.partition}, others on {stream.partition}")
        if version in stream.digests:
            if stream.digests[version] != digest_of(event):
                self._wrong(seen, ticket, f"version {version} is there twice and differs")
            return None
        return self._new(seen, event, stream, version)

    def _new(self, seen: Seen, event: StreamEvent, stream: Stream, version: int) -> Step:
        stream.digests[version] = digest_of(event)
        stream.last_at = seen.written_at
        if event.meta.causation_id is not None:
            stream.causes.add(event.meta.causation_id)
        if isinstance(event, EscalationOpened) and stream.opened_at is None:
            stream.opened_at, stream.opened_by = seen.written_at, event.meta.causation_id
        self.board.take(event)
        if version != stream.last + 1:
            self._wrong(seen, stream.ticket, f"version {version} follows version {stream.last}")
            stream.is_broken = True
        stream.last = max(stream.last, version)
        if stream.is_broken:
            return Step(seen, event, None, None)
        before, stream.state = stream.state, evolve(stream.state, event)
        self._compare(seen, event, stream)
        return Step(seen, event, before, stream.state)

    def _compare(self, seen: Seen, event: StreamEvent, stream: Stream) -> None:
        """Hold what the event says of the escalation against what its past gives."""
        folded = stream.state.escalation
        if not isinstance(event, EscalationEvent):
            return
        if folded is None:
            self._wrong(seen, stream.ticket, f"{type(event).__name__} comes before any opening")
            return
        if event.escalation.escalation_id != escalation_id(TicketKey(stream.ticket)):
            self._wrong(seen, stream.ticket, "the escalation's id is not the ticket's")
        differing = _differing(replace(folded.context, version=event.escalation.version), event.escalation)
        if differing:
            self._wrong(seen, stream.ticket, f"version {stream.last} says otherwise than its past: {differing}")

    def _wrong(self, seen: Seen, ticket: str, what: str) -> None:
        self.problems.append(Violation(f"{ticket} at {seen.place}", what))


class LogWithoutGap(Check):
    """See `promise`; the fold itself is `Streams`, which every check shares."""

    name = "log without gap"
    promise = "each stream has the versions 1 to n, each one event, and its fold is what it says and the board shows"

    def __init__(self, streams: Streams) -> None:
        super().__init__()
        self._streams = streams

    def take(self, piece: Piece) -> None:
        """Count; `Streams` has folded it."""
        self.looked_at += isinstance(piece, Step)

    def violations(self, moment: Moment) -> Iterator[Violation]:
        """Yield what the fold met, and where the board shows something else than the fold."""
        del moment
        yield from self._streams.problems
        for row in self._streams.board.rows():
            stream = self._streams.by_ticket[row.ticket]
            escalation = stream.state.escalation
            if escalation is None or stream.is_broken:
                continue
            context = escalation.context
            folded = (context.state, context.severity, context.type, context.owner)
            if folded != (row.state, row.severity, row.type, row.owner):
                yield Violation(row.ticket, "the board shows it otherwise than its events fold")


def digest_of(event: Message) -> bytes:
    """Return eight bytes that tell two events apart, however they are framed."""
    return hashlib.blake2b(msgspec.json.encode([event.wire_name(), event]), digest_size=8).digest()


def _differing(one: EscalationContext, other: EscalationContext) -> str:
    """Return the names of the fields that differ, never what stands in them."""
    names = (name for name in EscalationContext.__struct_fields__ if getattr(one, name) != getattr(other, name))
    return ", ".join(names)

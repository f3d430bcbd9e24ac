"""One open escalation a ticket, and exactly one owner of it at any time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ops.verify.evidence import Check, Moment, Piece, Step, Violation
from schemas.escalations import (
    EscalationClosed,
    EscalationEvent,
    EscalationOpened,
    EscalationReopened,
    OwnerAssigned,
)


class OneOpenEscalation(Check):
    """See `promise`."""

    name = "one open escalation"
    promise = "a ticket is opened once, reopened only when closed, by numbers that rise by one, and closed when open"

    def __init__(self) -> None:
        super().__init__()
        self._wrong: list[Violation] = []
        self._openings: dict[str, int] = {}
        self._closed: set[str] = set()

    def take(self, piece: Piece) -> None:
        """Follow openings and closes."""
        if not isinstance(piece, Step) or not isinstance(piece.event, EscalationEvent):
            return
        ticket = piece.event.escalation.ticket
        match piece.event:
            case EscalationOpened():
                self.looked_at += 1
                self._opening(piece, ticket, 1)
            case EscalationReopened(opening=number):
                self._opening(piece, ticket, number)
            case EscalationClosed():
                if ticket in self._closed:
                    self._wrong.append(_at(piece, ticket, "is closed a second time"))
                self._closed.add(ticket)
            case _:
                pass

    def violations(self, moment: Moment) -> Iterator[Violation]:
        """Yield what was met."""
        del moment
        yield from self._wrong

    def _opening(self, step: Step, ticket: str, number: int) -> None:
        before = self._openings.get(ticket, 0)
        if number != before + 1:
            self._wrong.append(_at(step, ticket, f"opening {number} follows opening {before}"))
        if before and ticket not in self._closed:
            self._wrong.append(_at(step, ticket, f"opening {number} while it is open"))
        self._openings[ticket] = max(number, before)
        self._closed.discard(ticket)


@dataclass(slots=True)
class _Held:
    owner: str | None
    cycle: int
    opened_at: datetime
    place: str


class OneOwner(Check):
    """See `promise`."""

    name = "one owner"
    promise = "from the opening on there is exactly one owner: each handover names the one before, cycles rise by one"

    def __init__(self) -> None:
        super().__init__()
        self._wrong: list[Violation] = []
        self._held: dict[str, _Held] = {}

    def take(self, piece: Piece) -> None:
        """Follow who owns it."""
        if not isinstance(piece, Step) or not isinstance(piece.event, EscalationEvent):
            return
        event, ticket = piece.event, piece.event.escalation.ticket
        if isinstance(event, EscalationOpened):
            self._held.setdefault(ticket, _Held(None, 0, piece.seen.written_at, piece.seen.place))
            return
        held = self._held.get(ticket)
        if held is None:
            return
        if isinstance(event, OwnerAssigned):
            self._assigned(piece, event, held)
        elif held.owner is None:
            self._wrong.append(_at(piece, ticket, f"{type(event).__name__} comes before the first owner"))
        if event.escalation.owner != held.owner:
            self._wrong.append(_at(piece, ticket, "names another owner than the last assigned"))

    def violations(self, moment: Moment) -> Iterator[Violation]:
        """Yield what was met, and escalations that nobody owns."""
        del moment
        yield from self._wrong
        for ticket, held in self._held.items():
            if held.owner is None:
                yield Violation(f"{ticket} at {held.place}", "is opened and nobody owns it", held.opened_at)

    def _assigned(self, step: Step, event: OwnerAssigned, held: _Held) -> None:
        self.looked_at += 1
        if event.previous != held.owner:
            self._wrong.append(_at(step, event.escalation.ticket, "is handed over by somebody who does not own it"))
        if event.cycle != held.cycle + 1:
            what = f"assignment {event.cycle} follows assignment {held.cycle}"
            self._wrong.append(_at(step, event.escalation.ticket, what))
        held.owner, held.cycle = event.owner, event.cycle


def _at(step: Step, ticket: str, what: str) -> Violation:
    return Violation(f"{ticket} at {step.seen.place}", what)

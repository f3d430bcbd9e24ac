"""A ticket goes into another: what of its promises is left, and what becomes of them there (docs/adr/0021)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from tests.acceptance.model.clocks import Brought, Clock, Handed, Name
from tests.acceptance.model.escalation import Escalation

_OWN = ("acceptance", "confirmation")
"""Clocks that are not handed on."""


@dataclass(frozen=True)
class Lost:
    """An escalation as it was when its ticket was merged; `solved`: the customer had confirmed."""

    severity: str
    type: str
    start: datetime
    owner: str
    solved: bool
    handed: Mapping[Name, Handed]

    def told_to(self, owner: str) -> dict[Name, Handed]:
        """Return what is handed on; another owner was told nothing of it."""
        return {name: one if owner == self.owner else replace(one, told=0) for name, one in self.handed.items()}


def merge_away(ticket: Escalation) -> Lost | None:
    """End the ticket; return what is left of it, None where it is no escalation, or is over."""
    if ticket.state in (None, "closed"):
        return None
    solved = ticket.state == "confirmed"
    handed = {} if solved else {one.name: one for one in _left(ticket)}
    lost = Lost(ticket.severity, ticket.type, ticket.start, ticket.owner, solved, handed)
    ticket.on_gone()
    return lost


def _left(ticket: Escalation) -> Iterator[Handed]:
    """Yield what is promised and not broken; work goes on, so what stands for a proposal runs again."""
    clocks = [clock for clock in ticket.clocks if not clock.over and not clock.broken and clock.name not in _OWN]
    if ticket.state == "resolution_proposed":
        clocks.append(Clock("update", [(ticket.now, None)]))
    for clock in clocks:
        going_on = replace(clock, runs=list(clock.runs))
        going_on.resume(ticket.now)
        measure = ticket.ruler().measure(going_on)
        if measure is not None:
            told = min(max(clock.said, measure.told), 99)
            yield Handed(clock.name, measure.runs[0][0], measure.due_at(), ticket.severity, told)


def take_in(ticket: Escalation, lost: Lost) -> None:
    """Go on with what is left of the other: the strictest promise holds."""
    if ticket.ended or (lost.solved and ticket.state in (None, "closed")):
        return
    if ticket.state is None:
        _open(ticket, lost)
        return
    if ticket.state == "closed":
        ticket.on_reopened()
    ticket.raise_to(lost.severity)
    for handed in lost.told_to(ticket.owner).values():
        _join(ticket, handed)


def _open(ticket: Escalation, lost: Lost) -> None:
    """Open a quiet ticket; what the other had kept, and what was said to be broken, is not promised again."""
    ticket.open(lost.severity, lost.type, lost.start)
    handed = lost.told_to(ticket.owner)
    begun = [ticket.begin(name) for name in ("first_response", "update", "promise", "next_reply") if name in handed]
    if "update" not in handed:
        begun.append(ticket.begin("update"))
    ticket.resolution = ticket.begin("resolution")
    for clock in (*begun, ticket.resolution):
        clock.brought.append(Brought(ticket.now, handed.get(clock.name), alone=True, opened=True))


def _join(ticket: Escalation, handed: Handed) -> None:
    """Hold the clock of that name to the stricter of both; where none runs another begins, if it is not its turn."""
    name = handed.name
    running = ticket.resolution if name == "resolution" else ticket.running(name)
    if name == "first_response" and running is not None and running.broken:
        running = None  # What was broken is broken once; the other customer still waits for a first word.
    if running is not None:
        running.brought.append(Brought(ticket.now, handed))
    elif name != "update":
        ticket.begin(name).brought.append(Brought(ticket.now, handed, alone=True))

"""Which cycles of which clock ran when, worked out from the acts in the order in which they happened."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from schemas.vocabulary import ClockName
from services.sla_monitor.domain.epochs import Promises
from services.sla_monitor.domain.pausing import Standing, standings
from services.sla_monitor.domain.row import (
    Accepted,
    AnyAct,
    Assigned,
    Closed,
    Confirmed,
    Contact,
    EscalationRow,
    Proposed,
    Rejected,
    Reopened,
    Replied,
)


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch in which a clock runs; `until` None where it still does."""

    since: datetime
    until: datetime | None = None


class Cycle(msgspec.Struct, frozen=True, kw_only=True):
    """One round of a clock; `ended_by` is the version of the act that ended it.

    `judged`: its end was the act that was promised, so it was kept if that came in time. A cycle that ended
    otherwise (a handover, the close) is not kept, though it may have been broken before. `promised_at` is set where a
    person named the time, and not the policy.
    """

    clock: ClockName
    number: int
    runs: tuple[Run, ...]
    ended_at: datetime | None = None
    ended_by: int = 0
    judged: bool = False
    last_in_chain: bool = False
    promised_at: datetime | None = None

    @property
    def started_at(self) -> datetime:
        """When it began."""
        return self.runs[0].since

    @property
    def is_running(self) -> bool:
        """Tell whether its clock runs now."""
        return self.runs[-1].until is None


def cycles_of(row: EscalationRow, promises: Promises | None = None) -> Iterator[Cycle]:
    """Yield every cycle there was or is, of each clock in the order in which they began.

    Clocks stand for what the promises of the severity in force say; without any, for what they do by default.
    """
    yield from _acceptance(row)
    yield from _first_response(row)
    yield from _update(row, promises)
    yield from _resolution(row, promises)
    yield from _confirmation(row)
    yield from _promise(row)
    yield from _next_reply(row)


def _cycle(clock: ClockName, number: int, since: datetime, end: AnyAct | None, *, judged: bool = False) -> Cycle:
    until = None if end is None else max(end.at, since)
    return Cycle(
        clock=clock,
        number=number,
        runs=(Run(since=since, until=until),),
        ended_at=until,
        ended_by=0 if end is None else end.version,
        judged=judged,
    )


def _acceptance(row: EscalationRow) -> Iterator[Cycle]:
    # Who accepted by some act may press the button later: the first counts.
    accepted = {act.cycle: act for act in reversed(row.acts) if isinstance(act, Accepted)}
    for position, act in enumerate(row.acts):
        if isinstance(act, Assigned):
            later = (one for one in row.acts[position + 1 :] if isinstance(one, Assigned | Proposed | Closed))
            ends = (end for end in (accepted.get(act.cycle), next(later, None)) if end is not None)
            end = min(ends, key=lambda one: (one.at, one.version), default=None)
            judged = isinstance(end, Accepted) or (isinstance(end, Proposed) and end.by_owner)
            cycle = _cycle(ClockName.ACCEPTANCE, act.cycle, act.at, end, judged=judged)
            yield msgspec.structs.replace(cycle, last_in_chain=act.last_in_chain)


def _first_response(row: EscalationRow) -> Iterator[Cycle]:
    openings = [(1, row.started_at, 0)]
    openings += [(act.opening, act.at, at + 1) for at, act in enumerate(row.acts) if isinstance(act, Reopened)]
    for opening, since, position in openings:
        later = (act for act in row.acts[position:] if act.at >= since)
        end = next((act for act in later if isinstance(act, Closed) or _reaches_customer(act)), None)
        judged = end is not None and not isinstance(end, Closed)
        yield _cycle(ClockName.FIRST_RESPONSE, opening, since, end, judged=judged)


def _reaches_customer(act: AnyAct) -> bool:
    return isinstance(act, Contact | Proposed) and not act.void


def _update(row: EscalationRow, promises: Promises | None) -> Iterator[Cycle]:
    number = 1
    runs: tuple[Run, ...] = (Run(since=row.started_at),)
    requested_at: datetime | None = None
    for act, standing in standings(row, ClockName.UPDATE, promises):
        if runs and _ends_update(act):
            judged = _reaches_customer(act) and not (isinstance(act, Proposed) and act.at == requested_at)
            yield _ended(ClockName.UPDATE, number, runs, act, judged=judged)
            runs = ()
            if isinstance(act, Contact):
                number, runs = act.cycle, (Run(since=act.at),)
                requested_at = act.at if act.request else requested_at
        elif not runs and isinstance(act, Rejected | Reopened):
            number, runs = act.cycle, (Run(since=act.at),)
        runs = _moved(runs, act.at, standing)
    if runs:
        yield Cycle(clock=ClockName.UPDATE, number=number, runs=runs)


def _ends_update(act: AnyAct) -> bool:
    return isinstance(act, Proposed | Closed) or _reaches_customer(act)


def _resolution(row: EscalationRow, promises: Promises | None) -> Iterator[Cycle]:
    runs: tuple[Run, ...] = (Run(since=row.started_at),)
    number, ended = 1, False
    for act, standing in standings(row, ClockName.RESOLUTION, promises):
        runs = _moved(runs, act.at, standing)
        match act:
            case Reopened():
                number, ended = act.opening, False
            case Confirmed() | Closed() if not ended:
                ended = True
                yield _ended(ClockName.RESOLUTION, number, runs, act, judged=True)
            case _:
                pass
    if not ended:
        yield Cycle(clock=ClockName.RESOLUTION, number=number, runs=runs)


def _ended(clock: ClockName, number: int, runs: tuple[Run, ...], end: AnyAct, *, judged: bool) -> Cycle:
    """Return a cycle that may have stood meanwhile; it ends not before it began."""
    return Cycle(
        clock=clock,
        number=number,
        runs=_stopped(runs, end.at),
        ended_at=max(end.at, runs[0].since),
        ended_by=end.version,
        judged=judged,
    )


def _moved(runs: tuple[Run, ...], at: datetime, standing: Standing | None) -> tuple[Run, ...]:
    """Return the runs after an act: the clock stops, goes on, or stays as it is; none where there is no cycle."""
    if not runs or (runs[-1].until is None) is (standing is None):
        return runs
    return _resumed(runs, at) if standing is None else _stopped(runs, at)


def _stopped(runs: tuple[Run, ...], at: datetime) -> tuple[Run, ...]:
    last = runs[-1]
    return runs if last.until is not None else (*runs[:-1], Run(since=last.since, until=max(at, last.since)))


def _resumed(runs: tuple[Run, ...], at: datetime) -> tuple[Run, ...]:
    return runs if runs[-1].until is None else (*runs, Run(since=at))


def _confirmation(row: EscalationRow) -> Iterator[Cycle]:
    for position, act in enumerate(row.acts):
        if isinstance(act, Proposed):
            later = row.acts[position + 1 :]
            end = next((one for one in later if isinstance(one, Confirmed | Rejected | Closed)), None)
            yield _cycle(ClockName.CONFIRMATION, act.proposal, act.at, end)


def _promise(row: EscalationRow) -> Iterator[Cycle]:
    """Yield what persons promised in their messages, each until the next message; its number is the update cycle's."""
    for position, act in enumerate(row.acts):
        if isinstance(act, Contact) and act.next_at is not None and not act.void and act.next_at > act.at:
            later = row.acts[position + 1 :]
            end = next((one for one in later if isinstance(one, Closed) or _reaches_customer(one)), None)
            judged = end is not None and not isinstance(end, Closed)
            cycle = _cycle(ClockName.PROMISE, act.cycle, act.at, end, judged=judged)
            yield msgspec.structs.replace(cycle, promised_at=act.next_at)


def _next_reply(row: EscalationRow) -> Iterator[Cycle]:
    """Yield each stretch from the oldest unanswered message to the next of a person; a close ends it unjudged.

    Its number is the lowest that its messages were given, so a late one is joined to the cycle that it lengthens.
    """
    if not any(isinstance(act, Replied) or (isinstance(act, Reopened) and act.reply) for act in row.acts):
        return
    waits: tuple[int, datetime] | None = None
    closed = False
    for act in row.acts:
        closed = isinstance(act, Closed) or (closed and not isinstance(act, Reopened))
        if waits is not None and (isinstance(act, Confirmed | Closed) or _reaches_customer(act)):
            yield _cycle(ClockName.NEXT_REPLY, *waits, act, judged=_reaches_customer(act))
            waits = None
        elif isinstance(act, Replied | Reopened) and act.reply and not closed:
            waits = (act.reply, act.at) if waits is None else (min(waits[0], act.reply), waits[1])
    if waits is not None:
        yield _cycle(ClockName.NEXT_REPLY, *waits, None)

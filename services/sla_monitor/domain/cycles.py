"""Which cycles of which clock ran when, worked out from the acts in the order in which they happened."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from schemas.vocabulary import ClockName
from services.sla_monitor.domain.aftercare import preventive_action, review
from services.sla_monitor.domain.brought import promise_of, ran_at, with_brought
from services.sla_monitor.domain.epochs import Promises
from services.sla_monitor.domain.pausing import Standing, standings
from services.sla_monitor.domain.rounds import Cycle, Run, one_run
from services.sla_monitor.domain.row import (
    Absorbed,
    Accepted,
    AnyAct,
    Assigned,
    Closed,
    Confirmed,
    Contact,
    Ended,
    EscalationRow,
    Proposed,
    Rejected,
    Reopened,
    Replied,
)


def cycles_of(row: EscalationRow, promises: Promises | None = None) -> Iterator[Cycle]:
    """Yield every cycle there was or is, of each clock in the order in which they began.

    Clocks stand for what the promises of the severity in force say; without any, for what they do by default.
    """
    absorbed = tuple(act for act in row.acts if isinstance(act, Absorbed))
    yield from _acceptance(row)
    yield from with_brought(absorbed, _first_response(row))
    yield from with_brought(absorbed, _update(row, promises))
    yield from with_brought(absorbed, _resolution(row, promises))
    yield from _confirmation(row)
    yield from with_brought(absorbed, _promise(row))
    yield from with_brought(absorbed, _next_reply(row))
    yield from review(row)
    yield from preventive_action(row)


def _origin(row: EscalationRow) -> datetime:
    """Return when the first cycles begin: at the start, or with the merge that opened the escalation."""
    return next((act.at for act in row.acts if isinstance(act, Absorbed) and act.alone), row.started_at)


def _acceptance(row: EscalationRow) -> Iterator[Cycle]:
    # Who accepted by some act may press the button later: the first counts.
    accepted = {act.cycle: act for act in reversed(row.acts) if isinstance(act, Accepted)}
    for position, act in enumerate(row.acts):
        if isinstance(act, Assigned):
            later = (one for one in row.acts[position + 1 :] if isinstance(one, Assigned | Proposed | Closed | Ended))
            ends = (end for end in (accepted.get(act.cycle), next(later, None)) if end is not None)
            end = min(ends, key=lambda one: (one.at, one.version), default=None)
            judged = isinstance(end, Accepted) or (isinstance(end, Proposed) and end.by_owner)
            cycle = one_run(ClockName.ACCEPTANCE, act.cycle, act.at, end, judged=judged)
            yield msgspec.structs.replace(cycle, last_in_chain=act.last_in_chain)


def _first_response(row: EscalationRow) -> Iterator[Cycle]:
    openings = [(1, _origin(row), 0, 0)]
    begun = ((at, act) for at, act in enumerate(row.acts) if isinstance(act, Reopened | Absorbed))
    openings += [(act.opening, act.at, act.version, at + 1) for at, act in begun if act.opening]
    for opening, since, version, position in openings:
        later = (act for act in row.acts[position:] if act.at >= since)
        end = next((act for act in later if isinstance(act, Closed | Ended) or _reaches_customer(act)), None)
        judged = end is not None and not isinstance(end, Closed | Ended)
        cycle = one_run(ClockName.FIRST_RESPONSE, opening, since, end, judged=judged)
        yield msgspec.structs.replace(cycle, begun_by=version)


def _reaches_customer(act: AnyAct) -> bool:
    return isinstance(act, Contact | Proposed) and not act.void


def _update(row: EscalationRow, promises: Promises | None) -> Iterator[Cycle]:
    number, begun_by = 1, 0
    runs: tuple[Run, ...] = (Run(since=_origin(row)),)
    requested_at: datetime | None = None
    for act, standing in standings(row, ClockName.UPDATE, promises):
        if runs and _ends_update(act):
            judged = _reaches_customer(act) and not (isinstance(act, Proposed) and act.at == requested_at)
            cycle = _ended(ClockName.UPDATE, number, runs, act, judged=judged)
            yield msgspec.structs.replace(cycle, begun_by=begun_by)
            runs = ()
            if isinstance(act, Contact):
                number, begun_by, runs = act.cycle, act.version, (Run(since=act.at),)
                requested_at = act.at if act.request else requested_at
        elif not runs and isinstance(act, Rejected | Reopened):
            number, begun_by, runs = act.cycle, act.version, (Run(since=act.at),)
        runs = _moved(runs, act.at, standing)
    if runs:
        yield Cycle(clock=ClockName.UPDATE, number=number, runs=runs, begun_by=begun_by)


def _ends_update(act: AnyAct) -> bool:
    return isinstance(act, Proposed | Closed | Ended) or _reaches_customer(act)


def _resolution(row: EscalationRow, promises: Promises | None) -> Iterator[Cycle]:
    runs: tuple[Run, ...] = (Run(since=_origin(row)),)
    number, ended = 1, False
    proposed_at: datetime | None = None
    for act, standing in standings(row, ClockName.RESOLUTION, promises):
        runs = _moved(runs, act.at, standing)
        match act:
            case Reopened():
                number, ended = act.opening, False
            case Proposed():
                proposed_at = act.at
            case Confirmed() | Closed() | Ended() if not ended:
                ended = True
                cycle = _ended(ClockName.RESOLUTION, number, runs, act, judged=not isinstance(act, Ended))
                restored_at = proposed_at if isinstance(act, Confirmed) else None
                yield msgspec.structs.replace(cycle, restored_at=restored_at)
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
            end = next((one for one in later if isinstance(one, Confirmed | Rejected | Closed | Ended)), None)
            yield one_run(ClockName.CONFIRMATION, act.proposal, act.at, end)


def _promise(row: EscalationRow) -> Iterator[Cycle]:
    """Yield what persons promised in their messages, each until the next message; its number is the update cycle's.

    One that came with a merge is a cycle where none ran.
    """
    yielded: list[Cycle] = []
    for position, act in enumerate(row.acts):
        promised_at = _named_by(act)
        runs_already = isinstance(act, Absorbed) and any(ran_at(cycle, act) for cycle in yielded)
        if promised_at is not None and isinstance(act, Contact | Absorbed) and not runs_already:
            later = row.acts[position + 1 :]
            end = next((one for one in later if isinstance(one, Closed | Ended) or _reaches_customer(one)), None)
            judged = end is not None and not isinstance(end, Closed | Ended)
            cycle = one_run(ClockName.PROMISE, act.cycle, act.at, end, judged=judged)
            yielded.append(msgspec.structs.replace(cycle, promised_at=promised_at, begun_by=act.version))
    yield from yielded


def _named_by(act: AnyAct) -> datetime | None:
    """Return the time that the act promises the customer to hear again at."""
    if isinstance(act, Absorbed):
        promise = promise_of(act, ClockName.PROMISE)
        return None if promise is None else promise.due_at
    is_named = isinstance(act, Contact) and act.next_at is not None and not act.void and act.next_at > act.at
    return act.next_at if is_named and isinstance(act, Contact) else None


def _next_reply(row: EscalationRow) -> Iterator[Cycle]:
    """Yield each stretch from the oldest unanswered message to the next of a person; a close ends it unjudged.

    A merge brings the message that waited there. The number is the lowest that its messages were given, so a late one
    is joined to the cycle that it lengthens.
    """
    if not any(isinstance(act, Replied | Reopened | Absorbed) and act.reply for act in row.acts):
        return
    waits: tuple[int, datetime] | None = None
    closed = False
    for act in row.acts:
        closed = isinstance(act, Closed) or (closed and not isinstance(act, Reopened))
        if waits is not None and (isinstance(act, Confirmed | Closed | Ended) or _reaches_customer(act)):
            yield one_run(ClockName.NEXT_REPLY, *waits, act, judged=_reaches_customer(act))
            waits = None
        elif isinstance(act, Replied | Reopened | Absorbed) and act.reply and not closed:
            waits = (act.reply, act.at) if waits is None else (min(waits[0], act.reply), waits[1])
    if waits is not None:
        yield one_run(ClockName.NEXT_REPLY, *waits, None)

"""Which cycles of which clock ran when, worked out from the acts in the order in which they happened."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from schemas.vocabulary import ClockName, Severity
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
    SeverityChanged,
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


class Epoch(msgspec.Struct, frozen=True, kw_only=True):
    """From `since` on this severity's targets hold; `version` orders it among acts of that instant."""

    since: datetime
    version: int
    severity: Severity


def cycles_of(row: EscalationRow) -> Iterator[Cycle]:
    """Yield every cycle there was or is, of each clock in the order in which they began."""
    yield from _acceptance(row)
    yield from _first_response(row)
    yield from _update(row)
    yield from _resolution(row)
    yield from _confirmation(row)
    yield from _promise(row)


def epochs_of(row: EscalationRow) -> tuple[Epoch, ...]:
    """Return the severities that held, in order; the first since the start."""
    changes = (act for act in row.acts if isinstance(act, SeverityChanged))
    return (
        Epoch(since=row.started_at, version=0, severity=row.severity),
        *(Epoch(since=act.at, version=act.version, severity=act.severity) for act in changes),
    )


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


def _update(row: EscalationRow) -> Iterator[Cycle]:
    running: tuple[int, datetime] | None = (1, row.started_at)
    requested_at: datetime | None = None
    for act in row.acts:
        if running is not None and _ends_update(act):
            judged = _reaches_customer(act) and not (isinstance(act, Proposed) and act.at == requested_at)
            yield _cycle(ClockName.UPDATE, *running, act, judged=judged)
            running = None
            if isinstance(act, Contact):
                running = (act.cycle, act.at)
                requested_at = act.at if act.request else requested_at
        elif running is None and isinstance(act, Rejected | Reopened):
            running = (act.cycle, act.at)
    if running is not None:
        yield _cycle(ClockName.UPDATE, *running, None)


def _ends_update(act: AnyAct) -> bool:
    return isinstance(act, Proposed | Closed) or _reaches_customer(act)


def _resolution(row: EscalationRow) -> Iterator[Cycle]:
    runs: tuple[Run, ...] = (Run(since=row.started_at),)
    number, ended = 1, False
    for act in row.acts:
        match act:
            case Proposed():
                runs = _stopped(runs, act.at)
            case Rejected() | Reopened():
                runs = _resumed(runs, act.at)
                number, ended = (act.opening, False) if isinstance(act, Reopened) else (number, ended)
            case Confirmed() | Closed() if not ended:
                runs, ended = _stopped(runs, act.at), True
                yield Cycle(
                    clock=ClockName.RESOLUTION,
                    number=number,
                    runs=runs,
                    ended_at=act.at,
                    ended_by=act.version,
                    judged=True,
                )
            case _:
                pass
    if not ended:
        yield Cycle(clock=ClockName.RESOLUTION, number=number, runs=runs)


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

"""The pauses on record: who stopped a clock and why, from when to when, and how close to the breach it was then."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from policy.model import Policy
from policy.working_time import working_time_between
from schemas.vocabulary import ClockName
from services.sla_monitor.domain.cycles import cycles_of
from services.sla_monitor.domain.epochs import NONE_EARLIER, Held, held_to, promises_of
from services.sla_monitor.domain.measuring import Yardstick, yardstick
from services.sla_monitor.domain.pausing import Pause, Why, pauses_of
from services.sla_monitor.domain.rounds import Cycle
from services.sla_monitor.domain.row import EscalationRow

PAUSABLE = (ClockName.RESOLUTION, ClockName.UPDATE)
_NOTHING = timedelta(0)


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A pause of a cycle. `version` is that of the event it waits on, `ended_by` that of the one that ended it.

    `percent_used` and `left_seconds` say how close to the breach the clock was when it began, by the severity in force
    then; below 0 where it was broken already, null where that severity promises nothing. `until` is null, and
    `ended_by` 0, while it lasts; `by` is null where the row was written before pauses had names.
    """

    clock: ClockName
    cycle: int
    why: Why
    by: str | None
    version: int
    since: datetime
    until: datetime | None
    ended_by: int
    percent_used: float | None
    left_seconds: float | None


def ledger(
    row: EscalationRow, policy: Policy, now: datetime, earlier: Mapping[str, Policy] = NONE_EARLIER
) -> Iterator[LedgerEntry]:
    """Yield every pause that began by `now`, each once, by clock and then by time; `earlier` as in `epochs`."""
    held = held_to(row, policy, earlier)
    for clock in PAUSABLE:
        reached: datetime | None = None
        for cycle in cycles_of(row, promises_of(held)):
            if cycle.clock is clock:
                for entry in entries_of(row, held, cycle, now):
                    # A resolution goes on with the runs of the one before, so their pauses come again.
                    if reached is None or entry.since >= reached:
                        yield entry
                reached = cycle.ended_at


def entries_of(row: EscalationRow, held: tuple[Held, ...], cycle: Cycle, now: datetime) -> Iterator[LedgerEntry]:
    """Yield the pauses of one cycle that began by `now`; between its runs they leave no gap."""
    if cycle.clock not in PAUSABLE:
        return
    gaps = tuple(_gaps(cycle))
    pauses = tuple(pauses_of(row, cycle.clock, promises_of(held))) if gaps else ()
    for since, until, ended_by in gaps:
        for pause in pauses:
            entry = _clipped(pause, since, until, ended_by)
            if entry is not None and entry.since <= now:
                yield _entry(row, held, cycle, entry)


def _gaps(cycle: Cycle) -> Iterator[tuple[datetime, datetime | None, int]]:
    """Yield the stretches in which the cycle did not run, with the version of its end for the last."""
    ends = [*(run.since for run in cycle.runs[1:]), cycle.ended_at]
    for number, (run, until) in enumerate(zip(cycle.runs, ends, strict=True), start=1):
        if run.until is not None and (until is None or run.until < until):
            yield run.until, until, cycle.ended_by if number == len(cycle.runs) else 0


def _clipped(pause: Pause, since: datetime, until: datetime | None, ended_by: int) -> Pause | None:
    """Return what of the pause lies in the gap; None where nothing does."""
    begins = max(pause.since, since)
    if until is None or (pause.until is not None and pause.until <= until):
        ends, ended_by = pause.until, pause.ended_by
    else:
        ends = until
    if ends is not None and ends <= begins:
        return None
    return msgspec.structs.replace(pause, since=begins, until=ends, ended_by=ended_by)


def _entry(row: EscalationRow, held: tuple[Held, ...], cycle: Cycle, pause: Pause) -> LedgerEntry:
    act = pause.standing.act
    yard = _yard_at(row, held, cycle, pause.since)
    used = None if yard is None else _used(yard, cycle, pause.since)
    return LedgerEntry(
        clock=cycle.clock,
        cycle=cycle.number,
        why=pause.standing.why,
        by=act.by or None,
        version=act.version,
        since=pause.since,
        until=pause.until,
        ended_by=pause.ended_by,
        percent_used=None if yard is None or used is None else round(100 * (used / yard.total), 2),
        left_seconds=None if yard is None or used is None else (yard.total - used).total_seconds(),
    )


def _yard_at(row: EscalationRow, held: tuple[Held, ...], cycle: Cycle, at: datetime) -> Yardstick | None:
    first, *later = held
    in_force = next((one for one in reversed(later) if one.epoch.since <= at), first)
    return yardstick(in_force.policy, in_force.epoch.severity, cycle, row.started_at)


def _used(yard: Yardstick, cycle: Cycle, by: datetime) -> timedelta:
    ended = ((run.since, by if run.until is None else min(run.until, by)) for run in cycle.runs if run.since < by)
    return sum((working_time_between(yard.calendar, since, until) for since, until in ended), _NOTHING)

"""Breaches that were said and never were, as a late fact shows: the cycle did not exist, or ended before its time."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from schemas.sla import VerdictCorrected
from schemas.vocabulary import ClockName, Verdict
from services.sla_monitor.domain.cycles import cycles_of
from services.sla_monitor.domain.epochs import Held, promises_of
from services.sla_monitor.domain.measuring import Yardstick
from services.sla_monitor.domain.rounds import Cycle
from services.sla_monitor.domain.row import EscalationRow, OnRecord

_WHOLE = 100
_JUDGED = frozenset(
    {
        ClockName.ACCEPTANCE,
        ClockName.FIRST_RESPONSE,
        ClockName.UPDATE,
        ClockName.RESOLUTION,
        ClockName.PROMISE,
        ClockName.NEXT_REPLY,
    }
)
"""Clocks that have verdicts and whose cycles are worked out here; others may come with later releases."""


def never_due(cycle: Cycle, held: tuple[Held, ...], yards: list[Yardstick | None]) -> bool:
    """Tell whether the cycle ended before anything was due; what is due at the very end was due.

    For so an acceptance ends that was not given: the next owner is named at that instant.
    """
    if cycle.ended_at is None:
        return False
    *runs, last = cycle.runs
    if last.until == cycle.ended_at:
        last = type(last)(since=last.since, until=cycle.ended_at + timedelta.resolution)
    limits = [*(one.epoch.since for one in held[1:]), cycle.ended_at]
    for yard, limit in zip(yards, limits, strict=True):
        due_at = None if yard is None else yard.reached_at((*runs, last), _WHOLE)
        if due_at is not None and due_at <= limit:
            return False
    return True


def without_cycle(row: EscalationRow, held: tuple[Held, ...]) -> Iterator[OnRecord]:
    """Yield what is on record as broken of cycles that, as is known by now, never were."""
    broken = [one for one in row.on_record if one.verdict is Verdict.BROKEN and one.clock in _JUDGED]
    if broken:
        known = {(cycle.clock, cycle.number) for cycle in cycles_of(row, promises_of(held))}
        yield from (one for one in broken if (one.clock, one.cycle) not in known)


def withdrawn(row: EscalationRow, record: OnRecord, due_at: datetime) -> VerdictCorrected:
    """Return the correction to what is not broken, which for want of a third verdict is called kept."""
    return VerdictCorrected(
        ticket=row.ticket,
        version=row.version,
        clock=record.clock,
        cycle=record.cycle,
        previous=Verdict.BROKEN,
        verdict=Verdict.KEPT,
        due_at=due_at,
        withdrawn=True,
    )

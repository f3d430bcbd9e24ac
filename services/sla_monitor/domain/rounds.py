"""A cycle of a clock: the stretches in which it ran, and what a merge brought to it."""

from datetime import datetime

import msgspec

from schemas.vocabulary import ClockName
from services.sla_monitor.domain.row import AnyAct, TakenOver


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch in which a clock runs; `until` None where it still does."""

    since: datetime
    until: datetime | None = None


class Brought(msgspec.Struct, frozen=True, kw_only=True):
    """A promise that a merge brought while the cycle ran; None: it brought that there is none.

    `replaces`: it takes the place of the cycle's own target. Otherwise the stricter of the two holds. `opened`: it came
    with the merge that opened the escalation, so it is the escalation's own.
    """

    at: datetime
    version: int
    promise: TakenOver | None
    replaces: bool
    opened: bool = False


class Cycle(msgspec.Struct, frozen=True, kw_only=True):
    """One round of a clock; `begun_by` and `ended_by` are the versions of the acts that began and ended it.

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
    begun_by: int = 0
    restored_at: datetime | None = None
    """When what the customer confirmed, which ended it, was proposed."""
    brought: tuple[Brought, ...] = ()

    @property
    def started_at(self) -> datetime:
        """When it began."""
        return self.runs[0].since

    @property
    def is_running(self) -> bool:
        """Tell whether its clock runs now."""
        return self.runs[-1].until is None


def one_run(clock: ClockName, number: int, since: datetime, end: AnyAct | None, *, judged: bool = False) -> Cycle:
    """Return a cycle that never stood; it ends not before it began."""
    until = None if end is None else max(end.at, since)
    return Cycle(
        clock=clock,
        number=number,
        runs=(Run(since=since, until=until),),
        ended_at=until,
        ended_by=0 if end is None else end.version,
        judged=judged,
    )

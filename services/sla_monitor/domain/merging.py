"""What a merge brings: promises of the ticket that ended, of which the stricter holds (docs/adr/0021)."""

from datetime import datetime

from msgspec.structs import replace

from policy.model import Policy
from policy.working_time import working_time_between
from schemas.vocabulary import ClockName
from services.sla_monitor.domain.epochs import Epoch
from services.sla_monitor.domain.measuring import Yardstick, yardstick
from services.sla_monitor.domain.rounds import Brought, Cycle, Run
from services.sla_monitor.domain.row import TakenOver


def strictest(policy: Policy, epoch: Epoch, cycle: Cycle, escalation_started_at: datetime) -> Yardstick | None:
    """Return what the cycle is measured by in that epoch: its own target, or a promise that came with a merge before.

    What replaces the cycle's own target counts alone; of the others the one that falls due first.
    """
    found = yardstick(policy, epoch.severity, cycle, escalation_started_at)
    for brought in cycle.brought:
        if (brought.at, brought.version) > (epoch.since, epoch.version):
            continue
        theirs = None if brought.promise is None else _of_promise(policy, epoch, cycle, brought, brought.promise)
        found = theirs if brought.replaces else _first_due(found, theirs, cycle)
    return found


def _first_due(own: Yardstick | None, theirs: Yardstick | None, cycle: Cycle) -> Yardstick | None:
    measures = [one for one in (own, theirs) if one is not None]
    return min(measures, key=lambda one: one.due_at(cycle.runs), default=None)


def _of_promise(policy: Policy, epoch: Epoch, cycle: Cycle, brought: Brought, promise: TakenOver) -> Yardstick | None:
    """Return the promise as it was made, until its severity is lowered: then it counts only where it replaces."""
    began = replace(cycle, runs=(Run(since=promise.started_at),), promised_at=promise.due_at)
    if cycle.clock is not ClockName.PROMISE and promise.severity.is_above(epoch.severity):
        lowered = yardstick(policy, epoch.severity, began, promise.started_at) if brought.replaces else None
        return None if lowered is None else replace(lowered, came_at=brought.at)
    like = yardstick(policy, promise.severity, began, promise.started_at)
    calendar = None if like is None else like.calendar
    return Yardstick(
        calendar=calendar,
        started_at=promise.started_at,
        total=working_time_between(calendar, promise.started_at, promise.due_at),
        due=promise.due_at,
        came_at=brought.at,
        given=promise.percent,
    )

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
    """Return the promise as it was made, until its severity is lowered: then it counts only where it replaces.

    What opened the escalation is its own: raised since, it has the higher severity's target from the same start, too.
    """
    as_made = _as_made(policy, cycle, brought, promise)
    if cycle.clock is ClockName.PROMISE:
        return as_made
    if promise.severity.is_above(epoch.severity):
        return _anew(policy, epoch, cycle, brought, promise) if brought.replaces else None
    if brought.opened and epoch.severity.is_above(promise.severity):
        return _first_due(as_made, _anew(policy, epoch, cycle, brought, promise), cycle)
    return as_made


def _anew(policy: Policy, epoch: Epoch, cycle: Cycle, brought: Brought, promise: TakenOver) -> Yardstick | None:
    """Return the target of the severity in force from the promise's start, with what was told of the promise."""
    target = yardstick(policy, epoch.severity, _began(cycle, promise), promise.started_at)
    return None if target is None else replace(target, came_at=brought.at, given=promise.percent)


def _as_made(policy: Policy, cycle: Cycle, brought: Brought, promise: TakenOver) -> Yardstick:
    like = yardstick(policy, promise.severity, _began(cycle, promise), promise.started_at)
    calendar = None if like is None else like.calendar
    return Yardstick(
        calendar=calendar,
        started_at=promise.started_at,
        total=working_time_between(calendar, promise.started_at, promise.due_at),
        due=promise.due_at,
        came_at=brought.at,
        given=promise.percent,
    )


def _began(cycle: Cycle, promise: TakenOver) -> Cycle:
    return replace(cycle, runs=(Run(since=promise.started_at),), promised_at=promise.due_at)

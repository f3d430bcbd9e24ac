"""What there is to say of a row: thresholds passed and not given, cycles kept, verdicts that a late fact changed."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import pairwise

import msgspec

from policy.model import Policy
from schemas.sla import ClockKept, FrontLineAtRisk, SlaFinding, ThresholdReached, VerdictCorrected
from schemas.vocabulary import ClockName, Verdict
from services.sla_monitor.domain.cycles import cycles_of
from services.sla_monitor.domain.epochs import NONE_EARLIER, Held, held_to, promises_of
from services.sla_monitor.domain.measuring import Yardstick, percents_of
from services.sla_monitor.domain.merging import strictest
from services.sla_monitor.domain.rounds import Cycle
from services.sla_monitor.domain.row import AnyRow, EscalationRow, OnRecord, Promise, WatchedRow
from services.sla_monitor.domain.withdrawal import never_due, withdrawn, without_cycle

_WHOLE = 100


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something to say, not yet sealed. `key` is its identity within the escalation.

    `falls_due_at` is when it became so, None for what follows from an act alone. `again`: it is on record as
    unverified, and is repeated until it is not. `judged` is the cycle it is about, to explain it by.
    """

    key: tuple[str, ...]
    message: SlaFinding
    falls_due_at: datetime | None = None
    again: bool = False
    judged: "Judged | None" = None


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """All that is to be said at an instant, and when there will next be more (None: not by time alone).

    `promise` is the one that falls due next and is not on record as broken.
    """

    findings: tuple[Finding, ...] = ()
    next_at: datetime | None = None
    promise: Promise | None = None


class _Miss(msgspec.Struct, frozen=True, kw_only=True):
    """A cycle is broken from `at` on; it was due at `due_at`, which may lie before a change of severity or policy."""

    at: datetime
    due_at: datetime


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A cycle with all that tells how it stands at an instant; `held` is the last epoch it ran in."""

    cycle: Cycle
    yard: Yardstick | None
    held: Held
    miss: _Miss | None
    verdict: Verdict | None
    record: OnRecord
    never_due: bool = False
    """It is on record as broken, and ended, unjudged, before it was due."""

    @property
    def due_at(self) -> datetime:
        """When it falls or fell due; for a broken one, under the severity and policy that broke it."""
        if self.miss is not None:
            return self.miss.due_at
        return self.cycle.started_at if self.yard is None else self.yard.due_at(self.cycle.runs)


def is_verdict(key: tuple[str, ...]) -> bool:
    """Tell whether this is the identity of a verdict, which unlike a threshold rests on no version."""
    return key[2:3] in {("kept",), ("corrected",)}


def evaluate(row: AnyRow, policy: Policy, now: datetime, earlier: Mapping[str, Policy] = NONE_EARLIER) -> Evaluation:
    """Return what is to be said of the row at `now` that is not on record.

    Each open cycle yields only the highest threshold passed, and nothing below what was given (procedure, "Races,
    decided"); what has ended late is broken, what ended in time is kept. `policy` is that in force; `earlier` has the
    versions that were before it, by which what passed under them is judged (`pinning.pinned`).
    """
    if isinstance(row, WatchedRow):
        return _front_line(row, policy, now)
    findings: list[Finding] = []
    next_at: list[datetime] = []
    held = held_to(row, policy, earlier)
    all_judged = tuple(judged_cycles(row, held, now))
    for judged in all_judged:
        findings += _of_verdict(row, judged)
        passed, ahead = _of_thresholds(row, judged, now)
        findings += passed
        next_at += ahead
    for record in without_cycle(row, held):
        findings.append(_withdrawn(row, record, record.due_at or row.started_at))
    return Evaluation(findings=tuple(findings), next_at=min(next_at, default=None), promise=_promise(all_judged))


def _promise(all_judged: tuple[Judged, ...]) -> Promise | None:
    running = (
        Promise(clock=judged.cycle.clock, due_at=judged.due_at)
        for judged in all_judged
        if judged.cycle.is_running
        and judged.cycle.clock is not ClockName.CONFIRMATION
        and judged.yard is not None
        and judged.record.verdict is not Verdict.BROKEN
    )
    return min(running, key=lambda promise: (promise.due_at, promise.clock), default=None)


def judged_cycles(
    row: EscalationRow, all_held: tuple[Held, ...], now: datetime, *, also_lost: bool = False
) -> Iterator[Judged]:
    """Yield each cycle with how it stands; a resolution that was missed is not promised again.

    Reopened, it goes on with its used time, and with what was given of it. `also_lost` yields what goes on after a
    miss, too.
    """
    resolution_is_lost, resolution_given = False, 0
    for cycle in cycles_of(row, promises_of(all_held)):
        held = _held_during(cycle, all_held)
        yards = [strictest(one.policy, one.epoch, cycle, row.started_at) for one in held]
        record = row.record_of(cycle.clock, cycle.number)
        miss = None if cycle.clock is ClockName.CONFIRMATION else _miss(cycle, held, yards)
        verdict = _verdict(cycle, yards[-1], miss, now)
        if cycle.clock is ClockName.RESOLUTION:
            if resolution_is_lost and not also_lost:
                continue
            resolution_is_lost = Verdict.BROKEN in (verdict, record.verdict)
            record = msgspec.structs.replace(record, percent=max(record.percent, resolution_given))
            resolution_given = min(record.percent, _WHOLE - 1)
        yield Judged(
            cycle=cycle,
            yard=yards[-1],
            held=held[-1],
            miss=miss,
            verdict=verdict,
            record=record,
            never_due=record.verdict is Verdict.BROKEN and verdict is None and never_due(cycle, held, yards),
        )


def _held_during(cycle: Cycle, held: tuple[Held, ...]) -> tuple[Held, ...]:
    """Return the epochs in which the cycle ran: those begun before its end, from the one at its start.

    One that was changed again at the same instant held for no time, so nothing fell due in it.
    """
    if cycle.ended_at is not None:
        end = (cycle.ended_at, cycle.ended_by)
        held = tuple(one for one in held if (one.epoch.since, one.epoch.version) < end) or held[:1]
    held = (*(one for one, later in pairwise(held) if one.epoch.since != later.epoch.since), held[-1])
    before = sum(one.epoch.since <= cycle.started_at for one in held)
    return held[max(before - 1, 0) :]


def _miss(cycle: Cycle, held: tuple[Held, ...], yards: list[Yardstick | None]) -> _Miss | None:
    """Return the first break: a due time that passed while its targets held, or was past when they came to hold."""
    limits = [*(one.epoch.since for one in held[1:]), cycle.ended_at]
    for one, yard, limit in zip(held, yards, limits, strict=True):
        due_at = None if yard is None else yard.reached_at(cycle.runs, _WHOLE)
        if due_at is not None and (limit is None or due_at < limit):
            return _Miss(at=max(due_at, one.epoch.since), due_at=due_at)
    return None


def _verdict(cycle: Cycle, yard: Yardstick | None, miss: _Miss | None, now: datetime) -> Verdict | None:
    if miss is not None and (cycle.ended_at is not None or miss.at <= now):
        return Verdict.BROKEN
    return Verdict.KEPT if cycle.judged and miss is None and yard is not None else None


def _of_verdict(row: EscalationRow, judged: Judged) -> Iterator[Finding]:
    cycle, record, verdict = judged.cycle, judged.record, judged.verdict
    if judged.never_due:
        yield _withdrawn(row, record, judged.due_at, judged)
    if verdict is None or verdict is record.verdict:
        return
    if record.verdict is not None:
        yield _corrected(row, judged, record.verdict, verdict)
    elif verdict is Verdict.KEPT and cycle.ended_at is not None:
        yield Finding(
            key=(cycle.clock, str(cycle.number), "kept"),
            message=ClockKept(
                ticket=row.ticket,
                version=row.version,
                clock=cycle.clock,
                cycle=cycle.number,
                ended_at=cycle.ended_at,
                due_at=judged.due_at,
                restored_at=cycle.restored_at,
            ),
            judged=judged,
        )


def _corrected(row: EscalationRow, judged: Judged, previous: Verdict, verdict: Verdict) -> Finding:
    cycle = judged.cycle
    return Finding(
        key=(cycle.clock, str(cycle.number), "corrected", str(judged.record.corrections), verdict),
        message=VerdictCorrected(
            ticket=row.ticket,
            version=row.version,
            clock=cycle.clock,
            cycle=cycle.number,
            previous=previous,
            verdict=verdict,
            due_at=judged.due_at,
        ),
        judged=judged,
    )


def _withdrawn(row: EscalationRow, record: OnRecord, due_at: datetime, judged: Judged | None = None) -> Finding:
    key = (record.clock, str(record.cycle), "corrected", str(record.corrections), Verdict.KEPT)
    return Finding(key=key, message=withdrawn(row, record, due_at), judged=judged)


def _of_thresholds(row: EscalationRow, judged: Judged, now: datetime) -> tuple[list[Finding], list[datetime]]:
    """Return the highest threshold passed and not given, and the instants of those ahead."""
    given = _given(judged)
    if judged.cycle.ended_at is not None:
        unsaid = judged.miss is not None and given < _WHOLE and not _is_correction(judged, _WHOLE)
        return [_reached(row, judged, _WHOLE, judged.miss.at)] if judged.miss is not None and unsaid else [], []
    instants = list(_instants(judged, given, now))
    passed = [(percent, at) for percent, at in instants if at <= now]
    ahead = [at for _, at in instants if at > now]
    if not passed or _is_correction(judged, passed[-1][0]):
        return [], ahead
    return [_reached(row, judged, *passed[-1])], ahead


def _given(judged: Judged) -> int:
    """Return the highest share given, before a merge too; an unverified breach has yet to take effect."""
    before = 0 if judged.yard is None else judged.yard.given
    given = min(judged.record.percent, _WHOLE - 1) if judged.record.unverified else judged.record.percent
    return max(given, before)


def _is_correction(judged: Judged, percent: int) -> bool:
    """Tell whether the verdict that was said is corrected instead of a breach being said."""
    return percent >= _WHOLE and judged.record.verdict is Verdict.KEPT


def _instants(judged: Judged, given: int, now: datetime) -> Iterator[tuple[int, datetime]]:
    """Yield each threshold above `given` of an open cycle with when it is reached, in ascending order of share.

    One that a change of severity or policy put into the past is reached at the change. The first ahead is the last:
    the others lie behind it.
    """
    for percent in percents_of(judged.held.policy, judged.held.epoch.severity, judged.cycle):
        at: datetime | None = None
        if percent == _WHOLE and judged.miss is not None:
            at = judged.miss.at
        elif percent > given and judged.yard is not None:
            reached_at = judged.yard.reached_at(judged.cycle.runs, percent)
            at = None if reached_at is None else max(reached_at, judged.held.epoch.since)
        if at is None or percent <= given:
            continue
        yield percent, at
        if at > now and (judged.miss is None or judged.miss.at >= at):
            return


def _reached(row: EscalationRow, judged: Judged, percent: int, at: datetime) -> Finding:
    cycle = judged.cycle
    return Finding(
        key=(cycle.clock, str(cycle.number), "reached", str(percent)),
        message=ThresholdReached(
            ticket=row.ticket,
            version=row.version,
            clock=cycle.clock,
            cycle=cycle.number,
            percent=percent,
            reached_at=at,
            due_at=judged.due_at,
            restored_at=cycle.restored_at,
        ),
        falls_due_at=at,
        again=judged.record.unverified,
        judged=judged,
    )


def _front_line(row: WatchedRow, policy: Policy, now: datetime) -> Evaluation:
    """At risk when less than the policy's share of the ticket's own front-line SLA is left."""
    left = (row.due_at - row.started_at) * policy.criteria.front_line_fraction
    at = max(row.due_at - left, row.started_at)
    if at > now:
        return Evaluation(next_at=at)
    message = FrontLineAtRisk(ticket=row.ticket, version=row.version, reached_at=at, due_at=row.due_at)
    key = (ClockName.FRONT_LINE, row.due_at.isoformat(), "at_risk")
    return Evaluation(findings=(Finding(key=key, message=message, falls_due_at=at),))

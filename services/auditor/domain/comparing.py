"""Our reckoning beside the whole record: what it lacks, and what it contradicts, by all that is known now."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from schemas.vocabulary import ClockName, Verdict
from services.auditor.domain.case import Case, Entry
from services.auditor.domain.doubts import AUDITED, Doubt, Kind, doubt_of
from services.auditor.domain.reckoning import Reckoned, reckon
from services.auditor.domain.ruler import WHOLE, Rulers


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What a case looks like at an instant. Its doubts may heal.

    `next_at`: when time alone may change it. `running`: how many cycles of each clock run.
    """

    doubts: tuple[Doubt, ...] = ()
    next_at: datetime | None = None
    running: tuple[ClockName, ...] = ()


def standing(case: Case, rulers: Rulers, now: datetime) -> Standing:
    """Return what the whole record lacks, or contradicts, by all that is known now."""
    if case.severity is None:
        return _of_watch(case, rulers, now)
    everything = tuple(reckon(case, rulers))
    doubts = list(_of_what_never_was(case, everything))
    ahead: list[datetime] = []
    running: list[ClockName] = []
    for reckoned in _promised(case, everything, now):
        if not reckoned.is_over and reckoned.allowance is not None:
            running.append(reckoned.cycle.clock)
        record = _Record(case, reckoned)
        doubts += record.contradicts(now)
        silent, later = record.lacks(now)
        doubts += silent
        ahead += later
    return Standing(doubts=tuple(doubts), next_at=min(ahead, default=None), running=tuple(running))


def _of_watch(case: Case, rulers: Rulers, now: datetime) -> Standing:
    if case.watch is None:
        return Standing()
    at = rulers[case.rule].at_risk_at(case.watch.started_at, case.watch.due_at)
    if at > now:
        return Standing(next_at=at, running=(ClockName.FRONT_LINE,))
    silent = Doubt(clock=ClockName.FRONT_LINE, cycle=1, kind=Kind.SILENT, since=at, percent=WHOLE, reckoned=at)
    return Standing(doubts=(silent,), running=(ClockName.FRONT_LINE,))


def _promised(case: Case, everything: tuple[Reckoned, ...], now: datetime) -> Iterator[Reckoned]:
    """Yield each cycle but those of a resolution that was missed before a reopening: it is not promised again."""
    lost = False
    for reckoned in everything:
        if reckoned.cycle.clock is ClockName.RESOLUTION:
            if lost:
                continue
            lost = Verdict.BROKEN in {reckoned.verdict_at(now), _Record(case, reckoned).verdict}
        yield reckoned


def _of_what_never_was(case: Case, everything: tuple[Reckoned, ...]) -> Iterator[Doubt]:
    """Yield the breaches on record of cycles that, as is known by now, there never were."""
    known = {(one.cycle.clock, one.cycle.number) for one in everything}
    last = {(entry.clock, entry.cycle): entry for entry in case.entries if entry.verdict is not None}
    for cycle, entry in last.items():
        if entry.verdict is Verdict.BROKEN and cycle not in known and entry.clock in AUDITED:
            yield doubt_of(entry, Kind.NEVER_DUE, Verdict.BROKEN)


class _Record:
    """What is on record of one cycle."""

    def __init__(self, case: Case, reckoned: Reckoned) -> None:
        cycle = reckoned.cycle
        self._reckoned = reckoned
        self._judged: Entry | None = None
        self._given = 0 if reckoned.allowance is None else reckoned.allowance.given
        for entry in case.entries:
            if (entry.clock, entry.cycle) == (cycle.clock, cycle.number):
                self._judged = self._judged if entry.verdict is None else entry
                is_broken = entry.verdict is Verdict.BROKEN
                self._given = max(self._given, entry.percent, WHOLE if is_broken else 0)
            elif entry.clock is cycle.clock is ClockName.RESOLUTION and entry.cycle < cycle.number:
                # A reopening goes on with the used time, and with what was given of it.
                self._given = max(self._given, min(entry.percent, WHOLE - 1))

    @property
    def verdict(self) -> Verdict | None:
        """The last on record."""
        return None if self._judged is None else self._judged.verdict

    def contradicts(self, now: datetime) -> Iterator[Doubt]:
        """Yield that its verdict is the opposite of ours, or that it is broken and nothing was due."""
        reckoned, ours = self._reckoned, self._reckoned.verdict_at(now)
        if self._judged is None or ours is self._judged.verdict:
            return
        if ours is not None:
            since = reckoned.broken_at or reckoned.due_at
            yield self._doubt(Kind.VERDICT, since, recorded=self.verdict, reckoned=ours)
        elif self.verdict is Verdict.BROKEN and reckoned.is_over and not reckoned.was_due:
            yield doubt_of(self._judged, Kind.NEVER_DUE, Verdict.BROKEN)

    def lacks(self, now: datetime) -> tuple[list[Doubt], list[datetime]]:
        """Return what should be on record by now, the longest due, and the instants of what is ahead."""
        reckoned = self._reckoned
        if reckoned.is_over:
            return list(self._lacks_verdict()), []
        passed: list[tuple[datetime, int]] = []
        ahead: list[datetime] = []
        for percent in reckoned.shares:
            at = reckoned.reached_at(percent) if percent > self._given else None
            if at is not None and at > now:
                ahead.append(at)
            elif at is not None and not (percent >= WHOLE and self.verdict is Verdict.KEPT):
                passed.append((at, percent))
        if not passed:
            return [], ahead
        at, percent = min(passed)
        return [self._doubt(Kind.SILENT, at, percent=percent, reckoned=at)], ahead

    def _lacks_verdict(self) -> Iterator[Doubt]:
        reckoned = self._reckoned
        if self.verdict is not None:
            return
        if reckoned.broken_at is not None and self._given < WHOLE:
            at = reckoned.broken_at
            yield self._doubt(Kind.SILENT, at, percent=WHOLE, reckoned=at)
        elif reckoned.is_kept and reckoned.cycle.ended_at is not None:
            yield self._doubt(Kind.SILENT, reckoned.cycle.ended_at, reckoned=Verdict.KEPT)

    def _doubt(
        self,
        kind: Kind,
        since: datetime,
        *,
        percent: int = 0,
        recorded: Verdict | None = None,
        reckoned: datetime | Verdict | None = None,
    ) -> Doubt:
        cycle = self._reckoned.cycle
        return Doubt(
            clock=cycle.clock,
            cycle=cycle.number,
            kind=kind,
            since=since,
            percent=percent,
            recorded=recorded,
            reckoned=reckoned,
        )

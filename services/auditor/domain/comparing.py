"""Our reckoning beside the router's record: where they disagree, and what should have been said and was not."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from schemas.vocabulary import ClockName, Verdict
from services.auditor.domain.case import NOTHING_FURTHER, Case, Entry
from services.auditor.domain.reckoning import Reckoned, reckon, reckon_one
from services.auditor.domain.ruler import WHOLE, Rulers

_SLACK = timedelta(seconds=1)
"""How far two instants may lie apart and be the same."""

AUDITED = frozenset(
    {
        *(ClockName.ACCEPTANCE, ClockName.FIRST_RESPONSE, ClockName.UPDATE, ClockName.RESOLUTION),
        *(ClockName.CONFIRMATION, ClockName.FRONT_LINE, ClockName.PROMISE, ClockName.NEXT_REPLY),
        *(ClockName.REVIEW, ClockName.PREVENTIVE_ACTION),
    }
)
"""The clocks that are recomputed here."""


class Kind(StrEnum):
    """What is wrong."""

    SILENT = "silent"
    """Something is due and not on record."""
    DUE_AT = "due_at"
    """The promise on record falls due at another time."""
    EARLY = "early"
    """It was put on record before its time had come."""
    VERDICT = "verdict"
    """Kept on record and broken by our reckoning, or the other way round."""
    NEVER_DUE = "never_due"
    """Broken on record, and nothing was due, as is known by now; it is not taken back."""
    NO_CYCLE = "no_cycle"
    """There is no such cycle."""
    THRESHOLD = "threshold"
    """The policy says nothing at that share, or the cycle was over."""
    REPEATED = "repeated"
    """It is on record twice."""


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is wrong, or not yet right. `since` is business time: when it was due, or put on record.

    `version` tells entries apart; 0 where the whole record of the cycle is meant.
    """

    clock: ClockName
    cycle: int
    kind: Kind
    since: datetime
    version: int = 0
    percent: int = 0
    recorded: datetime | Verdict | None = None
    reckoned: datetime | Verdict | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What a case looks like at an instant. `entries_doubted` will never heal, the other doubts may.

    `next_at`: when time alone may change it. `running`: how many cycles of each clock run.
    """

    entries_doubted: tuple[Doubt, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    next_at: datetime | None = None
    running: tuple[ClockName, ...] = ()


def doubts_of_entries(case: Case, rulers: Rulers, judged: int) -> Iterator[Doubt]:
    """Yield what is wrong with the entries after the first `judged`, each by what was known when it was made."""
    if case.at_risk and judged == 0:
        yield from _of_opening(case, rulers)
    said = {_identity(entry) for entry in case.entries[:judged]}
    for entry in case.entries[judged:]:
        if entry.clock not in AUDITED:
            continue
        if entry.previous is None and _identity(entry) in said:
            yield _doubt(entry, Kind.REPEATED)
        said.add(_identity(entry))
        yield from _of_verdict(case, rulers, entry) if _is_verdict(entry) else _of_threshold(case, rulers, entry)


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


def _of_opening(case: Case, rulers: Rulers) -> Iterator[Doubt]:
    if case.watch is None:
        return
    at = rulers[case.rule].at_risk_at(case.watch.started_at, case.watch.due_at)
    if abs(case.started_at - at) > _SLACK:
        kind = Kind.EARLY if case.started_at < at else Kind.DUE_AT
        yield Doubt(
            clock=ClockName.FRONT_LINE,
            cycle=1,
            kind=kind,
            since=case.started_at,
            recorded=case.started_at,
            reckoned=at,
        )


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
            yield _doubt(entry, Kind.NEVER_DUE, Verdict.BROKEN)


class _Record:
    """What is on record of one cycle."""

    def __init__(self, case: Case, reckoned: Reckoned) -> None:
        cycle = reckoned.cycle
        self._reckoned = reckoned
        self._judged: Entry | None = None
        self._given = 0
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
            yield _doubt(self._judged, Kind.NEVER_DUE, Verdict.BROKEN)

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


def _is_verdict(entry: Entry) -> bool:
    return entry.verdict is Verdict.KEPT or entry.previous is not None


def _identity(entry: Entry) -> tuple[object, ...]:
    return entry.clock, entry.cycle, entry.percent, entry.verdict, entry.unverified


def _cycle_of(case: Case, rulers: Rulers, entry: Entry, version: int) -> Reckoned | None:
    """Return the cycle the entry is about, by what was known then."""
    return reckon_one(case, rulers, version, entry.clock, entry.cycle)


def _of_threshold(case: Case, rulers: Rulers, entry: Entry) -> Iterator[Doubt]:
    """Yield what is wrong with a reminder, warning or breach: it was made of all that was known of clocks then."""
    reckoned = _cycle_of(case, rulers, entry, entry.version)
    if reckoned is None or (reckoned.allowance is None and reckoned.broken_at is None):
        yield _doubt(entry, Kind.NO_CYCLE)
        return
    if entry.due_at is not None and abs(entry.due_at - reckoned.due_at) > _SLACK:
        yield _doubt(entry, Kind.DUE_AT, entry.due_at, reckoned.due_at)
        return
    percent = reckoned.shares[-1] if entry.percent == NOTHING_FURTHER else entry.percent
    if reckoned.is_over and percent == WHOLE and reckoned.broken_at is None:
        yield _doubt(entry, Kind.VERDICT, entry.verdict, Verdict.KEPT if reckoned.is_kept else None)
    elif percent not in reckoned.shares or (reckoned.is_over and percent != WHOLE):
        yield _doubt(entry, Kind.THRESHOLD)
    else:
        at = reckoned.reached_at(percent)
        if at is None or entry.at < at - _SLACK:
            yield _doubt(entry, Kind.EARLY, entry.at, at)


def _of_verdict(case: Case, rulers: Rulers, entry: Entry) -> Iterator[Doubt]:
    """Yield what is wrong with a verdict; it may rest on what was known a little earlier, so try that, too.

    A correction rests on the verdict that it corrects.
    """
    versions = {fact.version for fact in case.facts} | {fact.void_from for fact in case.facts}
    least = 0 if entry.previous is None else _corrected_by(case, entry)
    known = [entry.version, *sorted((one for one in versions if least < one < entry.version), reverse=True)]
    wrong: Doubt | None = None
    for version in known:
        doubt = _doubt_of_verdict(_cycle_of(case, rulers, entry, version), entry)
        if doubt is None:
            return
        wrong = wrong or doubt
    if wrong is not None:
        yield wrong


def _corrected_by(case: Case, entry: Entry) -> int:
    """Return the version of the verdict that an entry corrects; 0 where there is none."""
    before = (one for one in case.entries if one.version < entry.version and one.verdict is not None)
    return max((one.version for one in before if (one.clock, one.cycle) == (entry.clock, entry.cycle)), default=0)


def _doubt_of_verdict(reckoned: Reckoned | None, entry: Entry) -> Doubt | None:
    ours = None if reckoned is None else reckoned.verdict_at(entry.at + _SLACK)
    if entry.withdrawn:
        is_right = reckoned is None or (reckoned.is_over and not reckoned.was_due)
        return None if is_right else _doubt(entry, Kind.VERDICT, entry.verdict, ours)
    if reckoned is None:
        return _doubt(entry, Kind.NO_CYCLE)
    if ours is not entry.verdict:
        return _doubt(entry, Kind.VERDICT, entry.verdict, ours)
    if entry.due_at is not None and abs(entry.due_at - reckoned.due_at) > _SLACK:
        return _doubt(entry, Kind.DUE_AT, entry.due_at, reckoned.due_at)
    return None


def _doubt(
    entry: Entry, kind: Kind, recorded: datetime | Verdict | None = None, reckoned: datetime | Verdict | None = None
) -> Doubt:
    return Doubt(
        clock=entry.clock,
        cycle=entry.cycle,
        kind=kind,
        since=entry.at,
        version=entry.version,
        percent=entry.percent,
        recorded=recorded,
        reckoned=reckoned,
    )

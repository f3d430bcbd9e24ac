"""Each entry of the record beside what our reckoning was when it was made."""

from collections.abc import Iterator
from datetime import timedelta

from schemas.vocabulary import ClockName, Verdict
from services.auditor.domain.case import NOTHING_FURTHER, Case, Entry
from services.auditor.domain.doubts import AUDITED, Doubt, Kind, doubt_of
from services.auditor.domain.reckoning import Reckoned, reckon_one
from services.auditor.domain.ruler import WHOLE, Rulers

_SLACK = timedelta(seconds=1)
"""How far two instants may lie apart and be the same."""


def doubts_of_entries(case: Case, rulers: Rulers, judged: int) -> Iterator[Doubt]:
    """Yield what is wrong with the entries after the first `judged`, each by what was known when it was made."""
    if case.at_risk and judged == 0:
        yield from _of_opening(case, rulers)
    said = {_identity(entry) for entry in case.entries[:judged]}
    for entry in case.entries[judged:]:
        if entry.clock not in AUDITED:
            continue
        if entry.previous is None and _identity(entry) in said:
            yield doubt_of(entry, Kind.REPEATED)
        said.add(_identity(entry))
        yield from _of_verdict(case, rulers, entry) if _is_verdict(entry) else _of_threshold(case, rulers, entry)


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
        yield doubt_of(entry, Kind.NO_CYCLE)
        return
    if entry.due_at is not None and abs(entry.due_at - reckoned.due_at) > _SLACK:
        yield doubt_of(entry, Kind.DUE_AT, entry.due_at, reckoned.due_at)
        return
    percent = reckoned.shares[-1] if entry.percent == NOTHING_FURTHER else entry.percent
    if reckoned.is_over and percent == WHOLE and reckoned.broken_at is None:
        yield doubt_of(entry, Kind.VERDICT, entry.verdict, Verdict.KEPT if reckoned.is_kept else None)
    elif percent not in reckoned.shares or (reckoned.is_over and percent != WHOLE):
        yield doubt_of(entry, Kind.THRESHOLD)
    elif reckoned.allowance is not None and percent <= reckoned.allowance.given:
        yield doubt_of(entry, Kind.REPEATED)
    else:
        at = reckoned.reached_at(percent)
        if at is None or entry.at < at - _SLACK:
            yield doubt_of(entry, Kind.EARLY, entry.at, at)


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
        return None if is_right else doubt_of(entry, Kind.VERDICT, entry.verdict, ours)
    if reckoned is None:
        return doubt_of(entry, Kind.NO_CYCLE)
    if ours is not entry.verdict:
        return doubt_of(entry, Kind.VERDICT, entry.verdict, ours)
    if entry.due_at is not None and abs(entry.due_at - reckoned.due_at) > _SLACK:
        return doubt_of(entry, Kind.DUE_AT, entry.due_at, reckoned.due_at)
    return None

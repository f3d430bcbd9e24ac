"""How each cycle of a case stands by our own reckoning, as far as was known before some event."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise

import msgspec

from schemas.vocabulary import ClockName, Severity, Verdict
from services.auditor.domain.aftercare import unended_after
from services.auditor.domain.case import Case, Happening, Rule
from services.auditor.domain.machines import cycles_known
from services.auditor.domain.rounds import Cycle
from services.auditor.domain.ruler import WHOLE, Allowance, Ruler, Rulers

EVERYTHING_KNOWN = 2**62
_BEGINS_A_REIGN = frozenset({Happening.SEVERITY, Happening.ADOPTED, Happening.ABSORBED})


class Reign(msgspec.Struct, frozen=True, kw_only=True):
    """A severity and a rule, and from when both hold; a merge begins one, too.

    `version` orders it among what happened at that instant.
    """

    since: datetime
    version: int
    severity: Severity
    rule: Rule


class Reckoned(msgspec.Struct, frozen=True, kw_only=True):
    """A cycle and how it stands. `broken_at`: from when it counts, or will count, as broken.

    `was_due`: something was due of it before it ended, or at that very instant.
    """

    cycle: Cycle
    reign: Reign
    allowance: Allowance | None
    due_at: datetime
    broken_at: datetime | None
    shares: tuple[int, ...]
    was_due: bool

    @property
    def is_over(self) -> bool:
        """Tell whether it has ended."""
        return self.cycle.ended_at is not None

    @property
    def is_kept(self) -> bool:
        """Tell whether the act that was promised came in time."""
        return self.cycle.answered and self.broken_at is None and self.allowance is not None

    def verdict_at(self, now: datetime) -> Verdict | None:
        """Return how it ended or, while it runs, whether it is broken by then."""
        if self.broken_at is not None and (self.is_over or self.broken_at <= now):
            return Verdict.BROKEN
        return Verdict.KEPT if self.is_kept else None

    def reached_at(self, percent: int) -> datetime | None:
        """Return when that share counts as reached: not before the reign began; None where the clock stands first."""
        if percent == WHOLE and self.broken_at is not None:
            return self.broken_at
        if self.allowance is None:
            return None
        at, _ = self.allowance.used_up(self.cycle, percent)
        return None if at is None else max(at, self.reign.since)


def reckon(case: Case, rulers: Rulers, version: int = EVERYTHING_KNOWN) -> Iterator[Reckoned]:
    """Yield every cycle there was or is, by what was known before the event of that version."""
    reigns = _reigns(case, version)
    for cycle in _cycles(case, rulers, version):
        yield _reckoned(case, rulers, cycle, _during(cycle, reigns))


def reckon_one(case: Case, rulers: Rulers, version: int, clock: ClockName, number: int) -> Reckoned | None:
    """Return one cycle as `reckon` would; None where there was none."""
    for cycle in _cycles(case, rulers, version):
        if cycle.clock is clock and cycle.number == number:
            return _reckoned(case, rulers, cycle, _during(cycle, _reigns(case, version)))
    return None


def goes_on_after_the_close(case: Case, rulers: Rulers) -> bool:
    """Tell whether a review that is promised, or a preventive action, is still to come."""
    last = _reigns(case, EVERYTHING_KNOWN)[-1]
    return any(rulers[last.rule].promises(cycle, last.severity) for cycle in unended_after(case.facts))


def _cycles(case: Case, rulers: Rulers, version: int) -> list[Cycle]:
    return cycles_known(case, version, lambda rule, severity: rulers[rule].pauses(severity))


def _reigns(case: Case, version: int) -> list[Reign]:
    assert case.severity is not None  # noqa: S101  only escalations are reckoned
    reigns = [Reign(since=case.started_at, version=0, severity=case.severity, rule=case.rule)]
    for fact in case.facts:
        if fact.version < version and fact.what in _BEGINS_A_REIGN:
            last = reigns[-1]
            severity, rule = fact.severity or last.severity, fact.rule or last.rule
            reigns.append(Reign(since=fact.at, version=fact.version, severity=severity, rule=rule))
    return reigns


def _during(cycle: Cycle, reigns: list[Reign]) -> list[Reign]:
    """Return the reign under which the cycle began, and those that began while it went on.

    One that was over at the instant it began counts for nothing.
    """
    current, later = reigns[0], list[Reign]()
    for reign in reigns[1:]:
        if cycle.ended_at is not None and (reign.since, reign.version) >= (cycle.ended_at, cycle.ended_by):
            break
        if reign.since <= cycle.started_at:
            current = reign
        else:
            later.append(reign)
    lasting = [one for one, after in pairwise((current, *later)) if one.since != after.since]
    return [*lasting, (current, *later)[-1]]


def _reckoned(case: Case, rulers: Rulers, cycle: Cycle, reigns: list[Reign]) -> Reckoned:
    """Find the first reign under which it broke: it fell due before that ended, or was overdue when it began."""
    due_at, broken_at, allowance, was_due = cycle.started_at, None, None, False
    ends = [*(reign.since for reign in reigns[1:]), cycle.ended_at]
    for reign, end in zip(reigns, ends, strict=True):
        allowance = _strictest(case, rulers[reign.rule], cycle, reign)
        if broken_at is not None or allowance is None:
            continue
        at, due_at = allowance.used_up(cycle, WHOLE)
        was_due = was_due or _is_due_by(end, cycle, at, due_at)
        if at is not None and (end is None or at < end) and cycle.clock is not ClockName.CONFIRMATION:
            broken_at = max(at, reign.since)
    return Reckoned(
        cycle=cycle,
        reign=reigns[-1],
        allowance=allowance,
        due_at=due_at.astimezone(UTC),
        broken_at=broken_at,
        shares=rulers[reigns[-1].rule].shares(cycle, reigns[-1].severity),
        was_due=was_due,
    )


def _strictest(case: Case, ruler: Ruler, cycle: Cycle, reign: Reign) -> Allowance | None:
    """Return what falls due first of what the policy promises and of what merges have brought by then."""
    found = ruler.allowance(cycle, reign.severity, case.started_at)
    for brought in cycle.brought:
        if (brought.at, brought.version) <= (reign.since, reign.version):
            theirs = ruler.handed_on(cycle, brought, reign.severity)
            promised = theirs if brought.replaces or found is None else [found, *theirs]
            found = min(promised, key=lambda one: one.used_up(cycle, WHOLE)[1], default=None)
    return found


def _is_due_by(end: datetime | None, cycle: Cycle, at: datetime | None, if_it_went_on: datetime) -> bool:
    """Tell whether the time was up by the end of a reign, or of the cycle, or then."""
    if end is None:
        return at is not None
    if at is None and cycle.ran[-1][1] == cycle.ended_at == if_it_went_on:
        at = if_it_went_on
    return at is not None and at <= end

"""Why each clock of an escalation stands where it does: its stretches, its sum, and one plain sentence."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

import msgspec

from policy.calendars import Calendar
from policy.model import Policy
from policy.targets import SeverityPolicy
from policy.time_zones import zone_of
from policy.working_time import open_between
from schemas.explanation import MOST_SEGMENTS, ClockExplanation, ClockSegment
from schemas.vocabulary import ClockName, Severity, Verdict
from services.sla_monitor.domain.epochs import NONE_EARLIER, Held, held_to
from services.sla_monitor.domain.evaluation import Judged, judged_cycles
from services.sla_monitor.domain.ledger import LedgerEntry, entries_of
from services.sla_monitor.domain.measuring import Yardstick
from services.sla_monitor.domain.pausing import Why
from services.sla_monitor.domain.rounds import Cycle, Run
from services.sla_monitor.domain.row import Ended, EscalationRow

_NOTHING = timedelta(0)
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DIGITS = tuple(f"{number:02}" for number in range(60))


class Stretch(StrEnum):
    """What a clock does in a stretch of time."""

    RAN = "ran"
    CLOSED = "closed"
    """It is not working time in its calendar."""
    PAUSED = "paused"
    """It stands; `Segment.why` says for what."""


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a clock; `version` is that of the event that paused it, 0 where none did; `by` whose that was."""

    what: Stretch
    since: datetime
    until: datetime
    version: int = 0
    why: Why | None = None
    by: str | None = None

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.until - self.since


class ClockExplained(msgspec.Struct, frozen=True, kw_only=True):
    """A cycle of a clock as it stands. Times are UTC, amounts seconds of working time of `calendar` (None: 24x7).

    `used_seconds` goes on after a breach, until the cycle ends. `due_at` of a broken cycle is under the severity and
    policy that broke it.
    """

    clock: ClockName
    cycle: int
    severity: Severity
    policy_version: str
    calendar: str | None
    target: str
    target_seconds: float
    used_seconds: float
    started_at: datetime
    ended_at: datetime | None
    due_at: datetime
    verdict: Verdict | None
    segments: tuple[Segment, ...]
    sentence: str
    pauses: tuple[LedgerEntry, ...] = ()
    ended_because: str | None = None
    came_at: datetime | None = None
    """When it came with a merge; it had run elsewhere until then."""
    restored_at: datetime | None = None
    """Of a resolution that the customer confirmed: when it was proposed."""


class _Standing(NamedTuple):
    """How a cycle stands, from which all that is told of it is made."""

    judged: Judged
    started_at: datetime
    came_at: datetime | None
    target: str
    total: timedelta
    used: timedelta
    paused: timedelta
    due_at: datetime
    calendar: str | None
    zone: tzinfo
    pauses: tuple[LedgerEntry, ...]
    segments: tuple[Segment, ...]


def explain(
    row: EscalationRow,
    policy: Policy,
    now: datetime,
    earlier: Mapping[str, Policy] = NONE_EARLIER,
    *,
    ended_because: str | None = None,
) -> Iterator[ClockExplained]:
    """Yield every cycle that is measured, in the order of `cycles_of`, as it stands at `now`.

    `policy` is that in force, `earlier` as for `evaluate`. `ended_because` is why those ended that the end of the whole
    escalation ended.
    """
    held = held_to(row, policy, earlier)
    for judged in judged_cycles(row, held, now, also_lost=True):
        if judged.yard is not None and judged.cycle.started_at <= now:
            explained = _explained(_standing(row, held, judged, judged.yard, now))
            is_cut_off = ended_because is not None and _is_cut_off(row, judged.cycle)
            yield _with_reason(explained, ended_because or "") if is_cut_off else explained


def _is_cut_off(row: EscalationRow, cycle: Cycle) -> bool:
    return any(isinstance(act, Ended) and act.version == cycle.ended_by for act in row.acts)


def _with_reason(explained: ClockExplained, reason: str) -> ClockExplained:
    return msgspec.structs.replace(explained, sentence=f"{explained.sentence}, ended: {reason}", ended_because=reason)


def explanation_of(
    row: EscalationRow, held: tuple[Held, ...], judged: Judged, now: datetime
) -> ClockExplanation | None:
    """Return how a cycle stands at `now` as events carry it, of bounded size; None where nothing measures it."""
    if judged.yard is None:
        return None
    stands = _standing(row, held, judged, judged.yard, now)
    return ClockExplanation(
        sentence=_sentence(stands),
        target=stands.target,
        target_seconds=stands.total.total_seconds(),
        used_seconds=stands.used.total_seconds(),
        calendar=stands.calendar,
        policy_version=judged.held.epoch.policy_version,
        segments=_bounded(stands.segments),
    )


def _bounded(segments: tuple[Segment, ...]) -> tuple[ClockSegment, ...]:
    """Sum up what ran between two pauses where there are too many; then what is earliest, pauses and all."""
    told = [_told(one) for one in segments]
    if len(told) > MOST_SEGMENTS:
        pauses = groupby(told, key=lambda one: one.what == Stretch.PAUSED)
        told = [each for is_pause, run in pauses for each in (run if is_pause else (_summed(list(run)),))]
    if len(told) > MOST_SEGMENTS:
        told = [_summed(told[: 1 - MOST_SEGMENTS]), *told[1 - MOST_SEGMENTS :]]
    return tuple(told)


def _told(one: Segment) -> ClockSegment:
    return ClockSegment(
        what=one.what.value,
        since=one.since,
        until=one.until,
        seconds=one.length.total_seconds(),
        version=one.version,
        why=None if one.why is None else one.why.value,
        by=one.by,
    )


def _summed(segments: list[ClockSegment]) -> ClockSegment:
    if len(segments) == 1:
        return segments[0]
    ran = sum(one.seconds for one in segments if one.what == Stretch.RAN)
    return ClockSegment(what=Stretch.RAN.value, since=segments[0].since, until=segments[-1].until, seconds=ran)


def _standing(row: EscalationRow, held: tuple[Held, ...], judged: Judged, yard: Yardstick, now: datetime) -> _Standing:
    runs = yard.counted(judged.cycle.runs)
    pauses = tuple(_since(yard.came_at, entries_of(row, held, judged.cycle, now)))
    segments = tuple(_segments(runs, pauses, yard.calendar, now))
    used, paused = _sums(segments)
    return _Standing(
        judged=judged,
        started_at=runs[0].since,
        came_at=yard.came_at,
        target=yard.days.words if yard.days is not None else duration_words(yard.total),
        total=yard.total,
        used=used,
        paused=paused,
        due_at=judged.due_at,
        calendar=None if yard.calendar is None else _promises(judged).calendar,
        zone=UTC if yard.calendar is None else zone_of(yard.calendar.time_zone),
        pauses=pauses,
        segments=segments,
    )


def _promises(judged: Judged) -> SeverityPolicy:
    return judged.held.policy.severities[judged.held.epoch.severity]


def _explained(stands: _Standing) -> ClockExplained:
    judged = stands.judged
    return ClockExplained(
        clock=judged.cycle.clock,
        cycle=judged.cycle.number,
        severity=judged.held.epoch.severity,
        policy_version=judged.held.epoch.policy_version,
        calendar=stands.calendar,
        target=stands.target,
        target_seconds=stands.total.total_seconds(),
        used_seconds=stands.used.total_seconds(),
        started_at=stands.started_at,
        ended_at=judged.cycle.ended_at,
        due_at=stands.due_at,
        verdict=judged.verdict,
        segments=stands.segments,
        sentence=_sentence(stands),
        pauses=stands.pauses,
        came_at=stands.came_at,
        restored_at=judged.cycle.restored_at,
    )


def _since(came_at: datetime | None, entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
    """Yield the pauses of a clock; one that came with a merge did not stand here before."""
    for one in entries:
        if came_at is None:
            yield one
        elif one.until is None or one.until > came_at:
            yield msgspec.structs.replace(one, since=max(one.since, came_at))


def _segments(
    runs: tuple[Run, ...], pauses: tuple[LedgerEntry, ...], calendar: Calendar | None, now: datetime
) -> Iterator[Segment]:
    """Yield what ran and what stood until now, in order; the pauses fill what lies between the runs."""
    found = [_paused(one, now) for one in pauses if one.since < now]
    for run in runs:
        if run.since <= now:
            until = now if run.until is None else min(run.until, now)
            found += _stretches(calendar, run.since, until)
    yield from sorted(found, key=lambda one: one.since)


def _paused(entry: LedgerEntry, now: datetime) -> Segment:
    until = now if entry.until is None else min(entry.until, now)
    return Segment(
        what=Stretch.PAUSED,
        since=_utc(entry.since),
        until=_utc(until),
        version=entry.version,
        why=entry.why,
        by=entry.by,
    )


def _stretches(calendar: Calendar | None, since: datetime, until: datetime) -> Iterator[Segment]:
    at = _utc(since)
    for opens, closes in open_between(calendar, since, until):
        if at < opens:
            yield Segment(what=Stretch.CLOSED, since=at, until=opens)
        yield Segment(what=Stretch.RAN, since=opens, until=closes)
        at = closes
    if at < until:
        yield Segment(what=Stretch.CLOSED, since=at, until=_utc(until))


def _sums(segments: Iterable[Segment]) -> tuple[timedelta, timedelta]:
    """Return for how long it ran and for how long it was paused."""
    ran = paused = _NOTHING
    for segment in segments:
        if segment.what is Stretch.RAN:
            ran += segment.until - segment.since
        elif segment.what is Stretch.PAUSED:
            paused += segment.until - segment.since
    return ran, paused


def _sentence(told: _Standing) -> str:
    cycle = told.judged.cycle
    name = cycle.clock.replace("_", " ") + ("" if cycle.number == 1 else f" {cycle.number}")
    where = "" if told.calendar is None else f" on calendar {told.calendar}"
    paused = f" paused for {duration_words(told.paused)}," if told.paused else ""
    came = f" came with a merge {_local(told.came_at, told.zone)}," if told.came_at is not None else ""
    return (
        f"{name}: {told.target} ({told.judged.held.epoch.severity}){where} from {_local(told.started_at, told.zone)},"
        f"{came} {duration_words(told.used)} used,{paused} {_outcome(told)}"
    )


def _outcome(told: _Standing) -> str:
    cycle, verdict = told.judged.cycle, told.judged.verdict
    left = told.total - told.used
    due = _local(told.due_at, told.zone)
    ended = _ended(cycle, told.zone)
    if verdict is Verdict.BROKEN:
        over = f", {duration_words(-left)} over" if left < _NOTHING else ""
        return f"broken: was due {due}, {ended}{over}"
    if verdict is Verdict.KEPT:
        return f"kept: {ended} with {duration_words(left)} left, was due {due}"
    if cycle.ended_at is not None:
        return f"{ended} without a verdict"
    return f"due {due}, {duration_words(left)} left" if cycle.is_running else f"stands with {duration_words(left)} left"


def _ended(cycle: Cycle, zone: tzinfo) -> str:
    if cycle.ended_at is None:
        return "still open"
    if cycle.restored_at is not None:
        return f"restored {_local(cycle.restored_at, zone)}, confirmed {_local(cycle.ended_at, zone)}"
    return f"ended {_local(cycle.ended_at, zone)}"


def duration_words(amount: timedelta) -> str:
    """Return an amount of time in hours, minutes and seconds, e.g. `26 h 5 min`; a part of a second is dropped."""
    minutes, seconds = divmod(int(amount.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    words = f"{hours} h" if hours else ""
    words += f" {minutes} min" if minutes else ""
    words += f" {seconds} s" if seconds else ""
    return words.lstrip() or "0 s"


def _local(instant: datetime, zone: tzinfo) -> str:
    """Return `Tue 2026-06-02 08:31:00 UTC`, put together by hand: each finding tells two or three instants."""
    at, two = instant.astimezone(zone), _DIGITS
    day = f"{_WEEKDAYS[at.weekday()]} {at.year}-{two[at.month]}-{two[at.day]}"
    return f"{day} {two[at.hour]}:{two[at.minute]}:{two[at.second]} {at.tzname()}"


def _utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)

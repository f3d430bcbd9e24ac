"""Why each clock of an escalation stands where it does: its stretches, its sum, and one plain sentence."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

import msgspec

from policy.calendars import Calendar
from policy.model import Policy
from policy.time_zones import zone_of
from policy.working_time import open_between
from schemas.vocabulary import ClockName, Severity, Verdict
from services.sla_monitor.domain.cycles import Cycle
from services.sla_monitor.domain.epochs import NONE_EARLIER, held_to
from services.sla_monitor.domain.evaluation import Judged, judged_cycles
from services.sla_monitor.domain.ledger import LedgerEntry, entries_of
from services.sla_monitor.domain.measuring import Yardstick
from services.sla_monitor.domain.pausing import Why
from services.sla_monitor.domain.row import EscalationRow

_NOTHING = timedelta(0)


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


def explain(
    row: EscalationRow, policy: Policy, now: datetime, earlier: Mapping[str, Policy] = NONE_EARLIER
) -> Iterator[ClockExplained]:
    """Yield every cycle that is measured, in the order of `cycles_of`, as it stands at `now`.

    `policy` is that in force, `earlier` as for `evaluate`.
    """
    held = held_to(row, policy, earlier)
    for judged in judged_cycles(row, held, now):
        if judged.yard is not None and judged.cycle.started_at <= now:
            pauses = tuple(entries_of(row, held, judged.cycle, now))
            yield _explained(judged, judged.yard, pauses, now)


def _explained(judged: Judged, yard: Yardstick, pauses: tuple[LedgerEntry, ...], now: datetime) -> ClockExplained:
    cycle, epoch = judged.cycle, judged.held.epoch
    segments = tuple(_segments(cycle, pauses, yard.calendar, now))
    used = _sum(segments, Stretch.RAN)
    explained = ClockExplained(
        clock=cycle.clock,
        cycle=cycle.number,
        severity=epoch.severity,
        policy_version=epoch.policy_version,
        calendar=judged.held.policy.severities[epoch.severity].calendar if yard.calendar is not None else None,
        target=yard.days.words if yard.days is not None else duration_words(yard.total),
        target_seconds=yard.total.total_seconds(),
        used_seconds=used.total_seconds(),
        started_at=cycle.started_at,
        ended_at=cycle.ended_at,
        due_at=judged.due_at,
        verdict=judged.verdict,
        segments=segments,
        sentence="",
        pauses=pauses,
    )
    zone = zone_of("UTC" if yard.calendar is None else yard.calendar.time_zone)
    return msgspec.structs.replace(explained, sentence=_sentence(explained, is_running=cycle.is_running, zone=zone))


def _segments(
    cycle: Cycle, pauses: tuple[LedgerEntry, ...], calendar: Calendar | None, now: datetime
) -> Iterator[Segment]:
    """Yield what ran and what stood until now, in order; the pauses fill what lies between the runs."""
    found = [_paused(one, now) for one in pauses if one.since < now]
    for run in cycle.runs:
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


def _sum(segments: tuple[Segment, ...], what: Stretch) -> timedelta:
    return sum((segment.length for segment in segments if segment.what is what), _NOTHING)


def _sentence(told: ClockExplained, *, is_running: bool, zone: ZoneInfo) -> str:
    name = told.clock.replace("_", " ") + ("" if told.cycle == 1 else f" {told.cycle}")
    where = "" if told.calendar is None else f" on calendar {told.calendar}"
    paused = _sum(told.segments, Stretch.PAUSED)
    parts = [
        f"{name}: {told.target} ({told.severity}){where} from {_local(told.started_at, zone)}",
        f"{duration_words(timedelta(seconds=told.used_seconds))} used",
        *([f"paused for {duration_words(paused)}"] if paused else []),
        _outcome(told, is_running=is_running, zone=zone),
    ]
    return ", ".join(parts)


def _outcome(told: ClockExplained, *, is_running: bool, zone: ZoneInfo) -> str:
    left = timedelta(seconds=told.target_seconds - told.used_seconds)
    due = _local(told.due_at, zone)
    ended = "still open" if told.ended_at is None else f"ended {_local(told.ended_at, zone)}"
    if told.verdict is Verdict.BROKEN:
        over = f", {duration_words(-left)} over" if left < _NOTHING else ""
        return f"broken: was due {due}, {ended}{over}"
    if told.verdict is Verdict.KEPT:
        return f"kept: {ended} with {duration_words(left)} left, was due {due}"
    if told.ended_at is not None:
        return f"{ended} without a verdict"
    return f"due {due}, {duration_words(left)} left" if is_running else f"stands with {duration_words(left)} left"


def duration_words(amount: timedelta) -> str:
    """Return an amount of time in hours, minutes and seconds, e.g. `26 h 5 min`; a part of a second is dropped."""
    minutes, seconds = divmod(int(amount.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"


def _local(instant: datetime, zone: ZoneInfo) -> str:
    return f"{instant.astimezone(zone):%a %Y-%m-%d %H:%M:%S %Z}"


def _utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)

"""Faults seeded into the engine, one at a time: each is played through the real handlers, and the auditor names it."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from policy import business_hours, working_time
from policy.calendars import Calendar
from policy.model import Policy
from schemas import escalations as told
from schemas.sla import VerdictCorrected
from schemas.vocabulary import ClockName, Severity
from services.auditor.domain.doubts import Kind
from services.sla_monitor import handlers
from services.sla_monitor.domain import aftercare, brought, cycles, epochs, evaluation, folding, measuring, merging
from services.sla_monitor.domain.epochs import Epoch, Held, Promises
from services.sla_monitor.domain.evaluation import Evaluation, Judged
from services.sla_monitor.domain.rounds import Brought, Cycle, Run
from services.sla_monitor.domain.row import (
    Absorbed,
    Accepted,
    ActionDone,
    AnyRow,
    EscalationRow,
    Reopened,
    WatchedRow,
)
from tests.harness.auditing import STORIES, AuditedWorld

Seed = Callable[[pytest.MonkeyPatch], None]


class Fault(NamedTuple):
    """A fault, the story in which it bites, and what the auditor must say of it, among what follows from that."""

    seed: Seed
    story: str
    clock: ClockName
    kind: Kind


def _winter_time_all_year(patch: pytest.MonkeyPatch) -> None:
    def local_time(day: date, clock_time: str, zone: ZoneInfo) -> datetime:
        naive = datetime.combine(day, datetime.strptime(clock_time, "%H:%M").time())  # noqa: DTZ007
        offset = datetime(day.year, 1, 15, tzinfo=zone).utcoffset() or timedelta(0)
        return (naive - offset).replace(tzinfo=UTC)

    patch.setattr(working_time, "_laid_out", {})
    patch.setattr(business_hours, "local_time", local_time)


def _no_pauses(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(cycles, "_resumed", lambda runs, _at: (*runs[:-1], Run(since=runs[-1].since)))


def _a_change_restarts(patch: pytest.MonkeyPatch) -> None:
    def fold(row: AnyRow | None, event: told.StreamEvent) -> AnyRow | None:
        after = folding.fold(row, event)
        if isinstance(event, told.EscalationReclassified) and isinstance(after, EscalationRow):
            return replace(after, started_at=event.meta.occurred_at)
        return after

    patch.setattr(handlers, "fold", fold)


def _around_the_clock(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(measuring, "calendar_for", lambda _target, _calendar: None)


def _no_holidays(patch: pytest.MonkeyPatch) -> None:
    lay_out = business_hours._Layout.__init__

    def without(self: business_hours._Layout, calendar: Calendar) -> None:
        lay_out(self, replace(calendar, holidays=()))

    patch.setattr(working_time, "_laid_out", {})
    patch.setattr(business_hours._Layout, "__init__", without)


def _warned_at_60_percent(patch: pytest.MonkeyPatch) -> None:
    def percents(policy: Policy, severity: Severity, cycle: Cycle) -> tuple[int, ...]:
        right = measuring.percents_of(policy, severity, cycle)
        return tuple(60 if percent == 50 else percent for percent in right)

    patch.setattr(evaluation, "percents_of", percents)


def _never_broken(patch: pytest.MonkeyPatch) -> None:
    def percents(policy: Policy, severity: Severity, cycle: Cycle) -> tuple[int, ...]:
        return tuple(percent for percent in measuring.percents_of(policy, severity, cycle) if percent < 100)

    patch.setattr(evaluation, "percents_of", percents)


def _three_minutes_early(patch: pytest.MonkeyPatch) -> None:
    instants = evaluation._instants

    def early(judged: Judged, given: int, now: datetime) -> Iterator[tuple[int, datetime]]:
        return ((percent, at - timedelta(minutes=3)) for percent, at in instants(judged, given, now))

    patch.setattr(evaluation, "_instants", early)


def _at_the_due_instant_is_too_late(patch: pytest.MonkeyPatch) -> None:
    miss = evaluation._miss

    def strict(cycle: Cycle, held: tuple[Held, ...], yards: list[Any]) -> Any:
        later = cycle.ended_at if cycle.ended_at is None else cycle.ended_at + timedelta(microseconds=1)
        runs = (*cycle.runs[:-1], replace(cycle.runs[-1], until=later))
        return miss(replace(cycle, ended_at=later, runs=runs), held, yards)

    patch.setattr(evaluation, "_miss", strict)


def _the_whole_share(patch: pytest.MonkeyPatch) -> None:
    acceptance = measuring._acceptance

    def whole(policy: Policy, severity: Severity, cycle: Cycle, started_at: datetime) -> measuring.Yardstick:
        half = acceptance(policy, severity, cycle, started_at)
        return replace(half, total=half.total * 2)

    patch.setattr(measuring, "_acceptance", whole)


def _without(clock: ClockName, first: int = 1) -> Seed:
    """Have the engine forget a clock, from its cycle `first` on."""

    def seed(patch: pytest.MonkeyPatch) -> None:
        def some(row: EscalationRow, promises: Promises | None = None) -> Iterator[Cycle]:
            return (one for one in cycles.cycles_of(row, promises) if one.clock is not clock or one.number < first)

        patch.setattr(evaluation, "cycles_of", some)

    return seed


def _nothing_is_kept(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(evaluation, "_of_verdict", lambda _row, _judged: iter(()))


def _what_failed_counts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(folding, "_voided", lambda row, _event: row)


def _half_is_at_risk(patch: pytest.MonkeyPatch) -> None:
    front_line = evaluation._front_line

    def half(row: WatchedRow, policy: Policy, now: datetime) -> Evaluation:
        criteria = replace(policy.criteria, front_line_fraction=0.5)
        return front_line(row, replace(policy, criteria=criteria), now)

    patch.setattr(evaluation, "_front_line", half)


def _the_last_act_accepts(patch: pytest.MonkeyPatch) -> None:
    acceptance = cycles._acceptance

    def last(row: EscalationRow) -> Iterator[Cycle]:
        return acceptance(replace(row, acts=tuple(one for one in row.acts if not _is_first(row, one))))

    def _is_first(row: EscalationRow, act: object) -> bool:
        accepted = [one for one in row.acts if isinstance(one, Accepted)]
        return len(accepted) > 1 and act is accepted[0]

    patch.setattr(cycles, "_acceptance", last)


def _adoption_is_ignored(patch: pytest.MonkeyPatch) -> None:
    _ignored(patch, told.PolicyAdopted)


def _ignored(patch: pytest.MonkeyPatch, kind: type[told.EscalationEvent]) -> None:
    def fold(row: AnyRow | None, event: told.StreamEvent) -> AnyRow | None:
        if row is not None and isinstance(event, kind):
            return replace(row, version=folding.version_of(event))
        return folding.fold(row, event)

    patch.setattr(handlers, "fold", fold)


def _what_a_merge_brought_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    _ignored(patch, told.MergeAbsorbed)


def _of_a_merge(patch: pytest.MonkeyPatch, **changes: object) -> None:
    """Have the engine see something else in what a merge brought to a cycle."""

    def all_brought(cycle: Cycle, act: Absorbed) -> Iterator[Brought]:
        return (replace(one, **changes) for one in right(cycle, act))

    right = brought._brought
    patch.setattr(brought, "_brought", all_brought)


def _the_later_promise_holds(patch: pytest.MonkeyPatch) -> None:
    _of_a_merge(patch, replaces=True)


def _its_own_targets_hold_beside_what_opened_it(patch: pytest.MonkeyPatch) -> None:
    _of_a_merge(patch, replaces=False)


def _told_again_after_a_merge(patch: pytest.MonkeyPatch) -> None:
    def strictest(*of: Any) -> measuring.Yardstick | None:
        found = merging.strictest(*of)
        return None if found is None else replace(found, given=0)

    patch.setattr(evaluation, "strictest", strictest)


def _the_adopted_holds_from_the_start(patch: pytest.MonkeyPatch) -> None:
    def held(row: EscalationRow, policy: Policy, earlier: Mapping[str, Policy]) -> tuple[Held, ...]:
        return epochs.held_to(row, policy, dict.fromkeys(earlier, policy))

    patch.setattr(evaluation, "held_to", held)


def _the_first_calendar_stays(patch: pytest.MonkeyPatch) -> None:
    def changed(before: Epoch, act: Any) -> Epoch:
        return replace(_changed(before, act), calendar=before.calendar)

    _changed = epochs._changed
    patch.setattr(epochs, "_changed", changed)


def _a_reopening_leaves_the_review(patch: pytest.MonkeyPatch) -> None:
    def review(row: EscalationRow) -> Iterator[Cycle]:
        return aftercare.review(replace(row, acts=tuple(one for one in row.acts if not isinstance(one, Reopened))))

    patch.setattr(cycles, "review", review)


def _what_is_done_goes_on(patch: pytest.MonkeyPatch) -> None:
    def preventive_action(row: EscalationRow) -> Iterator[Cycle]:
        acts = tuple(one for one in row.acts if not isinstance(one, ActionDone))
        return aftercare.preventive_action(replace(row, acts=acts))

    patch.setattr(cycles, "preventive_action", preventive_action)


def _nothing_is_corrected(patch: pytest.MonkeyPatch) -> None:
    of_verdict = evaluation._of_verdict

    def kept(row: EscalationRow, judged: Judged) -> Iterator[evaluation.Finding]:
        return (one for one in of_verdict(row, judged) if not isinstance(one.message, VerdictCorrected))

    patch.setattr(evaluation, "_of_verdict", kept)


def _what_was_not_due_stays_broken(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(evaluation, "never_due", lambda *_: False)


def _what_never_was_stays_broken(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(evaluation, "without_cycle", lambda *_: iter(()))


def _what_ends_unjudged_is_taken_back(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(evaluation, "never_due", lambda cycle, *_: cycle.ended_at is not None)


FAULTS = {
    "daylight saving is off by an hour": Fault(
        _winter_time_all_year, "clocks/04_the_night_the_clocks_change", ClockName.FIRST_RESPONSE, Kind.DUE_AT
    ),
    "a pause is not subtracted": Fault(
        _no_pauses, "core/04_rejected_resolution_resumes", ClockName.RESOLUTION, Kind.DUE_AT
    ),
    "the closed time counts after a reopening": Fault(
        _no_pauses, "clocks/03_reopened", ClockName.RESOLUTION, Kind.DUE_AT
    ),
    "a change of severity restarts the clocks": Fault(
        _a_change_restarts, "core/06_severity_raised", ClockName.FIRST_RESPONSE, Kind.DUE_AT
    ),
    "the wrong calendar": Fault(_around_the_clock, "core/07_business_hours_and_easter", ClockName.UPDATE, Kind.DUE_AT),
    "holidays are worked": Fault(_no_holidays, "core/07_business_hours_and_easter", ClockName.UPDATE, Kind.DUE_AT),
    "warned at another percentage": Fault(
        _warned_at_60_percent, "core/03_silence_between_updates", ClockName.UPDATE, Kind.THRESHOLD
    ),
    "a breach is never said": Fault(
        _never_broken, "core/07_business_hours_and_easter", ClockName.RESOLUTION, Kind.SILENT
    ),
    "a breach is said early": Fault(
        _three_minutes_early, "core/02_nobody_accepts", ClockName.FIRST_RESPONSE, Kind.EARLY
    ),
    "an act at the due instant is too late": Fault(
        _at_the_due_instant_is_too_late, "core/08_minor_on_friday_evening", ClockName.FIRST_RESPONSE, Kind.VERDICT
    ),
    "the share for accepting is the whole": Fault(
        _the_whole_share, "core/02_nobody_accepts", ClockName.ACCEPTANCE, Kind.DUE_AT
    ),
    "an update starts no new cycle": Fault(
        _without(ClockName.UPDATE, 2), "core/03_silence_between_updates", ClockName.UPDATE, Kind.SILENT
    ),
    "nothing is called kept": Fault(
        _nothing_is_kept, "core/01_outage_accepted_in_time", ClockName.FIRST_RESPONSE, Kind.SILENT
    ),
    "a message that failed counts": Fault(
        _what_failed_counts, "own/02_a_message_that_never_arrives", ClockName.FIRST_RESPONSE, Kind.VERDICT
    ),
    "a ticket is at risk too early": Fault(
        _half_is_at_risk, "own/03_its_own_sla_runs_out", ClockName.FRONT_LINE, Kind.EARLY
    ),
    "a promise is forgotten": Fault(_without(ClockName.PROMISE), "own/08_a_promise", ClockName.PROMISE, Kind.SILENT),
    "the customer is not asked again": Fault(
        _without(ClockName.CONFIRMATION),
        "own/04_the_customer_does_not_answer",
        ClockName.CONFIRMATION,
        Kind.SILENT,
    ),
    "the last act accepts": Fault(
        _the_last_act_accepts,
        "own/09_accepted_by_an_act_and_then_by_the_button",
        ClockName.ACCEPTANCE,
        Kind.VERDICT,
    ),
    "a policy that was adopted is ignored": Fault(
        _adoption_is_ignored, "own/21_a_policy_for_what_runs", ClockName.RESOLUTION, Kind.SILENT
    ),
    "what was overdue when a policy was adopted is not said": Fault(
        _adoption_is_ignored, "own/21_a_policy_for_what_runs", ClockName.UPDATE, Kind.SILENT
    ),
    "an adopted policy judges what passed before it": Fault(
        _the_adopted_holds_from_the_start, "own/21_a_policy_for_what_runs", ClockName.UPDATE, Kind.VERDICT
    ),
    "the calendar of an adopted policy is not taken": Fault(
        _the_first_calendar_stays, "own/25_a_calendar_for_what_runs", ClockName.FIRST_RESPONSE, Kind.DUE_AT
    ),
    "a verdict that a late fact changed is not corrected": Fault(
        _nothing_is_corrected, "clocks/02_a_reply_that_arrives_late", ClockName.FIRST_RESPONSE, Kind.VERDICT
    ),
    "a breach that was never due is not taken back": Fault(
        _what_was_not_due_stays_broken, "own/24_what_late_facts_take_back", ClockName.NEXT_REPLY, Kind.NEVER_DUE
    ),
    "a breach of what never was is not taken back": Fault(
        _what_never_was_stays_broken, "own/26_an_answer_to_nothing", ClockName.NEXT_REPLY, Kind.NEVER_DUE
    ),
    "a breach at the very end is taken back": Fault(
        _what_ends_unjudged_is_taken_back, "core/02_nobody_accepts", ClockName.ACCEPTANCE, Kind.VERDICT
    ),
    "what a merge brought is forgotten": Fault(
        _what_a_merge_brought_is_forgotten,
        "own/30_merged_into_an_escalation",
        ClockName.FIRST_RESPONSE,
        Kind.DUE_AT,
    ),
    "the first response that a merged ticket waits for is not awaited": Fault(
        _what_a_merge_brought_is_forgotten,
        "own/31_a_merge_brings_an_open_question",
        ClockName.FIRST_RESPONSE,
        Kind.SILENT,
    ),
    "the time that was named in a merged ticket is forgotten": Fault(
        _what_a_merge_brought_is_forgotten,
        "own/31_a_merge_brings_an_open_question",
        ClockName.PROMISE,
        Kind.SILENT,
    ),
    "the later promise of two holds after a merge": Fault(
        _the_later_promise_holds, "own/34_merged_into_a_quiet_ticket", ClockName.RESOLUTION, Kind.SILENT
    ),
    "what had been kept before a merge is asked for again": Fault(
        _its_own_targets_hold_beside_what_opened_it,
        "own/34_merged_into_a_quiet_ticket",
        ClockName.FIRST_RESPONSE,
        Kind.NO_CYCLE,
    ),
    "what was told before a merge is told again": Fault(
        _told_again_after_a_merge, "own/34_merged_into_a_quiet_ticket", ClockName.UPDATE, Kind.REPEATED
    ),
    "a review is forgotten": Fault(
        _without(ClockName.REVIEW), "own/37_a_review_that_nobody_holds", ClockName.REVIEW, Kind.SILENT
    ),
    "a reopening does not end the review": Fault(
        _a_reopening_leaves_the_review, "own/37_a_review_that_nobody_holds", ClockName.REVIEW, Kind.THRESHOLD
    ),
    "a preventive action is forgotten": Fault(
        _without(ClockName.PREVENTIVE_ACTION),
        "own/36_so_that_it_does_not_happen_again",
        ClockName.PREVENTIVE_ACTION,
        Kind.SILENT,
    ),
    "a preventive action that is done goes on": Fault(
        _what_is_done_goes_on,
        "own/36_so_that_it_does_not_happen_again",
        ClockName.PREVENTIVE_ACTION,
        Kind.THRESHOLD,
    ),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
async def test_the_auditor_names_the_fault(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    fault.seed(monkeypatch)
    world = AuditedWorld(STORIES / f"{fault.story}.yaml")

    await world.audit()

    assert (fault.clock, fault.kind) in {(doubt.clock, doubt.kind) for doubt in world.objections}, world.objections


async def test_a_monitor_that_fires_nothing_is_heard_as_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers.PartitionWatch, "fire", lambda _self, _now, _most=None: ())
    monkeypatch.setattr(handlers.PartitionWatch, "next_due_at", lambda _self: None)
    world = AuditedWorld(STORIES / "core" / "02_nobody_accepts.yaml")

    summary = await world.audit()

    assert summary.silent == {ClockName.ACCEPTANCE: 1, ClockName.FIRST_RESPONSE: 1, ClockName.UPDATE: 1}
    assert summary.oldest_silence_at == datetime(2026, 6, 2, 2, 3, 45, tzinfo=UTC)

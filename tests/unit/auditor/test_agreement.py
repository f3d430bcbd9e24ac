"""Random lives of escalations, on random calendars: the auditor reckons to the second what the engine reckons."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from policy.calendars import Calendar
from policy.model import Policy
from policy.pauses import PauseCause, Pauses
from policy.targets import DayEnd, Measure, Target
from policy.thresholds import Threshold
from schemas import escalations as told
from schemas.context import OpenPromise
from schemas.ids import PolicyVersion
from schemas.prevention import PreventiveActionCompleted, PreventiveActionPlanned, ReviewHeld
from schemas.vocabulary import (
    ClockName,
    ContactKind,
    EscalationState,
    NoticeKind,
    PreventionKind,
    ReplyIntent,
    Severity,
    Verdict,
)
from services.auditor.domain.case import Case
from services.auditor.domain.doubts import AUDITED
from services.auditor.domain.reckoning import Reckoned, reckon
from services.auditor.domain.ruler import Ruler
from services.auditor.domain.taking_in import take_in
from services.sla_monitor.domain.epochs import held_to
from services.sla_monitor.domain.evaluation import Judged, judged_cycles
from services.sla_monitor.domain.folding import fold
from services.sla_monitor.domain.measuring import percents_of
from services.sla_monitor.domain.pinning import in_force
from services.sla_monitor.domain.row import AnyRow, EscalationRow, OnRecord
from tests.unit.policy.test_working_time import CALENDARS
from tests.unit.sla_monitor.telling import VERSION, Telling, default_policy

START = datetime.fromisoformat("2026-03-20T06:00:00Z")
SLACK = timedelta(seconds=1)
OTHERS = (PolicyVersion("v2"), PolicyVersion("v3"))
_OPEN_ENOUGH = CALENDARS.filter(lambda calendar: len([one for one in calendar.weekly.values() if one]) > 2)
_MAY_COME = (ClockName.FIRST_RESPONSE, ClockName.UPDATE, ClockName.RESOLUTION, ClockName.PROMISE, ClockName.NEXT_REPLY)
_STEPS = (timedelta(0), timedelta(minutes=7, microseconds=3), timedelta(hours=1), timedelta(hours=9), timedelta(days=2))


Act = Callable[[], told.EscalationEvent]


@dataclass
class Life:
    """Events of one escalation, each possible where it stands; some are told later than they happened."""

    chance: Random
    telling: Telling
    now: datetime
    events: list[told.EscalationEvent] = field(default_factory=list)
    openings: int = 1
    actions: int = 0
    undone: list[int] = field(default_factory=list)

    def go_on(self) -> None:
        """Let something happen."""
        self.now += self.chance.choice(_STEPS)
        self.events.append(self.chance.choice(self._possible())())

    def _possible(self) -> list[Act]:
        if self.telling.state is EscalationState.CLOSED:
            return [self._reopen, self._answer_late, self._review, *self._preventive()]
        acts: list[Act] = [
            self._inform,
            self._customer_writes,
            self._answer_late,
            self._hand_over,
            self._reclassify,
            self._accept,
            self._fail,
            self._adopt,
            self._absorb,
            *self._preventive(),
        ]
        if self.telling.state is EscalationState.RESOLUTION_PROPOSED:
            acts += [self._reject, lambda: self.telling.confirmed(self.now)]
        elif self.telling.state is EscalationState.OPEN:
            acts += [self._propose, self._propose]
        return [*acts, lambda: self.telling.closed(self.now)]

    def _preventive(self) -> list[Act]:
        return [self._plan, self._complete] if self.undone else [self._plan]

    def _inform(self) -> told.EscalationEvent:
        next_at = self.chance.choice((None, None, self.now + timedelta(hours=3)))
        informed = self.telling.informed(self.now, next_at=next_at)
        return replace(informed, question=self.chance.random() < 0.3)

    def _customer_writes(self) -> told.EscalationEvent:
        at = max(self.telling.started_at, self.now - self.chance.choice(_STEPS))
        awaits = self.chance.choice((True, True, False, None))
        return self.telling.tell(told.CustomerReplyReceived(intent=ReplyIntent.UNCLEAR, awaits_reply=awaits), at)

    def _answer_late(self) -> told.EscalationEvent:
        at = max(self.telling.started_at, self.now - self.chance.choice(_STEPS))
        return self.telling.informed(at, ContactKind.AGENT_REPLY)

    def _hand_over(self) -> told.EscalationEvent:
        return self.telling.assigned(self.now, self.chance.choice(("ana", "ben")), last=self.chance.random() < 0.3)

    def _accept(self) -> told.EscalationEvent:
        return self.telling.accepted(self.now)

    def _reclassify(self) -> told.EscalationEvent:
        return self.telling.reclassified(self.now, self.chance.choice(tuple(Severity)))

    def _adopt(self) -> told.EscalationEvent:
        calendar = self.chance.choice((None, "other"))
        return self.telling.adopted(self.now, self.chance.choice((VERSION, *OTHERS)), calendar)

    def _absorb(self) -> told.MergeAbsorbed:
        """Take in what another ticket had promised; at times as a first response that is waited for again."""
        promises = tuple(self._handed_on(clock) for clock in _MAY_COME if self.chance.random() < 0.6)
        begins_another = self.chance.random() < 0.5
        self.openings += begins_another
        opening = self.openings if begins_another else 0
        absorbed = told.MergeAbsorbed(merged="zendesk-eu/2", promises=promises, opening=opening)
        return self.telling.tell(absorbed, self.now)

    def _handed_on(self, clock: ClockName) -> OpenPromise:
        started_at = self.now - self.chance.choice(_STEPS)
        return OpenPromise(
            clock=clock,
            started_at=started_at,
            due_at=started_at + self.chance.choice(_STEPS[1:]),
            severity=self.chance.choice(tuple(Severity)),
            percent=self.chance.choice((0, 50, 90)),
        )

    def open_alone(self) -> None:
        """Have a merge open it."""
        self.events.append(replace(self._absorb(), opening=0, alone=True))

    def _review(self) -> told.EscalationEvent:
        at = max(self.telling.started_at, self.now - self.chance.choice(_STEPS))
        return self.telling.tell(ReviewHeld(by="ana", text="Held."), at)

    def _plan(self) -> told.EscalationEvent:
        self.actions += 1
        self.undone.append(self.actions)
        planned = PreventiveActionPlanned(
            by="mia",
            action=f"action-{self.actions}",
            number=self.actions,
            kind=PreventionKind.PROCESS_GAP,
            text="teach it",
            owner="ana",
            due_at=self.now + self.chance.choice(_STEPS[1:]),
        )
        return self.telling.tell(planned, self.now)

    def _complete(self) -> told.EscalationEvent:
        number = self.undone.pop()
        done = PreventiveActionCompleted(by="ana", action=f"action-{number}", number=number)
        return self.telling.tell(done, max(self.telling.started_at, self.now - self.chance.choice(_STEPS)))

    def _propose(self) -> told.EscalationEvent:
        proposed = self.telling.proposed(self.now, self.chance.choice((None, "mia")))
        self.events.append(proposed)
        return self.telling.informed(self.now, ContactKind.CONFIRMATION_REQUEST)

    def _reject(self) -> told.EscalationEvent:
        return self.telling.rejected(self.now)

    def _reopen(self) -> told.EscalationEvent:
        self.openings += 1
        self.events.append(self.telling.reopened(self.now, self.openings))
        return self.telling.assigned(self.now)

    def _fail(self) -> told.EscalationEvent:
        contacts = [event.meta.id for event in self.events if isinstance(event, told.CustomerInformed)]
        failed = told.NoticeFailed(
            notice_id="n",
            kind=NoticeKind.UPDATE,
            recipient="customer",
            contact_id=self.chance.choice([*contacts, "another"]),
            reason="bounced",
        )
        return self.telling.tell(failed, self.now)


def a_life(seed: int, length: int) -> list[told.EscalationEvent]:
    """Return the events of a life that a seed stands for."""
    chance = Random(seed)
    start = START + timedelta(minutes=chance.randrange(0, 12 * 1440))
    life = Life(chance, Telling(chance.choice(tuple(Severity))), start)
    life.events += [life.telling.opened(start), life.telling.assigned(start)]
    if chance.random() < 0.2:
        life.open_alone()
    for _ in range(length):
        life.go_on()
    return life.events


def a_policy(calendar: Calendar, ends: DayEnd) -> Policy:
    """Return the default promises on a calendar, business days ending as said, and all else that a policy can add."""
    policy = default_policy(calendar)
    promised = dict(policy.severities)
    for severity in (Severity.P3, Severity.P4):
        resolution = replace(promised[severity].resolution, ends=ends)
        promised[severity] = replace(promised[severity], resolution=resolution, review=resolution)
    promised[Severity.P3] = replace(
        promised[Severity.P3], update=Target(measure=Measure.ELAPSED, amount=5 * 3600), warnings_percent=(30, 80)
    )
    both = (PauseCause.PROPOSED_RESOLUTION, PauseCause.QUESTION)
    promised[Severity.P1] = replace(
        promised[Severity.P1],
        next_reply=Target(measure=Measure.ELAPSED, amount=3600),
        pauses=Pauses(resolution=both, update=(PauseCause.QUESTION,)),
        thresholds={ClockName.UPDATE: (Threshold(percent=40), Threshold(percent=120, every=30, at_most=2))},
    )
    promised[Severity.P4] = replace(
        promised[Severity.P4],
        next_reply=Target(measure=Measure.BUSINESS_DAYS, amount=1),
        pauses=Pauses(resolution=()),
    )
    return replace(policy, severities=promised)


def versions_of(policy: Policy, other: Calendar) -> dict[str, Policy]:
    """Return the policy, on another calendar where that is chosen, and two that promise otherwise."""
    policy = replace(policy, calendars={**policy.calendars, "other": other})
    promised = dict(policy.severities)
    promised[Severity.P1] = replace(promised[Severity.P1], update=None, pauses=Pauses(), thresholds={})
    promised[Severity.P2] = replace(
        promised[Severity.P2], calendar="office", first_response=Target(measure=Measure.WORKING_TIME, amount=1800)
    )
    promised[Severity.P3] = replace(
        promised[Severity.P3], resolution=Target(measure=Measure.BUSINESS_DAYS, amount=1), warnings_percent=(60,)
    )
    promised[Severity.P4] = promised[Severity.P3]
    halved = {severity: replace(one, acceptance_share=0.25) for severity, one in promised.items()}
    return {
        VERSION: policy,
        OTHERS[0]: replace(policy, severities=promised),
        OTHERS[1]: replace(policy, severities={**halved, Severity.P2: policy.severities[Severity.P1]}),
    }


def reckoned_by_both(
    events: list[told.EscalationEvent], policies: dict[str, Policy], now: datetime
) -> tuple[dict[tuple[ClockName, int], Judged], dict[tuple[ClockName, int], Reckoned]]:
    """Return each cycle as the engine, which has called all but the resolution broken, and as the auditor sees it."""
    row: AnyRow | None = None
    case: Case | None = None
    for event in events:
        row, case = fold(row, event), take_in(case, event)
    assert isinstance(row, EscalationRow)
    assert case is not None
    held = held_to(row, policies[in_force(row)], policies)
    broken = (
        OnRecord(clock=one.cycle.clock, cycle=one.cycle.number, verdict=Verdict.BROKEN)
        for one in judged_cycles(row, held, now)
    )
    row = replace(row, on_record=tuple(one for one in broken if one.clock is not ClockName.RESOLUTION))
    judged = {(one.cycle.clock, one.cycle.number): one for one in judged_cycles(row, held, now)}
    rulers = {rule: Ruler(policies[rule.policy_version], rule.calendar) for rule in case.rules}
    return judged, {(one.cycle.clock, one.cycle.number): one for one in reckon(case, rulers)}


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    length=st.integers(0, 25),
    calendar=_OPEN_ENOUGH,
    other=_OPEN_ENOUGH,
    ends=st.sampled_from(tuple(DayEnd)),
    later=st.integers(0, 30),
)
def test_every_cycle_is_due_kept_and_broken_as_the_engine_says(
    seed: int, length: int, calendar: Calendar, other: Calendar, ends: DayEnd, later: int
) -> None:
    events = a_life(seed, length)
    policies = versions_of(a_policy(calendar, ends), other)
    now = max(event.meta.occurred_at for event in events) + timedelta(hours=later)

    by_engine, by_auditor = reckoned_by_both(events, policies, now)

    # A resolution that was missed before a reopening is promised by neither, but only the engine leaves it out here.
    assert {key for key in by_auditor.keys() - by_engine.keys() if key[0] is not ClockName.RESOLUTION} == set()
    for key, judged in by_engine.items():
        if key[0] not in AUDITED:
            continue
        ours = by_auditor[key]
        assert ours.verdict_at(now) is judged.verdict, key
        taken_back = ours.is_over and ours.verdict_at(now) is None and not ours.was_due
        assert taken_back == judged.never_due or key[0] in (ClockName.CONFIRMATION, ClockName.RESOLUTION), key
        if judged.yard is None:
            assert ours.allowance is None, key
            continue
        assert abs(ours.due_at - judged.due_at) <= SLACK, (key, ours.due_at, judged.due_at)
        assert ours.cycle.ended_at == judged.cycle.ended_at, key
        assert ours.allowance is not None
        assert ours.allowance.given == judged.yard.given, key
        assert ours.shares == percents_of(judged.held.policy, judged.held.epoch.severity, judged.cycle), key
        for percent in ours.shares:
            theirs = judged.yard.reached_at(judged.cycle.runs, percent)
            at, _ = ours.allowance.used_up(ours.cycle, percent)
            assert (at is None) == (theirs is None), (key, percent)
            assert at is None or theirs is None or abs(at - theirs) <= SLACK, (key, percent, at, theirs)

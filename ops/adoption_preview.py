"""What would follow if all that runs adopted another version of the policy now: played with the services' own handlers.

Nothing here writes: the log is folded, the adoption is decided on, evaluated and planned in memory.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from ops.running_escalations import RunningEscalations, adoption_of
from policy.time_zones import zone_of
from schemas.commands import AdoptPolicy
from schemas.escalations import OwnerReminded, SlaBreached, SlaRecord, SlaWarned, StreamEvent
from schemas.ids import NoticeId, PolicyVersion, TicketKey
from schemas.message import Message
from schemas.sla import PromiseScheduled, SlaFinding
from schemas.vocabulary import ClockName, NoticeKind, Verdict
from services.notifier.domain.notice import Notice
from services.notifier.domain.planning import Setting, plan_notices
from services.router.adapters.in_memory import InMemoryEscalationBatch
from services.router.domain.evidence import Evidence
from services.router.domain.evolve import evolve
from services.router.domain.state import TicketState
from services.router.handlers import Router
from services.sla_monitor.adapters.in_memory import InMemoryPromises, InMemoryRows
from services.sla_monitor.domain.epochs import held_to
from services.sla_monitor.domain.evaluation import Judged, judged_cycles
from services.sla_monitor.domain.folding import fold, version_of
from services.sla_monitor.domain.pinning import pinned
from services.sla_monitor.domain.row import AnyRow, EscalationRow
from wire.reference_data import PolicyRegistry, RosterRegistry

_ROUNDS = 100
"""A change after which an escalation does not come to rest is a fault of ours."""
_Clock = tuple[ClockName, int]


class MovedDeadline(msgspec.Struct, frozen=True, kw_only=True, tag="deadline", tag_field="what"):
    """A deadline that would be another. None: there is no such promise (before, or any more). Local by its calendar."""

    reference: str
    ticket: str
    clock: ClockName
    cycle: int
    was_due_at: datetime | None
    due_at: datetime | None
    was_due_local: str | None
    due_local: str | None


class NoticeAtOnce(msgspec.Struct, frozen=True, kw_only=True, tag="notice", tag_field="what"):
    """A notice that would go out at the change; `clock` and `cycle` where it is about one."""

    reference: str
    ticket: str
    kind: NoticeKind
    recipient: str
    clock: ClockName | None = None
    cycle: int | None = None
    percent: int | None = None


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """All that would follow at once; `escalations` is how many would adopt the version."""

    escalations: int
    deadlines: tuple[MovedDeadline, ...]
    notices: tuple[NoticeAtOnce, ...]


class _Told(NamedTuple):
    notice: Notice
    cause: StreamEvent


@dataclass(slots=True)
class AdoptionPreview:
    """Feed it what is on `escalations.v1`, repeats and all; the registries have what is published besides."""

    policies: PolicyRegistry
    rosters: RosterRegistry
    _running: RunningEscalations = field(default_factory=RunningEscalations)
    _states: dict[str, TicketState] = field(default_factory=dict)
    _rows: dict[str, AnyRow | None] = field(default_factory=dict)

    def take(self, message: Message | None) -> None:
        """Fold one event; a version that was seen changes nothing."""
        if not isinstance(message, StreamEvent):
            return
        self._running.take(message)
        ticket = message.meta.correlation_id
        state = self._states.get(ticket, TicketState(ticket=TicketKey(ticket)))
        if version_of(message) > state.version:
            self._states[ticket] = evolve(state, message)
        self._rows[ticket] = fold(self._rows.get(ticket), message)

    def of(self, version: PolicyVersion, now: datetime) -> Preview:
        """Return what would follow; raises RetryableError where a policy or the roster is not published."""
        deadlines: list[MovedDeadline] = []
        notices: list[NoticeAtOnce] = []
        standing = list(self._running.held_to_others(version))
        for one in standing:
            row = self._rows[one.ticket]
            if isinstance(row, EscalationRow):
                adoption = adoption_of(version, one, now, now)
                deadlines += self._moved(row, adoption, now)
                notices += self._told_at_once(row, adoption, now)
        return Preview(escalations=len(standing), deadlines=tuple(deadlines), notices=tuple(notices))

    def _moved(self, row: EscalationRow, adoption: AdoptPolicy, now: datetime) -> Iterator[MovedDeadline]:
        """Yield what is promised otherwise; what is broken before stays so."""
        after: AnyRow | None = row
        for event in self._play(row.ticket).ask(adoption, now):
            after = fold(after, event)
        if not isinstance(after, EscalationRow):
            return
        before = self._open_cycles(row, now)
        broken = {clock for clock, judged in before.items() if _is_broken(judged)}
        then = self._open_cycles(after, now)
        for clock in dict.fromkeys((*before, *then)):
            old, new = before.get(clock), then.get(clock)
            if clock not in broken and _due_at(old) != _due_at(new):
                yield self._deadline(row.ticket, clock, old, new)

    def _open_cycles(self, row: EscalationRow, now: datetime) -> dict[_Clock, Judged]:
        every = judged_cycles(row, held_to(row, *pinned(row, self.policies.get)), now)
        return {(one.cycle.clock, one.cycle.number): one for one in every if one.cycle.ended_at is None}

    def _deadline(self, ticket: str, clock: _Clock, old: Judged | None, new: Judged | None) -> MovedDeadline:
        return MovedDeadline(
            reference=self._reference(ticket),
            ticket=ticket,
            clock=clock[0],
            cycle=clock[1],
            was_due_at=_due_at(old),
            due_at=_due_at(new),
            was_due_local=_local(old),
            due_local=_local(new),
        )

    def _told_at_once(self, row: EscalationRow, adoption: AdoptPolicy, now: datetime) -> list[NoticeAtOnce]:
        """Return what is told at the change and would not be without it."""
        anyway = self._play(row.ticket).notices(row, None, now)
        told = self._play(row.ticket).notices(row, adoption, now)
        return [self._notice(one) for notice_id, one in told.items() if notice_id not in anyway]

    def _notice(self, told: _Told) -> NoticeAtOnce:
        notice = told.notice
        clock, cycle, percent = _about(told.cause)
        return NoticeAtOnce(
            reference=self._reference(notice.about.ticket),
            ticket=notice.about.ticket,
            kind=notice.kind,
            recipient=notice.recipient,
            clock=clock,
            cycle=cycle,
            percent=percent,
        )

    def _reference(self, ticket: str) -> str:
        escalation = self._states[ticket].escalation
        return ticket if escalation is None else escalation.context.reference

    def _play(self, ticket: str) -> "_Play":
        return _Play(self.policies, self.rosters, self._states[ticket])


class _Play:
    """Router, sla_monitor and notifier of one escalation, at an instant, with all that could refute a finding seen."""

    def __init__(self, policies: PolicyRegistry, rosters: RosterRegistry, state: TicketState) -> None:
        self._policies = policies
        self._rosters = rosters
        self._router = Router(policies, rosters)
        self._batch = InMemoryEscalationBatch({state.ticket: state})

    def ask(self, adoption: AdoptPolicy, now: datetime) -> list[StreamEvent]:
        """Return what the router makes of the command."""
        self._router.on_command(adoption, self._batch, now)
        return self._batch.take()

    def notices(self, row: EscalationRow, adoption: AdoptPolicy | None, now: datetime) -> dict[NoticeId, _Told]:
        """Return what is told until nothing follows any more, by the notices' ids."""
        rows = InMemoryRows()
        rows.put(row.ticket, replace(row, wakes_at=now))
        promises = InMemoryPromises(self._policies, rows)
        events = [] if adoption is None else self.ask(adoption, now)
        told: dict[NoticeId, _Told] = {}
        for _ in range(_ROUNDS):
            findings = [finding for event in events for finding in promises.take(event, now)]
            findings += promises.fire(now)
            told |= {one.notice.id: one for event in events for one in self._planned(event, now)}
            events = self._recorded(findings, now)
            if not events:
                return told
        raise RuntimeError(f"{row.ticket} does not come to rest")

    def _recorded(self, findings: Iterable[SlaFinding], now: datetime) -> list[StreamEvent]:
        seen_all = Evidence(classified_until=now, commands_read=True)
        for finding in findings:
            if not isinstance(finding, PromiseScheduled):
                self._router.on_finding(finding, self._batch, now, seen_all)
        return self._batch.take()

    def _planned(self, event: StreamEvent, now: datetime) -> Iterator[_Told]:
        policy = self._policies.get(PolicyVersion(event.meta.policy_version or ""))
        setting = Setting(policy=policy, roster=self._rosters.current(), now=now)
        for notice in plan_notices(event, setting).notices:
            yield _Told(notice, event)


def _about(cause: StreamEvent) -> tuple[ClockName | None, int | None, int | None]:
    match cause:
        case SlaWarned() | SlaBreached():
            return cause.clock, cause.cycle, cause.percent
        case SlaRecord():
            return cause.clock, cause.cycle, None
        case OwnerReminded():
            return ClockName.ACCEPTANCE, cause.cycle, cause.percent
        case _:
            return None, None, None


def _is_broken(judged: Judged) -> bool:
    return Verdict.BROKEN in (judged.verdict, judged.record.verdict)


def _due_at(judged: Judged | None) -> datetime | None:
    return None if judged is None or judged.yard is None else judged.due_at


def _local(judged: Judged | None) -> str | None:
    due_at = _due_at(judged)
    if judged is None or judged.yard is None or due_at is None:
        return None
    zone = zone_of("UTC" if judged.yard.calendar is None else judged.yard.calendar.time_zone)
    return f"{due_at.astimezone(UTC).astimezone(zone):%a %Y-%m-%d %H:%M:%S %Z}"

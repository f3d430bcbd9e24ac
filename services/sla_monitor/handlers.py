"""What the sla_monitor does with an event of an escalation, and with the time that passes."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from chassis.errors import RetryableError
from policy.time_zones import RULES
from schemas.escalations import StreamEvent, TicketWatched, moves_clocks
from schemas.ids import derived_id
from schemas.message import Actor, ActorKind, Meta, is_sealed
from schemas.prevention import PreventionEvent
from schemas.sla import PromiseScheduled, SlaFinding
from services.sla_monitor.domain.due_index import DueIndex
from services.sla_monitor.domain.epochs import held_to
from services.sla_monitor.domain.evaluation import Evaluation, Finding, evaluate, is_verdict
from services.sla_monitor.domain.explaining import explanation_of
from services.sla_monitor.domain.folding import fold, ticket_of, version_of
from services.sla_monitor.domain.foresight import AHEAD, Foresight, Judgement
from services.sla_monitor.domain.pinning import Pinned, in_force, pinned
from services.sla_monitor.domain.row import AnyRow, EscalationRow, Promise
from services.sla_monitor.ports import Policies, Rows

PRODUCER = "sla_monitor"
SAID_AGAIN_AFTER = timedelta(seconds=30)
"""How long until a finding that is on record as unverified is said again."""
UNANSWERED_AFTER = timedelta(minutes=5)
"""How long until a finding that came on no record is said again: the router had no way to verify it, or by its clock it
was early."""

LOOKED_FOR_AFTER = timedelta(seconds=1)
"""How long until a ticket whose policy version has not arrived is looked at again."""

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Stretch(NamedTuple):
    """Where a ticket's events stood: in which partition, from which offset on, up to which."""

    partition: int = 0
    first: int = 0
    last: int = -1


_NOWHERE = Stretch()


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a ticket's events: the row to keep (None: none), what to say at once.

    `missing`: how many versions before and between them never came; 0 where all is well. `waits`: its policy version
    has not arrived, so the row was kept and nothing decided: all that follows is said when it is due.
    """

    ticket: str
    row: AnyRow | None
    partition: int = 0
    findings: tuple[SlaFinding, ...] = ()
    missing: int = 0
    waits: bool = False


class Fired(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a row that was due: what to say, and when to look at it next. `waits` as in `Noted`."""

    findings: tuple[SlaFinding, ...]
    due_at: datetime | None
    waits: bool = False


class SlaMonitor:
    """Decides what there is to say of a ticket, and remembers what it has said.

    That memory only spares repeats: after a restart all that is not on record is said again, under the same ids, and
    so is what an event yields that is read again: it was not committed, as that waits until it is said.
    """

    def __init__(self, policies: Policies) -> None:
        self._policies = policies
        self._sent: dict[str, dict[tuple[str, ...], datetime]] = {}

    def on_escalation_events(
        self, events: Sequence[StreamEvent], row: AnyRow | None, now: datetime, stretch: Stretch = _NOWHERE
    ) -> Noted:
        """Fold events of one ticket into its row and return it with the verdicts and the promise that follow then.

        Thresholds are left to `on_due`, after all facts of their instant; the row says when. Repeating it gives the
        same ids. A policy version that has not arrived yet holds up nobody else: events are folded and the row waits.
        """
        ticket = ticket_of(events[0])
        after, missing = row, 0
        for event in events:
            missing += 0 if after is None else max(version_of(event) - after.version - 1, 0)
            after = fold(after, event)
            if after is None:
                self._sent.pop(ticket, None)
            elif moves_clocks(event) or isinstance(event, TicketWatched | PreventionEvent):
                self._forget_thresholds(ticket)
        if after is None:
            return Noted(ticket=ticket, partition=stretch.partition, row=None, missing=missing)
        judgement = self._judge(after, now)
        if judgement is None:
            waiting = replace(after, wakes_at=now, undecided=True)
            return Noted(ticket=ticket, partition=stretch.partition, row=waiting, missing=missing, waits=True)
        evaluation, pins = judgement
        at_once = [one for one in self._unsent(ticket, evaluation, now) if one.falls_due_at is None]
        self._remember(ticket, evaluation, at_once, now)
        promised = _promised(after, evaluation.promise) if _is_to_promise(row, evaluation.promise, stretch) else ()
        after = replace(after, wakes_at=self._wakes_at(ticket, evaluation), undecided=False)
        if isinstance(after, EscalationRow):
            after = replace(after, promise=evaluation.promise, offset=stretch.last)
        findings = tuple(_sealed(one, after, pins, now, cause=events[-1].meta.id) for one in (*at_once, *promised))
        return Noted(ticket=ticket, partition=stretch.partition, row=after, findings=findings, missing=missing)

    def foresee(self, row: AnyRow, due_at: datetime) -> Judgement | None:
        """Return what there will be to say of the row then, sealed; None while its policy version has not arrived."""
        judgement = self._judge(row, due_at)
        if judgement is None:
            return None
        evaluation, pins = judgement
        findings = tuple(
            replace(one, message=_sealed(one, row, pins, due_at, cause=None), judged=None)
            for one in evaluation.findings
        )
        return Judgement(replace(evaluation, findings=findings), pins)

    def on_due(self, row: AnyRow, now: datetime, foreseen: Judgement | None = None) -> Fired:
        """Return all there is to say of the row by `now` that was not said; each open cycle's highest threshold only.

        `foreseen` is what the row comes to, where that is known already.
        """
        judgement = foreseen or self._judge(row, now)
        if judgement is None:
            return Fired(findings=(), due_at=now + LOOKED_FOR_AFTER, waits=True)
        evaluation, pins = judgement
        unsent = self._unsent(row.ticket, evaluation, now)
        self._remember(row.ticket, evaluation, unsent, now)
        promised = _promised(row, evaluation.promise) if row.undecided else ()
        in_order = (*sorted(unsent, key=_instant), *promised)
        findings = tuple(_sealed(one, row, pins, now, cause=None) for one in in_order)
        return Fired(findings=findings, due_at=self._wakes_at(row.ticket, evaluation))

    def _judge(self, row: AnyRow, at: datetime) -> Judgement | None:
        try:
            pins = pinned(row, self._policies.get)
        except RetryableError:
            return None
        return Judgement(evaluate(row, pins.policy, at, pins.earlier), pins)

    def _unsent(self, ticket: str, evaluation: Evaluation, now: datetime) -> list[Finding]:
        sent = self._sent.get(ticket, {})
        return [one for one in evaluation.findings if one.key not in sent or _is_to_repeat(one, sent[one.key], now)]

    def _remember(self, ticket: str, evaluation: Evaluation, now_sent: Iterable[Finding], now: datetime) -> None:
        """Keep what was said and is not on record yet."""
        open_keys = {one.key for one in evaluation.findings}
        sent = {key: at for key, at in self._sent.get(ticket, {}).items() if key in open_keys}
        sent |= {one.key: now for one in now_sent}
        self._sent.pop(ticket, None)
        if sent:
            self._sent[ticket] = sent

    def _forget_thresholds(self, ticket: str) -> None:
        """Have what still holds said again: the router drops a threshold worked out before a clock moved."""
        sent = self._sent.get(ticket, {})
        self._sent[ticket] = {key: at for key, at in sent.items() if is_verdict(key)}

    def _wakes_at(self, ticket: str, evaluation: Evaluation) -> datetime | None:
        sent = self._sent.get(ticket, {})
        unsaid = (_instant(one) for one in evaluation.findings if one.key not in sent)
        again = (sent[one.key] + _patience(one) for one in evaluation.findings if one.key in sent)
        ahead = () if evaluation.next_at is None else (evaluation.next_at,)
        return min((*unsaid, *again, *ahead), default=None)


class PartitionWatch:
    """The tickets of the partitions held: their rows, and when each is next to be looked at."""

    def __init__(self, monitor: SlaMonitor, rows: Rows) -> None:
        self._monitor = monitor
        self._rows = rows
        self._index = DueIndex()
        self._foresight = Foresight()
        self._waiting: set[str] = set()

    @property
    def waiting(self) -> int:
        """Return how many tickets wait for their policy version."""
        return len(self._waiting)

    def __len__(self) -> int:
        return len(self._index)

    def note(self, events: Sequence[StreamEvent], now: datetime, stretch: Stretch = _NOWHERE) -> Noted:
        """Decide what follows from events of one ticket, which stood there; keep nothing yet."""
        row = self._rows.get(ticket_of(events[0]), stretch.partition)
        return self._monitor.on_escalation_events(events, row, now, stretch)

    def keep(self, noted: Noted) -> None:
        """Keep the row."""
        self._note_waiting(noted.ticket, waits=noted.waits)
        self._foresight.forget(noted.ticket)
        self._rows.put(noted.ticket, noted.row, noted.partition)
        self._index.put(noted.ticket, None if noted.row is None else noted.row.wakes_at)

    def adopt(self, row: AnyRow) -> None:
        """Take a stored row into the index, after a start or a rebalance."""
        self._index.put(row.ticket, row.wakes_at)

    def next_due_at(self) -> datetime | None:
        """Return when something is next to be looked at."""
        return self._index.next_due_at()

    def fire(self, now: datetime, most: int | None = None) -> tuple[SlaFinding, ...]:
        """Return what is to be said by `now`, in due order; it must then be said, or the watch be thrown away.

        `most` tickets at a time, where given: call again while `next_due_at` is not after `now`.
        """
        return tuple(finding for ticket in self._index.expired(now, most) for finding in self._fire(ticket, now))

    def _fire(self, ticket: str, now: datetime) -> tuple[SlaFinding, ...]:
        row, foreseen = self._foresight.take(ticket, now)
        row = row or self._rows.get(ticket)
        if row is None:
            return ()
        fired = self._monitor.on_due(row, now, foreseen)
        self._note_waiting(ticket, waits=fired.waits)
        self._index.put(ticket, fired.due_at)
        return fired.findings

    def prepare(self, now: datetime, most: int) -> bool:
        """Work out what there will be to say of tickets that fall due in a moment; tell whether there are more."""
        for ticket, due_at in self._index.between(now, now + AHEAD):
            if ticket in self._foresight:
                continue
            if most == 0:
                return True
            most -= 1
            row = self._rows.get(ticket)
            judgement = None if row is None else self._monitor.foresee(row, due_at)
            if row is not None and judgement is not None:
                self._foresight.put(row, judgement)
        return False

    def _note_waiting(self, ticket: str, *, waits: bool) -> None:
        if waits:
            self._waiting.add(ticket)
        else:
            self._waiting.discard(ticket)


def _is_to_promise(before: AnyRow | None, promise: Promise | None, stretch: Stretch) -> bool:
    """Tell whether it is another than before, or may not have been said: it was undecided, or events are read again."""
    if not isinstance(before, EscalationRow):
        return promise is not None
    return before.promise != promise or before.undecided or stretch.first <= before.offset


def _promised(row: AnyRow, promise: Promise | None) -> tuple[Finding, ...]:
    if not isinstance(row, EscalationRow):
        return ()
    message = PromiseScheduled(
        ticket=row.ticket,
        version=row.version,
        clock=None if promise is None else promise.clock,
        due_at=None if promise is None else promise.due_at,
    )
    return (Finding(key=("promise", str(row.version)), message=message),)


def _is_to_repeat(finding: Finding, sent_at: datetime, now: datetime) -> bool:
    return sent_at + _patience(finding) <= now


def _patience(finding: Finding) -> timedelta:
    return SAID_AGAIN_AFTER if finding.again else UNANSWERED_AFTER


def _instant(finding: Finding) -> datetime:
    return finding.falls_due_at or _LONG_AGO


def _sealed(finding: Finding, row: AnyRow, pins: Pinned, now: datetime, *, cause: str | None) -> SlaFinding:
    message = finding.message
    if is_sealed(message):
        return replace(message, meta=replace(message.meta, occurred_at=now, recorded_at=now))
    meta = Meta(
        id=derived_id(row.stream_id, *finding.key),
        correlation_id=row.ticket,
        causation_id=cause,
        occurred_at=now,
        recorded_at=now,
        actor=Actor(kind=ActorKind.ESCALON, id=PRODUCER),
        producer=PRODUCER,
        policy_version=in_force(row),
    )
    return replace(_explained(finding, row, pins, now), meta=meta, time_zone_rules=RULES)


def _explained(finding: Finding, row: AnyRow, pins: Pinned, now: datetime) -> SlaFinding:
    """Return the message with why the cycle it is about stands so."""
    if finding.judged is None or not isinstance(row, EscalationRow):
        return finding.message
    stood_at = finding.judged.cycle.ended_at or finding.falls_due_at or now
    explanation = explanation_of(row, held_to(row, pins.policy, pins.earlier), finding.judged, stood_at)
    return replace(finding.message, explanation=explanation)

"""From `escalations.v1` to a row: each event becomes an act, or a record of what was given.

A repeat changes nothing.
"""

from bisect import insort
from functools import singledispatch

from msgspec.structs import replace

from schemas import escalations as told
from schemas import prevention
from schemas.context import OpenPromise
from schemas.message import ActorKind
from schemas.vocabulary import ClockName, ContactKind, Verdict
from services.sla_monitor.domain import row as acts
from services.sla_monitor.domain.row import EVERYTHING, AnyAct, AnyRow, EscalationRow, OnRecord, WatchedRow


def fold(row: AnyRow | None, event: told.StreamEvent) -> AnyRow | None:
    """Return the row after the event; None where nothing is promised (any more).

    An event whose version was seen already returns the row as it is.
    """
    version = version_of(event)
    if row is not None and version <= row.version:
        return row
    is_escalation = isinstance(row, EscalationRow)
    match event:
        case told.TicketWatched() if not is_escalation:
            return _watched(event)
        case told.EscalationOpened():
            return _opened(event)
        case told.TicketUnwatched() if not is_escalation:
            return None
        case told.EscalationMerged() | told.EscalationEnded():
            return None
        case _:
            return None if row is None else _moved(row, event, version)


def ended(row: EscalationRow, event: told.EscalationMerged | told.EscalationEnded) -> EscalationRow:
    """Return the row of an escalation that was merged or deleted with its end, which `fold` forgets: for explaining."""
    return _with_act(row, acts.Ended(at=event.meta.occurred_at, version=event.escalation.version))


def version_of(event: told.StreamEvent) -> int:
    """Return the event's number in its ticket's stream."""
    match event:
        case told.EscalationEvent():
            return event.escalation.version
        case told.WatchEvent():
            return event.watch.version
        case _:
            raise TypeError(f"{event.wire_name()} is of no stream")


def ticket_of(event: told.StreamEvent) -> str:
    """Return the key of the ticket the event is about."""
    match event:
        case told.EscalationEvent():
            return event.escalation.ticket
        case told.WatchEvent():
            return event.watch.ticket
        case _:
            raise TypeError(f"{event.wire_name()} is of no stream")


def _watched(event: told.TicketWatched) -> WatchedRow:
    return WatchedRow(
        ticket=event.watch.ticket,
        stream_id=event.watch.stream_id,
        version=event.watch.version,
        policy_version=event.meta.policy_version or "",
        started_at=event.front_line_started_at,
        due_at=event.front_line_due_at,
    )


def _opened(event: told.EscalationOpened) -> EscalationRow:
    return EscalationRow(
        ticket=event.escalation.ticket,
        stream_id=event.escalation.escalation_id,
        version=event.escalation.version,
        policy_version=event.meta.policy_version or "",
        started_at=event.escalation.started_at,
        severity=event.escalation.severity,
        calendar=event.escalation.calendar,
    )


def _moved(row: AnyRow, event: told.StreamEvent, version: int) -> AnyRow:
    row = replace(row, version=version)
    if not isinstance(row, EscalationRow) or not isinstance(event, told.EscalationEvent):
        return row
    if isinstance(event, told.NoticeFailed):
        return _voided(row, event)
    act = _act_of(event, row)
    if act is not None:
        return _with_act(row, act)
    record = _record_of(event, row)
    return row if record is None else _with_record(row, record)


def _with_act(row: EscalationRow, act: AnyAct) -> EscalationRow:
    in_order = list(row.acts)
    insort(in_order, act, key=lambda one: (one.at, one.version))
    begins_cycle = isinstance(act, acts.Contact | acts.Rejected | acts.Reopened) or _names_a_time(act)
    return replace(row, acts=tuple(in_order), next_update_cycle=row.next_update_cycle + begins_cycle)


def _names_a_time(act: AnyAct) -> bool:
    return isinstance(act, acts.Absorbed) and any(one.clock is ClockName.PROMISE for one in act.promises)


def _with_record(row: EscalationRow, record: OnRecord) -> EscalationRow:
    others = tuple(one for one in row.on_record if (one.clock, one.cycle) != (record.clock, record.cycle))
    return replace(row, on_record=(*others, record))


def _voided(row: EscalationRow, event: told.NoticeFailed) -> EscalationRow:
    lost = next((act for act in row.acts if isinstance(act, acts.Contact) and act.id == event.contact_id), None)
    if lost is None:
        return row

    def void(act: AnyAct) -> AnyAct:
        if act is lost or (lost.request and isinstance(act, acts.Proposed) and act.at == lost.at):
            return replace(act, void=True)
        return act

    return replace(row, acts=tuple(void(act) for act in row.acts))


@singledispatch
def _act_of(_event: told.EscalationEvent, _row: EscalationRow) -> AnyAct | None:
    return None


@_act_of.register
def _(event: told.OwnerAssigned, _row: EscalationRow) -> AnyAct:
    return acts.Assigned(
        at=event.meta.occurred_at,
        version=event.escalation.version,
        cycle=event.cycle,
        last_in_chain=event.last_in_chain,
    )


@_act_of.register
def _(event: told.EscalationAccepted, _row: EscalationRow) -> AnyAct:
    return acts.Accepted(at=event.meta.occurred_at, version=event.escalation.version, cycle=event.cycle)


@_act_of.register
def _(event: told.CustomerInformed, row: EscalationRow) -> AnyAct | None:
    if event.automatic:
        return None
    return acts.Contact(
        at=event.meta.occurred_at,
        version=event.escalation.version,
        id=event.meta.id,
        cycle=row.next_update_cycle,
        request=event.kind is ContactKind.CONFIRMATION_REQUEST,
        next_at=event.next_at,
        question=event.question,
        by=event.by if event.question else "",
    )


@_act_of.register
def _(event: told.CustomerReplyReceived, row: EscalationRow) -> AnyAct | None:
    if event.awaits_reply is None:
        return None
    reply = _next_reply_cycle(row) if event.awaits_reply else 0
    return acts.Replied(at=event.meta.occurred_at, version=event.escalation.version, reply=reply)


def _next_reply_cycle(row: EscalationRow) -> int:
    """Return the number for a message that awaits an answer, by the order of arrival: a late one changes no other's."""
    begin = acts.Replied | acts.Reopened | acts.Absorbed
    return 1 + sum(isinstance(act, begin) and act.reply > 0 for act in row.acts)


@_act_of.register
def _(event: told.ResolutionProposed, _row: EscalationRow) -> AnyAct:
    return acts.Proposed(
        at=event.meta.occurred_at,
        version=event.escalation.version,
        proposal=event.proposal,
        by_owner=event.by == event.escalation.owner,
        by=event.by,
    )


@_act_of.register
def _(event: told.ResolutionConfirmed, _row: EscalationRow) -> AnyAct:
    return acts.Confirmed(at=event.meta.occurred_at, version=event.escalation.version, by=event.by.id)


@_act_of.register
def _(event: told.ResolutionRejected, row: EscalationRow) -> AnyAct:
    return acts.Rejected(at=event.meta.occurred_at, version=event.escalation.version, cycle=row.next_update_cycle)


@_act_of.register
def _(event: told.EscalationClosed, _row: EscalationRow) -> AnyAct:
    return acts.Closed(at=event.meta.occurred_at, version=event.escalation.version, by=event.by.id)


@_act_of.register
def _(event: told.EscalationReopened, row: EscalationRow) -> AnyAct:
    return acts.Reopened(
        at=event.meta.occurred_at,
        version=event.escalation.version,
        opening=event.opening,
        cycle=row.next_update_cycle,
        reply=0 if event.meta.actor.kind is ActorKind.PERSON else _next_reply_cycle(row),
    )


@_act_of.register
def _(event: told.MergeAbsorbed, row: EscalationRow) -> AnyAct | None:
    if not event.promises and not event.alone:
        return None
    return acts.Absorbed(
        at=event.meta.occurred_at,
        version=event.escalation.version,
        promises=tuple(_taken_over(one) for one in event.promises),
        alone=event.alone,
        opening=event.opening,
        cycle=row.next_update_cycle,
        reply=_next_reply_cycle(row) if any(one.clock is ClockName.NEXT_REPLY for one in event.promises) else 0,
    )


@_act_of.register
def _(event: told.EscalationReclassified, _row: EscalationRow) -> AnyAct | None:
    if event.escalation.severity is event.previous_severity:
        return None
    return acts.SeverityChanged(
        at=event.meta.occurred_at, version=event.escalation.version, severity=event.escalation.severity
    )


@_act_of.register
def _(event: told.PolicyAdopted, _row: EscalationRow) -> AnyAct:
    return acts.PolicyChanged(
        at=event.meta.occurred_at,
        version=event.escalation.version,
        policy_version=event.version,
        calendar=event.escalation.calendar,
    )


@_act_of.register
def _(event: prevention.ReviewHeld, _row: EscalationRow) -> AnyAct:
    return acts.Reviewed(at=event.meta.occurred_at, version=event.escalation.version)


@_act_of.register
def _(event: prevention.PreventiveActionPlanned, _row: EscalationRow) -> AnyAct:
    return acts.ActionPlanned(
        at=event.meta.occurred_at, version=event.escalation.version, number=event.number, due_at=event.due_at
    )


@_act_of.register
def _(event: prevention.PreventiveActionCompleted, _row: EscalationRow) -> AnyAct:
    return acts.ActionDone(at=event.meta.occurred_at, version=event.escalation.version, number=event.number)


def _taken_over(promise: OpenPromise) -> acts.TakenOver:
    return acts.TakenOver(
        clock=promise.clock,
        started_at=promise.started_at,
        due_at=promise.due_at,
        severity=promise.severity,
        percent=promise.percent,
    )


@singledispatch
def _record_of(_event: told.EscalationEvent, _row: EscalationRow) -> OnRecord | None:
    return None


@_record_of.register
def _(event: told.OwnerReminded, row: EscalationRow) -> OnRecord:
    return _given(row.record_of(ClockName.ACCEPTANCE, event.cycle), event.percent)


@_record_of.register
def _(event: told.SlaWarned, row: EscalationRow) -> OnRecord:
    return _given(row.record_of(event.clock, event.cycle), event.percent)


@_record_of.register
def _(event: told.SlaBreached, row: EscalationRow) -> OnRecord:
    record = _given(row.record_of(event.clock, event.cycle), event.percent)
    return replace(record, verdict=Verdict.BROKEN, unverified=event.unverified, due_at=event.due_at)


@_record_of.register
def _(event: told.SlaKept, row: EscalationRow) -> OnRecord:
    return replace(row.record_of(event.clock, event.cycle), verdict=Verdict.KEPT)


@_record_of.register
def _(event: told.SlaCorrected, row: EscalationRow) -> OnRecord:
    record = row.record_of(event.clock, event.cycle)
    given = _given(record, 100 if event.verdict is Verdict.BROKEN else 0)
    due_at = event.due_at if event.verdict is Verdict.BROKEN else None
    return replace(given, verdict=event.verdict, unverified=False, corrections=record.corrections + 1, due_at=due_at)


@_record_of.register
def _(event: told.ConfirmationRepeated, row: EscalationRow) -> OnRecord:
    return _given(row.record_of(ClockName.CONFIRMATION, _last_proposal(row)), event.attempt * 100)


@_record_of.register
def _(_event: told.CustomerCallDue, row: EscalationRow) -> OnRecord:
    return _given(row.record_of(ClockName.CONFIRMATION, _last_proposal(row)), EVERYTHING)


def _given(record: OnRecord, percent: int) -> OnRecord:
    return replace(record, percent=max(record.percent, percent))


def _last_proposal(row: EscalationRow) -> int:
    return max((act.proposal for act in row.acts if isinstance(act, acts.Proposed)), default=0)

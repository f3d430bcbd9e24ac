"""What each event has to say of itself, for a reader; the others speak by the escalation alone."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from policy.communication_view import ActView
from policy.thresholds import BREACH
from schemas import escalations as events
from schemas.escalations import StreamEvent
from schemas.message import ActorKind
from schemas.vocabulary import ClockName
from services.notifier.domain.reader import Reader

EventT = TypeVar("EventT", bound=StreamEvent)
Speech = Callable[[StreamEvent, Reader], ActView]


def act_of(event: StreamEvent, reader: Reader) -> ActView:
    """Return what the event says of itself."""
    speech = _ACTS.get(type(event))
    return ActView(at=_at(event, reader)) if speech is None else speech(event, reader)


def _at(event: StreamEvent, reader: Reader) -> str:
    return reader.time(event.meta.occurred_at)


def _assigned(event: events.OwnerAssigned, reader: Reader) -> ActView:
    return ActView(
        at=_at(event, reader),
        assignment_cause=event.cause.value,
        previous_owner=reader.person(event.previous) if event.previous else None,
        by=reader.person(event.by) if event.by else None,
        reason=event.reason,
    )


def _reminded(event: events.OwnerReminded, reader: Reader) -> ActView:
    return ActView(at=_at(event, reader), clock="acceptance", percent=event.percent)


def _warned(event: events.SlaWarned, reader: Reader) -> ActView:
    return ActView(
        at=_at(event, reader),
        clock=_clock(event.clock, event.about),
        due_at=reader.time(event.due_at),
        percent=event.percent,
        over_percent=_over(event.percent),
        explanation=_explanation(event),
    )


def _clock(clock: ClockName, about: str | None) -> str:
    """Return the clock by name, with who is to do what where it is a preventive action."""
    return clock.value if about is None else f"{clock.value} ({about})"


def _breached(event: events.SlaBreached, reader: Reader) -> ActView:
    return ActView(
        at=_at(event, reader),
        clock=_clock(event.clock, event.about),
        due_at=reader.time(event.due_at),
        percent=event.percent,
        unverified=event.unverified,
        over_percent=_over(event.percent),
        explanation=_explanation(event),
    )


def _over(percent: int) -> int | None:
    return percent - BREACH if percent > BREACH else None


def _explanation(event: events.SlaWarned | events.SlaBreached | events.SlaCorrected) -> str | None:
    return None if event.explanation is None else event.explanation.sentence


def _corrected(event: events.SlaCorrected, reader: Reader) -> ActView:
    due_at = reader.time(event.due_at)
    return ActView(
        at=_at(event, reader),
        clock=event.clock.value,
        due_at=due_at,
        verdict=event.verdict.value,
        explanation=_explanation(event),
    )


def _reclassified(event: events.EscalationReclassified, reader: Reader) -> ActView:
    return ActView(
        at=_at(event, reader),
        previous_severity=event.previous_severity.value,
        previous_type=event.previous_type.value,
        by=reader.person(event.by.id) if event.by.kind is ActorKind.PERSON else None,
        reason=event.reason,
    )


def _informed(event: events.CustomerInformed, reader: Reader) -> ActView:
    return ActView(at=_at(event, reader), by=reader.person(event.by), text=event.text)


def _proposed(event: events.ResolutionProposed, reader: Reader) -> ActView:
    return ActView(at=_at(event, reader), by=reader.person(event.by), steps=event.steps, category=event.category)


def _repeated(event: events.ConfirmationRepeated, reader: Reader) -> ActView:
    return ActView(at=_at(event, reader), attempt=event.attempt)


def _replied(event: events.CustomerReplyReceived, reader: Reader) -> ActView:
    return ActView(at=_at(event, reader), text=event.excerpt)


def _closed(event: events.EscalationClosed, reader: Reader) -> ActView:
    return ActView(at=_at(event, reader), category=event.category, reason=event.reason)


def _merged(event: events.EscalationMerged, reader: Reader) -> ActView:
    return ActView(at=_at(event, reader), reason=f"merged into {event.into}")


def _ended(event: events.EscalationEnded, reader: Reader) -> ActView:
    return ActView(at=_at(event, reader), reason=event.reason)


def _missing(event: events.DocumentationMissing, reader: Reader) -> ActView:
    return ActView(at=_at(event, reader), missing=tuple(part.value for part in event.missing))


def _reclassification(event: events.ReclassificationProposed, reader: Reader) -> ActView:
    return ActView(at=_at(event, reader), proposed_severity=event.severity.value, proposed_type=event.type.value)


def _refused(event: events.CommandRejected, reader: Reader) -> ActView:
    return ActView(at=_at(event, reader), command=event.command, reason=event.reason)


def _failed(event: events.NoticeFailed, reader: Reader) -> ActView:
    return ActView(
        at=_at(event, reader),
        failed_notice=event.kind.value,
        failed_recipient=event.recipient,
        reason=event.reason,
    )


def _of(kind: type[EventT], speech: Callable[[EventT, Reader], ActView]) -> tuple[type[StreamEvent], Speech]:
    def act(event: StreamEvent, reader: Reader) -> ActView:
        return speech(event, reader) if isinstance(event, kind) else ActView(at=_at(event, reader))

    return kind, act


_ACTS: Mapping[type[StreamEvent], Speech] = dict(
    [
        _of(events.OwnerAssigned, _assigned),
        _of(events.OwnerReminded, _reminded),
        _of(events.SlaWarned, _warned),
        _of(events.SlaBreached, _breached),
        _of(events.SlaCorrected, _corrected),
        _of(events.EscalationReclassified, _reclassified),
        _of(events.CustomerInformed, _informed),
        _of(events.ResolutionProposed, _proposed),
        _of(events.ConfirmationRepeated, _repeated),
        _of(events.CustomerReplyReceived, _replied),
        _of(events.EscalationClosed, _closed),
        _of(events.EscalationMerged, _merged),
        _of(events.EscalationEnded, _ended),
        _of(events.DocumentationMissing, _missing),
        _of(events.ReclassificationProposed, _reclassification),
        _of(events.CommandRejected, _refused),
        _of(events.NoticeFailed, _failed),
    ]
)

"""When what is promised began, stood and was taken over: as much of an escalation's past as a merge must hand on."""

from datetime import datetime

import msgspec
from msgspec.structs import replace

from schemas import escalations as ev
from schemas.context import OpenPromise
from schemas.escalations import EscalationEvent
from schemas.message import ActorKind
from schemas.vocabulary import ClockName
from services.router.domain.standing import Turned, turn_of

Order = tuple[datetime, int, int]
"""Places what happened: by its instant, then as it was told."""


class Began(msgspec.Struct, frozen=True, kw_only=True):
    """A cycle of the update clock began, with a message to the customer (`contact_id`), a rejection or a reopening.

    `void`: the message never arrived, so nothing began. `next_at`: when the customer was promised to hear again.
    """

    at: datetime
    version: int = 0
    cycle: int
    contact_id: str | None = None
    next_at: datetime | None = None
    opening: int = 0
    void: bool = False

    @property
    def order(self) -> Order:
        """Where it stands among what happened."""
        return (self.at, self.cycle, 0)

    @property
    def is_contact(self) -> bool:
        """Tell whether a person wrote to the customer, who got it."""
        return self.contact_id is not None and not self.void


class Awaiting(msgspec.Struct, frozen=True, kw_only=True):
    """The customer wrote, or was waiting where a merge came from; numbered as the sla_monitor numbers it."""

    at: datetime
    version: int
    number: int


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A promise that came with a merge; `alone`: it took the place of this ticket's own. `opening` as in the event.

    `reply` is the number of the message that awaits an answer with it.
    """

    at: datetime
    alone: bool
    opening: int
    cycle: int
    promise: OpenPromise
    reply: int = 0

    @property
    def order(self) -> Order:
        """Where it stands among what happened."""
        return (self.at, self.cycle, 1)


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to the clocks. `turns`: what let some of them stand and go on, as it was told."""

    began: tuple[Began, ...] = ()
    turns: tuple[Turned, ...] = ()
    taken: tuple[Taken, ...] = ()
    alone: Order | None = None
    """Where promises that came with a merge took the place of this ticket's own."""
    cycles: int = 1
    """Update cycles numbered so far; as the sla_monitor numbers them."""
    awaiting: tuple[Awaiting, ...] = ()
    settled: tuple[datetime, int] | None = None
    """What awaited an answer before the last confirmation, or while it was closed, awaits none: instant and version."""
    is_closed: bool = False
    merged_into: str | None = None


def course_after(course: Course, event: EscalationEvent) -> Course:
    """Return the course after the event; most events leave it as it is."""
    at = event.meta.occurred_at
    course = _turned(_answered(course, event), event)
    match event:
        case ev.CustomerInformed(automatic=False):
            return _begun(course, _contact(event))
        case ev.ResolutionRejected():
            return _begun(course, Began(at=at, cycle=0))
        case ev.EscalationReopened():
            return _begun(course, Began(at=at, cycle=0, opening=event.opening))
        case ev.NoticeFailed():
            began = tuple(replace(one, void=one.void or _is_lost(one, event)) for one in course.began)
            turns = tuple(one for one in course.turns if not _is_lost(one, event))
            return replace(course, began=began, turns=turns)
        case ev.MergeAbsorbed():
            return _absorbed(course, event)
        case ev.EscalationMerged():
            return replace(course, merged_into=event.into)
        case _:
            return course


def _turned(course: Course, event: EscalationEvent) -> Course:
    turned = turn_of(event)
    return course if turned is None else replace(course, turns=(*course.turns, turned))


def _answered(course: Course, event: EscalationEvent) -> Course:
    """Return the course after what begins the wait for an answer, or ends all of it at once."""
    order = (event.meta.occurred_at, event.escalation.version)
    match event:
        case ev.CustomerReplyReceived(awaits_reply=True):
            return _awaiting(course, order)
        case ev.ResolutionConfirmed() | ev.EscalationClosed():
            is_closed = course.is_closed or isinstance(event, ev.EscalationClosed)
            return replace(course, settled=max(order, course.settled or order), is_closed=is_closed)
        case ev.EscalationReopened():
            settled = max(order, course.settled or order) if course.is_closed else course.settled
            course = replace(course, settled=settled, is_closed=False)
            return course if event.meta.actor.kind is ActorKind.PERSON else _awaiting(course, order)
        case ev.MergeAbsorbed() if any(one.clock is ClockName.NEXT_REPLY for one in event.promises):
            return _awaiting(course, order)
        case _:
            return course


def _awaiting(course: Course, order: tuple[datetime, int]) -> Course:
    at, version = order
    message = Awaiting(at=at, version=version, number=len(course.awaiting) + 1)
    return replace(course, awaiting=(*course.awaiting, message))


def _contact(event: ev.CustomerInformed) -> Began:
    at, version = event.meta.occurred_at, event.escalation.version
    return Began(at=at, version=version, cycle=0, contact_id=event.meta.id, next_at=event.next_at)


def _begun(course: Course, began: Began) -> Course:
    cycles = course.cycles + 1
    return replace(course, cycles=cycles, began=(*course.began, replace(began, cycle=cycles)))


def _is_lost(one: Began | Turned, failed: ev.NoticeFailed) -> bool:
    return one.contact_id is not None and one.contact_id == failed.contact_id


def _absorbed(course: Course, event: ev.MergeAbsorbed) -> Course:
    at, names_a_time = event.meta.occurred_at, any(one.clock is ClockName.PROMISE for one in event.promises)
    cycles = course.cycles + names_a_time
    reply = next((one.number for one in course.awaiting if one.version == event.escalation.version), 0)
    taken = (
        Taken(at=at, alone=event.alone, opening=event.opening, cycle=cycles, promise=one, reply=reply)
        for one in event.promises
    )
    return replace(
        course,
        cycles=cycles,
        taken=(*course.taken, *taken),
        alone=(at, cycles, 1) if event.alone else course.alone,
    )

"""Which promises of an escalation run, since when and until when: what a merge hands on (docs/adr/0021).

It goes by the rules of the sla_monitor, which no service may import; a property test holds the two together.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from policy.model import Policy
from policy.paused_time import Pauses, due_with_pauses
from policy.targets import Target
from policy.working_time import calendar_for, due_at, seconds_of, working_time_between
from schemas.context import OpenPromise
from schemas.vocabulary import ClockName, EscalationState, Severity, Verdict
from services.router.domain.course import Course, Order
from services.router.domain.standing import stood
from services.router.domain.state import Cycle, Escalation

_BEFORE_THE_BREACH = 99
_MAY_STAND = (ClockName.RESOLUTION, ClockName.UPDATE)
_FROM_THE_OPENING = (ClockName.FIRST_RESPONSE, ClockName.UPDATE, ClockName.RESOLUTION)


def open_promises(escalation: Escalation, policy: Policy, at: datetime) -> tuple[OpenPromise, ...]:
    """Return what is promised and runs at that instant, but acceptance, which is the owner's own.

    A promise on record as broken is none. A resolution that waits for the customer's word goes on at that instant.
    """
    if escalation.state in (EscalationState.CONFIRMED, EscalationState.CLOSED):
        return ()
    asked = _Asked(escalation, policy.on_calendar(escalation.context.calendar), at)
    found = (asked.first_response(), asked.update(), asked.resolution(), asked.promise(), asked.next_reply())
    return tuple(one for one in found if one is not None)


def fresh_promises(policy: Policy, severity: Severity, started_at: datetime) -> tuple[OpenPromise, ...]:
    """Return what is promised at an opening."""
    targets = _targets(policy, severity)
    wanted = ((clock, targets[clock]) for clock in _FROM_THE_OPENING)
    return tuple(
        OpenPromise(
            clock=clock,
            started_at=started_at,
            due_at=due_at(policy.calendar_of(severity), started_at, target),
            severity=severity,
        )
        for clock, target in wanted
        if target is not None
    )


def _targets(policy: Policy, severity: Severity) -> dict[ClockName, Target | None]:
    promised = policy.severities[severity]
    return {
        ClockName.FIRST_RESPONSE: promised.first_response,
        ClockName.UPDATE: promised.update,
        ClockName.RESOLUTION: promised.resolution,
        ClockName.NEXT_REPLY: promised.next_reply,
    }


@dataclass(frozen=True, slots=True)
class _Asked:
    escalation: Escalation
    policy: Policy
    at: datetime

    @property
    def course(self) -> Course:
        return self.escalation.course

    @property
    def start(self) -> Order:
        return (self.escalation.context.started_at, 0, 0)

    def first_response(self) -> OpenPromise | None:
        """Return it while nobody has written to the customer since the opening, or since the merge that brought it."""
        number, since = 1, self.start
        for began in self.course.began:
            number, since = (began.opening, began.order) if began.opening else (number, since)
        own = None if self._is_replaced(since) else self._own(ClockName.FIRST_RESPONSE, since[0])
        found = [None if self._is_answered(since) else self._strictest(ClockName.FIRST_RESPONSE, number, own, since)]
        begun = {taken.opening: taken.order for taken in self.course.taken if taken.opening and taken.order > since}
        for opening, order in begun.items():
            if not self._is_answered(order):
                found.append(self._strictest(ClockName.FIRST_RESPONSE, opening, None, order))
        waiting = (one for one in found if one is not None)
        return min(waiting, key=lambda one: one.due_at, default=None)

    def _is_answered(self, since: Order) -> bool:
        return any(one.is_contact and one.order > since for one in self.course.began)

    def update(self) -> OpenPromise | None:
        """Return the running cycle's; from a proposal on it stands, and the next begins when the work goes on."""
        if self.escalation.is_proposed:
            return self._own(ClockName.UPDATE, self.at)
        real = (one for one in self.course.began if one.is_contact or one.contact_id is None)
        last = max(real, key=lambda one: one.order, default=None)
        number, since = (1, self.start) if last is None else (last.cycle, last.order)
        own = None if self._is_replaced(since) else self._own(ClockName.UPDATE, since[0])
        return self._strictest(ClockName.UPDATE, number, own, since)

    def resolution(self) -> OpenPromise | None:
        """Return it with its pauses, unless it was missed before."""
        if any(cycle.clock is ClockName.RESOLUTION and self._is_broken(cycle) for cycle in self.escalation.verdicts):
            return None
        number = max((one.opening for one in self.course.began), default=0) or 1
        replaced = self._is_replaced(self.start)
        own = None if replaced else self._own(ClockName.RESOLUTION, self.start[0])
        return self._strictest(ClockName.RESOLUTION, number, own, self.start)

    def promise(self) -> OpenPromise | None:
        """Return the time that a person named in the last message, or that came with a merge since."""
        if self.escalation.is_proposed:
            return None
        ends = (one for one in self.course.began if one.is_contact or one.opening)
        last = max(ends, key=lambda one: one.order, default=None)
        number, since = (0, self.start) if last is None else (last.cycle, last.order)
        if last is not None and last.next_at is not None and last.next_at > last.at:
            return self._strictest(ClockName.PROMISE, number, self._named(last.at, last.next_at), since)
        brought = (one for one in self.course.taken if one.promise.clock is ClockName.PROMISE and one.order > since)
        number = next((one.cycle for one in brought), number)
        return self._strictest(ClockName.PROMISE, number, None, since)

    def next_reply(self) -> OpenPromise | None:
        """Return it from the oldest message that nobody has answered, or from the merge that brought one."""
        ends = [(one.at, one.version) for one in self.course.began if one.is_contact]
        if self.course.settled is not None:
            ends.append(self.course.settled)
        waits = [one for one in self.course.awaiting if not ends or (one.at, one.version) >= max(ends)]
        if not waits:
            return None
        number, since = min(one.number for one in waits), min(one.at for one in waits)
        came = any(one.reply == number for one in self.course.taken)
        own = None if came else self._own(ClockName.NEXT_REPLY, since)
        return self._strictest(ClockName.NEXT_REPLY, number, own, (since, 0, 0))

    def _is_replaced(self, since: Order) -> bool:
        """Tell whether promises that came with a merge took the place of what began then."""
        return self.course.alone is not None and since < self.course.alone

    def _own(self, clock: ClockName, since: datetime) -> OpenPromise | None:
        severity = self.escalation.context.severity
        target = _targets(self.policy, severity)[clock]
        if target is None:
            return None
        on = self.policy.calendar_of(severity)
        due, pauses = due_at(on, since, target), self._pauses(clock, since)
        if any(begins < due for begins, _ in pauses):
            amount = timedelta(seconds=seconds_of(target, calendar_for(target, on), since))
            due = due_with_pauses(calendar_for(target, on), since, amount, pauses)
        return OpenPromise(clock=clock, started_at=since, due_at=due, severity=severity)

    def _named(self, since: datetime, due: datetime) -> OpenPromise:
        severity = self.escalation.context.severity
        return OpenPromise(clock=ClockName.PROMISE, started_at=since, due_at=due, severity=severity)

    def _strictest(self, clock: ClockName, number: int, own: OpenPromise | None, since: Order) -> OpenPromise | None:
        """Return the earliest of its own and those that came by merges while it ran, with what was told of it."""
        if self._is_broken(Cycle(clock, number)):
            return None
        given = (mark.percent for mark in self.escalation.given if (mark.clock, mark.number) == (clock, number))
        told = max(given, default=0)
        options = [*self._brought(clock, number, since), *([] if own is None else [own])]
        strictest = min(options, key=lambda one: one.due_at, default=None)
        if strictest is None:
            return None
        percent = min(max(told, strictest.percent), _BEFORE_THE_BREACH)
        return replace(strictest, percent=percent)

    def _brought(self, clock: ClockName, number: int, since: Order) -> Iterator[OpenPromise]:
        """Yield what came by merges; what a person has lowered the severity below no longer holds.

        What opened the escalation is its own: raised since, it has the higher severity's target from its start, too.
        """
        now = self.escalation.context.severity
        for taken in self.course.taken:
            promise = taken.promise
            begins = taken.opening if clock is ClockName.FIRST_RESPONSE else 0
            begins = number if clock is ClockName.NEXT_REPLY and taken.reply == number else begins
            if promise.clock is not clock or taken.order < since or begins not in (0, number):
                continue
            is_lowered = clock is not ClockName.PROMISE and promise.severity.is_above(now)
            if not is_lowered:
                yield self._delayed(promise, taken.at)
            if (is_lowered and begins) or (taken.alone and promise.severity is not now):
                yield from self._anew(promise)

    def _anew(self, promise: OpenPromise) -> Iterator[OpenPromise]:
        """Yield the target of the severity in force from the promise's start, with what was told of the promise."""
        own = None if promise.clock is ClockName.PROMISE else self._own(promise.clock, promise.started_at)
        if own is not None:
            yield replace(own, percent=promise.percent)

    def _delayed(self, promise: OpenPromise, taken_at: datetime) -> OpenPromise:
        """Return the promise with the pauses since it came."""
        pauses = self._pauses(promise.clock, taken_at)
        if not any(begins < promise.due_at for begins, _ in pauses):
            return promise
        target = _targets(self.policy, promise.severity)[promise.clock]
        calendar = None if target is None else calendar_for(target, self.policy.calendar_of(promise.severity))
        amount = working_time_between(calendar, promise.started_at, promise.due_at)
        return replace(promise, due_at=due_with_pauses(calendar, promise.started_at, amount, pauses))

    def _pauses(self, clock: ClockName, since: datetime) -> Pauses:
        """Return when a clock that may stand did so since then, in order; what still stands goes on now."""
        if clock not in _MAY_STAND:
            return ()
        pauses = stood(self.course.turns, clock, self.policy.severities, self.at)
        return [(max(begins, since), ends) for begins, ends in pauses if ends > since]

    def _is_broken(self, cycle: Cycle) -> bool:
        is_final = cycle not in self.escalation.unverified
        return is_final and self.escalation.verdicts.get(cycle) is Verdict.BROKEN

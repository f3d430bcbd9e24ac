"""When clocks stood while the customer was asked something: what a merge must count in the promises it hands on.

It goes by the rules of the sla_monitor (docs/adr/0020), which no service may import.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum

import msgspec

from policy.paused_time import Pauses
from policy.pauses import PauseCause
from policy.targets import SeverityPolicy
from schemas import escalations as ev
from schemas.escalations import EscalationEvent
from schemas.vocabulary import ClockName, Severity


class Turn(Enum):
    """What lets clocks stand, or go on, or changes what they stand for."""

    ASKED = "asked"
    REPLIED = "replied"
    PROPOSED = "proposed"
    REJECTED = "rejected"
    OVER = "over"
    REOPENED = "reopened"
    RECLASSIFIED = "reclassified"


class Turned(msgspec.Struct, frozen=True, kw_only=True):
    """A turn, by the event of that version; `severity` is that in force from then on, `contact_id` a question's."""

    at: datetime
    version: int
    turn: Turn
    severity: Severity
    contact_id: str | None = None


def turn_of(event: EscalationEvent) -> Turned | None:
    """Return the turn that an event is; most are none."""
    turn = _turn(event)
    if turn is None:
        return None
    return Turned(
        at=event.meta.occurred_at,
        version=event.escalation.version,
        turn=turn,
        severity=event.escalation.severity,
        contact_id=event.meta.id if turn is Turn.ASKED else None,
    )


def _turn(event: EscalationEvent) -> Turn | None:
    match event:
        case ev.CustomerInformed(automatic=False, question=True):
            return Turn.ASKED
        case ev.CustomerReplyReceived() if event.awaits_reply is not None:
            return Turn.REPLIED
        case ev.ResolutionProposed():
            return Turn.PROPOSED
        case ev.ResolutionRejected():
            return Turn.REJECTED
        case ev.ResolutionConfirmed() | ev.EscalationClosed():
            return Turn.OVER
        case ev.EscalationReopened():
            return Turn.REOPENED
        case ev.EscalationReclassified():
            return Turn.RECLASSIFIED
        case _:
            return None


def stood(
    turns: Sequence[Turned], clock: ClockName, severities: Mapping[Severity, SeverityPolicy], until: datetime
) -> Pauses:
    """Return the stretches in which the clock stood, in order; the last ends then if it still does."""
    pauses: list[tuple[datetime, datetime]] = []
    waiting, since = _Waiting(), None
    severity = turns[0].severity if turns else None
    for one in sorted(turns, key=lambda turned: (turned.at, turned.version)):
        severity = one.severity if one.turn is Turn.RECLASSIFIED else severity
        waiting = waiting.after(one.turn)
        stands = severity is not None and waiting.stops(_causes(severities[severity], clock))
        if stands and since is None:
            since = one.at
        elif not stands and since is not None:
            pauses.append((since, one.at))
            since = None
    if since is not None:
        pauses.append((since, max(since, until)))
    return pauses


def _causes(promised: SeverityPolicy, clock: ClockName) -> tuple[PauseCause, ...]:
    return promised.pauses.resolution if clock is ClockName.RESOLUTION else promised.pauses.update


class _Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """What the customer is waited on for, and whether all is over."""

    is_proposed: bool = False
    is_asked: bool = False
    is_over: bool = False

    def after(self, turn: Turn) -> "_Waiting":
        """Return what is waited on after that."""
        match turn:
            case Turn.ASKED:
                return msgspec.structs.replace(self, is_asked=not self.is_over)
            case Turn.REPLIED:
                return msgspec.structs.replace(self, is_asked=False)
            case Turn.PROPOSED:
                return msgspec.structs.replace(self, is_proposed=True, is_asked=False)
            case Turn.REJECTED:
                return msgspec.structs.replace(self, is_proposed=False, is_asked=False)
            case Turn.OVER:
                return _Waiting(is_over=True)
            case Turn.REOPENED:
                return _Waiting()
            case Turn.RECLASSIFIED:
                return self

    def stops(self, causes: tuple[PauseCause, ...]) -> bool:
        """Tell whether a clock that stands for these does."""
        is_proposed = self.is_proposed and PauseCause.PROPOSED_RESOLUTION in causes
        return self.is_over or is_proposed or (self.is_asked and PauseCause.QUESTION in causes)

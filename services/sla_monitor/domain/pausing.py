"""When a clock stands and why, worked out from the acts and from what the severity in force lets it stand for."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

import msgspec

from policy.pauses import PauseCause, Pauses
from schemas.vocabulary import ClockName
from services.sla_monitor.domain.epochs import Promises
from services.sla_monitor.domain.row import (
    AnyAct,
    Closed,
    Confirmed,
    Contact,
    EscalationRow,
    PolicyChanged,
    Proposed,
    Rejected,
    Reopened,
    Replied,
    SeverityChanged,
)

_BY_DEFAULT = Pauses()
_MOVES_IT = frozenset({Replied, Proposed, Rejected, Confirmed, Closed, Reopened, SeverityChanged, PolicyChanged})
"""What may stop a clock or let it go on, besides a question; most acts are neither."""


class Why(StrEnum):
    """Why a clock stands."""

    PROPOSED_RESOLUTION = "proposed_resolution"
    QUESTION = "question"
    CONFIRMED = "confirmed"
    """The customer has confirmed; what must be on record is missing."""
    CLOSED = "closed"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A clock stands since `act`, or since the severity in force let it; `act` is the one that is waited on."""

    why: Why
    act: Proposed | Contact | Confirmed | Closed


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch in which a clock stands; `ended_by` is the version of the act that ended it, 0 while it lasts."""

    standing: Standing
    since: datetime
    until: datetime | None = None
    ended_by: int = 0


def standings(
    row: EscalationRow, clock: ClockName, promises: Promises | None = None
) -> Iterator[tuple[AnyAct, Standing | None]]:
    """Yield each act with why the clock stands after it; None where it runs.

    Without promises it stands for what it does by default.
    """
    causes, waiting = _causes(clock, promises, 0), _Waiting()
    standing: Standing | None = None
    for act in row.acts:
        if type(act) in _MOVES_IT or (isinstance(act, Contact) and act.question):
            if isinstance(act, SeverityChanged | PolicyChanged):
                causes = _causes(clock, promises, act.version)
            waiting = _after(waiting, act)
            standing = _standing(waiting, causes)
        yield act, standing


def _causes(clock: ClockName, promises: Promises | None, since: int) -> tuple[PauseCause, ...]:
    pauses = _BY_DEFAULT if promises is None else promises[since].pauses
    return pauses.resolution if clock is ClockName.RESOLUTION else pauses.update


def pauses_of(row: EscalationRow, clock: ClockName, promises: Promises) -> Iterator[Pause]:
    """Yield the stretches in which the clock stands, in order; where the reason changes another begins."""
    now: Pause | None = None
    for act, standing in standings(row, clock, promises):
        if now is not None and standing != now.standing:
            yield msgspec.structs.replace(now, until=act.at, ended_by=act.version)
            now = None
        if now is None and standing is not None:
            now = Pause(standing=standing, since=act.at)
    if now is not None:
        yield now


class _Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """What the customer is waited on for, and whether all is over."""

    proposed: Proposed | None = None
    question: Contact | None = None
    over: Confirmed | Closed | None = None


def _after(waiting: _Waiting, act: AnyAct) -> _Waiting:
    match act:
        case Contact() if act.question and not act.void and waiting.question is None and waiting.over is None:
            return msgspec.structs.replace(waiting, question=act)
        case Replied():
            return msgspec.structs.replace(waiting, question=None)
        case Proposed():
            return msgspec.structs.replace(waiting, proposed=act, question=None)
        case Rejected():
            return msgspec.structs.replace(waiting, proposed=None, question=None)
        case Confirmed() | Closed():
            return _Waiting(over=act)
        case Reopened():
            return _Waiting()
        case _:
            return waiting


def _standing(waiting: _Waiting, causes: tuple[PauseCause, ...]) -> Standing | None:
    if waiting.over is not None:
        why = Why.CLOSED if isinstance(waiting.over, Closed) else Why.CONFIRMED
        return Standing(why=why, act=waiting.over)
    if waiting.proposed is not None and PauseCause.PROPOSED_RESOLUTION in causes:
        return Standing(why=Why.PROPOSED_RESOLUTION, act=waiting.proposed)
    if waiting.question is not None and PauseCause.QUESTION in causes:
        return Standing(why=Why.QUESTION, act=waiting.question)
    return None

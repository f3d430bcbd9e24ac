"""What may be wrong with the record, in words of its own."""

from datetime import datetime
from enum import StrEnum

import msgspec

from schemas.vocabulary import ClockName, Verdict
from services.auditor.domain.case import Entry

AUDITED = frozenset(
    {
        *(ClockName.ACCEPTANCE, ClockName.FIRST_RESPONSE, ClockName.UPDATE, ClockName.RESOLUTION),
        *(ClockName.CONFIRMATION, ClockName.FRONT_LINE, ClockName.PROMISE, ClockName.NEXT_REPLY),
        *(ClockName.REVIEW, ClockName.PREVENTIVE_ACTION),
    }
)
"""The clocks that are recomputed here."""


class Kind(StrEnum):
    """What is wrong."""

    SILENT = "silent"
    """Something is due and not on record."""
    DUE_AT = "due_at"
    """The promise on record falls due at another time."""
    EARLY = "early"
    """It was put on record before its time had come."""
    VERDICT = "verdict"
    """Kept on record and broken by our reckoning, or the other way round."""
    NEVER_DUE = "never_due"
    """Broken on record, and nothing was due, as is known by now; it is not taken back."""
    NO_CYCLE = "no_cycle"
    """There is no such cycle."""
    THRESHOLD = "threshold"
    """The policy says nothing at that share, or the cycle was over."""
    REPEATED = "repeated"
    """It is on record twice, or was told before a merge already."""


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is wrong, or not yet right. `since` is business time: when it was due, or put on record.

    `version` tells entries apart; 0 where the whole record of the cycle is meant.
    """

    clock: ClockName
    cycle: int
    kind: Kind
    since: datetime
    version: int = 0
    percent: int = 0
    recorded: datetime | Verdict | None = None
    reckoned: datetime | Verdict | None = None


def doubt_of(
    entry: Entry, kind: Kind, recorded: datetime | Verdict | None = None, reckoned: datetime | Verdict | None = None
) -> Doubt:
    """Return a doubt of an entry of the record."""
    return Doubt(
        clock=entry.clock,
        cycle=entry.cycle,
        kind=kind,
        since=entry.at,
        version=entry.version,
        percent=entry.percent,
        recorded=recorded,
        reckoned=reckoned,
    )

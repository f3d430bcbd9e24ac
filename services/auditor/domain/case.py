"""What the auditor remembers of a ticket: what happened that moves a clock, and what the router put on record.

Both carry the version of their event, so that every record can be held against what was known when it was made.
"""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import msgspec

from schemas.vocabulary import ClockName, Severity, Verdict

NOTHING_FURTHER = 1_000_000
"""Percent on record where no further threshold will be."""


class Happening(StrEnum):
    """What moves a clock."""

    ASSIGNED = "assigned"
    ACCEPTED = "accepted"
    CONTACT = "contact"
    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    CLOSED = "closed"
    REOPENED = "reopened"
    SEVERITY = "severity"
    ADOPTED = "adopted"
    ABSORBED = "absorbed"
    REPLIED = "replied"
    REVIEWED = "reviewed"
    PLANNED = "planned"
    DONE = "done"


AFTERCARE = frozenset({Happening.REVIEWED, Happening.PLANNED, Happening.DONE})
"""What follows the close, or may."""


class Rule(NamedTuple):
    """What an escalation is held to: a version of the procedure, on the calendar that was chosen, if one was."""

    policy_version: str
    calendar: str | None = None


class HandedOn(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A promise of the ticket that ended in a merge; `percent`: the share of it that the owner was told is used up."""

    clock: ClockName
    started_at: datetime
    due_at: datetime
    severity: Severity
    percent: int = 0


class Merge(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What a merge brought. `alone`: it is all that is promised, for it opened the escalation."""

    promises: tuple[HandedOn, ...]
    alone: bool = False

    def of(self, clock: ClockName) -> HandedOn | None:
        """Return what it brought of a clock."""
        return next((one for one in self.promises if one.clock is clock), None)


class Fact(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Something that happened.

    `number` is that of the assignment, of the proposal, of the preventive action, or of the update cycle that may begin
    with it; `reply` that of the next-reply cycle, `opening` that of the first response that begins with it, 0 for none.
    `marked`: the assignment is the last in the chain, the message asks for a confirmation, the owner proposed.
    `question`: the message asks the customer something. `next_at`: the time that a person named.
    `void_from`: the version from which it is known that the message never arrived, 0 while it is not.
    `rule`: what holds since a version of the procedure was adopted. `merge`: what was brought by one.
    """

    at: datetime
    version: int
    what: Happening
    number: int = 0
    opening: int = 0
    marked: bool = False
    void_from: int = 0
    contact_id: str = ""
    next_at: datetime | None = None
    severity: Severity | None = None
    question: bool = False
    reply: int = 0
    rule: Rule | None = None
    merge: Merge | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What the router put on record of a cycle, at `at`; `percent` is 0 where it is no threshold.

    `previous`: the verdict that it corrects. `withdrawn`: it takes back what was never due.
    """

    at: datetime
    version: int
    clock: ClockName
    cycle: int
    percent: int = 0
    due_at: datetime | None = None
    verdict: Verdict | None = None
    previous: Verdict | None = None
    unverified: bool = False
    withdrawn: bool = False


class Watch(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A ticket's own front-line SLA."""

    started_at: datetime
    due_at: datetime


class Case(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A ticket: watched (`severity` None) or an escalation, held to `rule` from its start.

    `closed_at` and `followed_up_at`: when the close, and the last of `AFTERCARE`, were put on record.
    `watch` of an escalation is what was watched before it opened by that (`at_risk`). `has_gap`: versions are missing.
    """

    ticket: str
    reference: str
    version: int
    rule: Rule
    started_at: datetime
    severity: Severity | None = None
    watch: Watch | None = None
    at_risk: bool = False
    facts: tuple[Fact, ...] = ()
    entries: tuple[Entry, ...] = ()
    next_update_cycle: int = 2
    closed_at: datetime | None = None
    followed_up_at: datetime | None = None
    has_gap: bool = False

    @property
    def over_at(self) -> datetime | None:
        """When the close was put on record, or what followed it last; None for one that is not closed."""
        return None if self.closed_at is None else max(self.closed_at, self.followed_up_at or self.closed_at)

    @property
    def rules(self) -> frozenset[Rule]:
        """Return all that it is or was held to."""
        return frozenset((self.rule, *(fact.rule for fact in self.facts if fact.rule is not None)))


class Packed(msgspec.Struct, frozen=True, kw_only=True):
    """A case of which nothing is expected any more, as bytes; it may come back."""

    version: int
    packed: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Case)


def packed(case: Case) -> Packed:
    """Return the case in a fifth of its memory."""
    return Packed(version=case.version, packed=_encoder.encode(case))


def unpacked(stored: Packed) -> Case:
    """Return the case as it was."""
    return _decoder.decode(stored.packed)

"""What is remembered of a ticket: the acts that move its clocks, and what the router has on record of them.

Verdicts are never stored as sums that run along: they are worked out from the acts in the order in which those
happened, so a fact that arrives late lands where it belongs.
"""

from datetime import datetime

import msgspec

from schemas.vocabulary import ClockName, Severity, Verdict

EVERYTHING = 1_000_000
"""Percent given where nothing further will be."""


class Act(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag=True):
    """Something that moves a clock; acts of one instant go by the version of the event that told them."""

    at: datetime
    version: int


class Contact(Act, frozen=True, kw_only=True, tag="contact"):
    """A person wrote to the customer. `cycle` is the update cycle that begins with it.

    `request`: it asks to confirm a resolution, so it is one message with the proposal. `void`: it never arrived.
    `next_at`: when the customer is promised to hear again. `question`: it waits for a reply; `by` who asked, for one.
    """

    id: str
    cycle: int
    request: bool = False
    void: bool = False
    next_at: datetime | None = None
    question: bool = False
    by: str = ""


class Replied(Act, frozen=True, kw_only=True, tag="replied"):
    """The customer wrote. `reply` is the next-reply cycle that begins with it; 0 where no answer is awaited."""

    reply: int = 0


class Assigned(Act, frozen=True, kw_only=True, tag="assigned"):
    """Somebody became owner."""

    cycle: int
    last_in_chain: bool


class Accepted(Act, frozen=True, kw_only=True, tag="accepted"):
    """The owner of that cycle acted."""

    cycle: int


class Proposed(Act, frozen=True, kw_only=True, tag="proposed"):
    """The customer is asked whether it is solved. `void`: the message never arrived."""

    proposal: int
    by_owner: bool
    void: bool = False
    by: str = ""


class Confirmed(Act, frozen=True, kw_only=True, tag="confirmed"):
    """The customer says it is solved."""

    by: str = ""


class Rejected(Act, frozen=True, kw_only=True, tag="rejected"):
    """The customer says it is not; `cycle` is the update cycle that begins with it."""

    cycle: int


class Closed(Act, frozen=True, kw_only=True, tag="closed"):
    """The end, unless it is reopened."""

    by: str = ""


class Reopened(Act, frozen=True, kw_only=True, tag="reopened"):
    """The ticket came back; `cycle` is the update cycle that begins with it.

    `reply` is the next-reply cycle; 0 where an agent brought it back, and nobody waits.
    """

    opening: int
    cycle: int
    reply: int = 0


class SeverityChanged(Act, frozen=True, kw_only=True, tag="severity"):
    """Other targets hold from here on, counted from the same start."""

    severity: Severity


class PolicyChanged(Act, frozen=True, kw_only=True, tag="policy"):
    """Another version of the procedure holds from here on, counted from the same start, on the calendar it chooses."""

    policy_version: str
    calendar: str | None = None


class TakenOver(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A promise that ran elsewhere until a merge; `percent` is the share that the owner was told of it there."""

    clock: ClockName
    started_at: datetime
    due_at: datetime
    severity: Severity
    percent: int = 0


class Absorbed(Act, frozen=True, kw_only=True, tag="absorbed"):
    """An escalation was merged into this one, with what it had promised.

    `alone`: those promises are all there is, and take the place of this one's own. `opening` numbers the first-response
    cycle that begins with it, 0 where none does; `cycle` the time that a person had named; `reply` the message that
    waits for an answer, 0 where none came.
    """

    promises: tuple[TakenOver, ...]
    alone: bool
    opening: int
    cycle: int
    reply: int = 0


class Reviewed(Act, frozen=True, kw_only=True, tag="reviewed"):
    """The review after the close was held."""


class ActionPlanned(Act, frozen=True, kw_only=True, tag="action"):
    """A preventive action is to be done by then."""

    number: int
    due_at: datetime


class ActionDone(Act, frozen=True, kw_only=True, tag="done"):
    """It is done."""

    number: int


class Ended(Act, frozen=True, kw_only=True, tag="ended"):
    """Merged or deleted: all clocks end without a verdict. No row is kept with it; it is for explaining."""


AnyAct = (
    Contact
    | Replied
    | Assigned
    | Accepted
    | Proposed
    | Confirmed
    | Rejected
    | Closed
    | Reopened
    | SeverityChanged
    | PolicyChanged
    | Absorbed
    | Reviewed
    | ActionPlanned
    | ActionDone
    | Ended
)


class OnRecord(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What the router has recorded of one cycle of a clock. `percent` is the highest share that was given.

    `unverified`: the breach has had no consequences yet, so it is to be said again. `corrections` counts them.
    `due_at` is when a cycle that is on record as broken was due.
    """

    clock: ClockName
    cycle: int
    percent: int = 0
    verdict: Verdict | None = None
    unverified: bool = False
    corrections: int = 0
    due_at: datetime | None = None


class Promise(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """The next promise that falls due."""

    clock: ClockName
    due_at: datetime


class Row(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag=True):
    """What all rows share. `version` is that of the last event seen of the ticket's stream.

    `wakes_at` is when it is next to be looked at, so that the index of due times is rebuilt without arithmetic.
    `undecided`: its policy version had not arrived when it was kept, so what follows from its acts is still to be said.
    """

    ticket: str
    stream_id: str
    version: int
    policy_version: str
    wakes_at: datetime | None = None
    undecided: bool = False


class WatchedRow(Row, frozen=True, kw_only=True, tag="watched"):
    """A ticket that does not qualify, whose own front-line SLA is watched."""

    started_at: datetime
    due_at: datetime


class EscalationRow(Row, frozen=True, kw_only=True, tag="escalation"):
    """An escalation. `severity`, `policy_version` and `calendar` are those it opened with.

    `acts` are in the order in which they happened. `calendar` is the one chosen for its business clocks; None leaves
    them on that of the severity. `offset` is where the last event that is in it stood in its partition; -1: not known.
    """

    started_at: datetime
    severity: Severity
    acts: tuple[AnyAct, ...] = ()
    on_record: tuple[OnRecord, ...] = ()
    next_update_cycle: int = 2
    promise: Promise | None = None
    calendar: str | None = None
    offset: int = -1

    def record_of(self, clock: ClockName, cycle: int) -> OnRecord:
        """Return what is on record of that cycle; an empty record where nothing is."""
        for record in self.on_record:
            if record.clock is clock and record.cycle == cycle:
                return record
        return OnRecord(clock=clock, cycle=cycle)


AnyRow = WatchedRow | EscalationRow

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[AnyRow] = msgspec.msgpack.Decoder(AnyRow)


def encode_row(row: AnyRow) -> bytes:
    """Return the row as MessagePack; the same row always gives the same bytes."""
    return _encoder.encode(row)


def decode_row(stored: bytes) -> AnyRow:
    """Return the row; raises msgspec.DecodeError for bytes that are none."""
    return _decoder.decode(stored)


class _Head(msgspec.Struct, array_like=True):
    """How every row begins."""

    kind: str
    ticket: str
    stream_id: str
    version: int


_head_decoder = msgspec.msgpack.Decoder(_Head)


def version_in(stored: bytes) -> int:
    """Return the version of a stored row without reading the rest; raises ValueError for what is none."""
    try:
        return _head_decoder.decode(stored).version
    except msgspec.DecodeError as error:
        raise ValueError("not a row") from error

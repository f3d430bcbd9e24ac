"""`escalations.v1`: the life of every escalation, written by the router alone and kept for ever.

Every event carries the escalation as it is after it (`EscalationContext`), enough to act on without asking back.
`meta.occurred_at` is when the act happened; what the router itself decides (`OwnerAssigned`, records of findings)
is dated at the decision.
"""

from datetime import datetime
from typing import Annotated, ClassVar

from schemas.classifications import Judgement, TicketSummary
from schemas.context import NO_CONTEXT, NO_WATCH, EscalationContext, OpenPromise, WatchContext
from schemas.explanation import ClockExplanation
from schemas.message import Actor, Message, doc, pii
from schemas.vocabulary import (
    AssignmentCause,
    ClockName,
    ContactKind,
    IssueType,
    NoticeKind,
    Reason,
    RecordPart,
    ReplyIntent,
    Severity,
    Verdict,
)

_NAMESPACE = "escalon.escalations"


class StreamEvent(Message, frozen=True, kw_only=True):
    """What all events of `escalations.v1` share."""

    namespace: ClassVar[str] = _NAMESPACE


class EscalationEvent(StreamEvent, frozen=True, kw_only=True):
    """What all events of an escalation share."""

    escalation: EscalationContext = NO_CONTEXT


class WatchEvent(StreamEvent, frozen=True, kw_only=True):
    """What the events of a ticket share that need no escalation."""

    watch: WatchContext = NO_WATCH


class TicketWatched(WatchEvent, frozen=True, kw_only=True):
    """The ticket does not qualify; its own front-line SLA is watched."""

    judgement: Judgement
    ticket: TicketSummary
    front_line_started_at: datetime
    front_line_due_at: datetime


class TicketUnwatched(WatchEvent, frozen=True, kw_only=True):
    """The front-line SLA of a watched ticket no longer matters (solved, merged, deleted)."""

    reason: str


class CommandRejected(WatchEvent, frozen=True, kw_only=True):
    """A command was refused; addressed to its sender."""

    command: Annotated[str, doc("Name of the command, e.g. `AcceptEscalation`.")]
    command_id: str
    sender: Actor
    reason: Annotated[str, doc("Why, for the sender.")]


class EscalationOpened(EscalationEvent, frozen=True, kw_only=True):
    """The ticket qualified; the first owner is named in the context and assigned by the event that follows."""

    reasons: tuple[Reason, ...]
    judgement: Judgement


class OwnerAssigned(EscalationEvent, frozen=True, kw_only=True):
    """Somebody became owner and is asked to accept; the acceptance clock starts at `meta.occurred_at`."""

    owner: str
    previous: str | None = None
    cause: AssignmentCause
    cycle: Annotated[int, doc("Number of this assignment, from 1; the acceptance clock's cycle.")]
    last_in_chain: Annotated[bool, doc("Nobody stands behind: management keeps it.")] = False
    by: Annotated[str | None, doc("Who handed over, if somebody did.")] = None
    reason: Annotated[str | None, pii("Why, if somebody said.")] = None


class EscalationAccepted(EscalationEvent, frozen=True, kw_only=True):
    """The owner acted, which ends the acceptance clock of this cycle."""

    by: str
    cycle: int
    explicit: Annotated[bool, doc("By an accept command, which has the acknowledgement sent to the customer.")]


class CustomerInformed(EscalationEvent, frozen=True, kw_only=True):
    """A person wrote to the customer; ends first response and the running update cycle."""

    kind: ContactKind
    by: str
    text: Annotated[str | None, pii("Text for the customer, where we send it.")] = None
    automatic: Annotated[bool, doc("A receipt the policy sends, no person's act: it moves no clock.")] = False
    next_at: Annotated[datetime | None, doc("When the customer is to hear again (UTC); a clock of its own.")] = None
    question: Annotated[bool, doc("It asks the customer something; clocks may stand until the reply.")] = False


class CustomerReplyReceived(EscalationEvent, frozen=True, kw_only=True):
    """The customer wrote on the ticket."""

    intent: ReplyIntent
    excerpt: Annotated[str | None, pii("What was written, at most 500 characters.")] = None
    awaits_reply: Annotated[
        bool | None, doc("Whether an answer of ours is awaited; none where the policy has no clock that goes by it.")
    ] = None


class NoteAdded(EscalationEvent, frozen=True, kw_only=True):
    """An internal note."""

    by: str
    text: Annotated[str, pii("The note.")]


class EvidenceAttached(EscalationEvent, frozen=True, kw_only=True):
    """Evidence, by link and checksum."""

    by: str
    link: Annotated[str, pii("Where it lies.")]
    checksum: str | None = None
    description: Annotated[str | None, pii("What it shows.")] = None


class RootCauseRecorded(EscalationEvent, frozen=True, kw_only=True):
    """The root cause."""

    by: str
    category: str
    text: Annotated[str, pii("The cause in words.")]


class ResolutionProposed(EscalationEvent, frozen=True, kw_only=True):
    """The customer is asked whether it is solved; update and resolution clocks stop."""

    by: str
    category: str
    steps: Annotated[str, pii("What was done, for the customer.")]
    proposal: Annotated[int, doc("Number of this proposal, from 1; the confirmation clock's cycle.")]


class ConfirmationRepeated(EscalationEvent, frozen=True, kw_only=True):
    """The customer did not answer and is asked again."""

    attempt: Annotated[int, doc("1 for the first repetition.")]


class CustomerCallDue(EscalationEvent, frozen=True, kw_only=True):
    """The customer still does not answer; the owner is told to call."""


class ResolutionConfirmed(EscalationEvent, frozen=True, kw_only=True):
    """The customer says it is solved."""

    by: Actor


class DocumentationMissing(EscalationEvent, frozen=True, kw_only=True):
    """Confirmed, but what must be on record is not; the owner is told."""

    missing: tuple[RecordPart, ...]


class ResolutionRejected(EscalationEvent, frozen=True, kw_only=True):
    """The customer says it is not solved; work and clocks resume."""

    by: Actor
    text: Annotated[str | None, pii("What the customer said.")] = None


class EscalationClosed(EscalationEvent, frozen=True, kw_only=True):
    """The end; `confirmed` is false where management closed without the customer's word."""

    by: Actor
    confirmed: bool
    category: str | None = None
    reason: Annotated[str | None, pii("Why, where management closed.")] = None


class EscalationReopened(EscalationEvent, frozen=True, kw_only=True):
    """The ticket came back after the close; the same escalation goes on."""

    opening: Annotated[int, doc("2 for the first reopening.")]


class EscalationReclassified(EscalationEvent, frozen=True, kw_only=True):
    """Severity, type or both changed; the context has the new ones."""

    previous_severity: Severity
    previous_type: IssueType
    by: Actor
    reason: Annotated[str | None, pii("Why, where a person said.")] = None


class PolicyAdopted(EscalationEvent, frozen=True, kw_only=True):
    """Another version of the procedure holds from here on; clocks go on from their start, with its targets."""

    previous: Annotated[str, doc("Version that held before.")]
    version: Annotated[str, doc("Version that holds now.")]


class ReclassificationProposed(EscalationEvent, frozen=True, kw_only=True):
    """A new verdict is lower or of another type; a person decides. Where it names what is in force it is only seen."""

    severity: Severity
    type: IssueType
    verdict: Annotated[Severity | None, doc("The severity judged; `severity` may be the one in force.")] = None


class EscalationMerged(EscalationEvent, frozen=True, kw_only=True):
    """The ticket was merged into another; this escalation ends there."""

    into: str
    reasons: Annotated[tuple[Reason, ...], doc("Why it was an escalation.")] = ()
    promises: Annotated[tuple[OpenPromise, ...], doc("What was promised and is still to be kept.")] = ()
    solved: Annotated[bool | None, doc("Confirmed by the customer; null where that is not known.")] = None


class MergeAbsorbed(EscalationEvent, frozen=True, kw_only=True):
    """Another ticket was merged into this one; of each of its promises that runs, the stricter holds from here on."""

    merged: str
    promises: Annotated[tuple[OpenPromise, ...], doc("What was promised there and is still to be kept.")] = ()
    alone: Annotated[
        bool, doc("This ticket was no escalation: those promises are all it has, and replace its own.")
    ] = False
    opening: Annotated[int, doc("Number of the first-response cycle that begins with it; 0: none does.")] = 0


class EscalationEnded(EscalationEvent, frozen=True, kw_only=True):
    """The ticket was deleted; nobody is promised anything any more."""

    reason: Annotated[str, pii("`deleted`, and why, where the helpdesk says.")]


class OwnerReminded(EscalationEvent, frozen=True, kw_only=True):
    """The owner has not accepted and is reminded."""

    cycle: int
    percent: int


class SlaRecord(EscalationEvent, frozen=True, kw_only=True):
    """What records of clock findings share. Identity: (escalation, clock, cycle, percent)."""

    clock: ClockName
    cycle: int
    due_at: Annotated[datetime, doc("When the promise falls due (UTC).")]
    owner_at: Annotated[str, doc("Owner at that time.")]


class SlaWarned(SlaRecord, frozen=True, kw_only=True):
    """A share of the target is used up; above 100 the clock went on so far past the breach."""

    percent: int
    explanation: Annotated[ClockExplanation | None, doc("Why it stands so.")] = None
    about: Annotated[str | None, pii("Of a preventive action: who is to do what.")] = None


class SlaBreached(SlaRecord, frozen=True, kw_only=True):
    """The target was missed. `unverified`: the pipeline stalled, so a fact that clears it may still be waiting."""

    percent: Annotated[int, doc("Above 100 where it was first found as an overrun.")] = 100
    unverified: bool = False
    explanation: Annotated[ClockExplanation | None, doc("Why it stands so.")] = None
    restored_at: Annotated[datetime | None, doc("Of a resolution that came late: when it was proposed (UTC).")] = None
    about: Annotated[str | None, pii("Of a preventive action: who is to do what.")] = None


class SlaKept(SlaRecord, frozen=True, kw_only=True):
    """The target was met."""

    ended_at: Annotated[datetime, doc("When the act came (UTC); of a resolution, when it was confirmed.")]
    explanation: Annotated[ClockExplanation | None, doc("Why it stands so.")] = None
    restored_at: Annotated[datetime | None, doc("Of a confirmed resolution: when it was proposed (UTC).")] = None


class SlaCorrected(SlaRecord, frozen=True, kw_only=True):
    """A late fact changed a verdict; both stay readable."""

    previous: Verdict
    verdict: Verdict
    withdrawn: Annotated[
        bool, doc("Nothing was due: the cycle never was, or ended before, so that `broken` is taken back.")
    ] = False
    explanation: Annotated[ClockExplanation | None, doc("Why it stands so.")] = None


class OwnerNotified(EscalationEvent, frozen=True, kw_only=True):
    """The owner was reached."""

    notice_id: str
    kind: NoticeKind
    person: str


class CustomerAcknowledged(EscalationEvent, frozen=True, kw_only=True):
    """The acknowledgement reached the customer's channel."""

    notice_id: str


class NoticeFailed(EscalationEvent, frozen=True, kw_only=True):
    """A notice could not be delivered for good; `contact_id` names the message to the customer that it was, if any."""

    notice_id: str
    kind: NoticeKind
    recipient: Annotated[str, doc("Roster key, `customer`, `channel` or `ticket`.")]
    contact_id: str | None = None
    reason: str


CLOCK_EVENTS: frozenset[type[EscalationEvent]] = frozenset(
    {
        EscalationOpened,
        OwnerAssigned,
        EscalationAccepted,
        CustomerInformed,
        ResolutionProposed,
        ResolutionConfirmed,
        ResolutionRejected,
        EscalationClosed,
        EscalationReopened,
        EscalationReclassified,
        PolicyAdopted,
        EscalationMerged,
        MergeAbsorbed,
        EscalationEnded,
        NoticeFailed,
    }
)
"""Events that move clocks: a threshold computed before one of them is dropped by the router and sent again by the
sla_monitor if it still holds."""


def moves_clocks(event: StreamEvent) -> bool:
    """Tell whether a clock of an escalation moves: by one of `CLOCK_EVENTS`, or a reply that the policy times."""
    return type(event) in CLOCK_EVENTS or (isinstance(event, CustomerReplyReceived) and event.awaits_reply is not None)

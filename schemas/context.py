"""What every event of `escalations.v1` says besides itself: the escalation, or the ticket, as it is after it."""

from datetime import datetime
from typing import Annotated, ClassVar

from schemas.classifications import AccountSnapshot
from schemas.message import NEVER, Record, doc, pii
from schemas.tickets import Customer
from schemas.vocabulary import Channel, ClockName, EscalationState, IssueType, Severity

_NAMESPACE = "escalon.escalations"


class EscalationContext(Record, frozen=True, kw_only=True):
    """An escalation as it is after the event."""

    namespace: ClassVar[str] = _NAMESPACE
    escalation_id: Annotated[str, doc("UUID of the stream.")]
    version: Annotated[int, doc("Number of this event in the stream, from 1; readers drop what they have seen.")]
    reference: Annotated[str, doc("What people quote.")]
    ticket: Annotated[str, doc("`<helpdesk>/<ticket_id>`.")]
    ticket_url: Annotated[str | None, doc("Direct link for people.")] = None
    subject: Annotated[str, pii("Subject line.")] = ""
    excerpt: Annotated[str, pii("What the owner needs of the text.")] = ""
    severity: Severity
    type: IssueType
    state: EscalationState
    owner: Annotated[str, doc("Roster key of the one owner.")]
    management: Annotated[str, doc("Roster key of the last in the chain.")]
    started_at: Annotated[datetime, doc("When all clocks start: the fact that made the ticket qualify (UTC).")]
    channel: Annotated[Channel, doc("How the ticket came in.")] = Channel.EMAIL
    customer: Customer = Customer()
    account: AccountSnapshot | None = None
    calendar: Annotated[
        str | None, doc("The policy's calendar its business clocks go by; where null, that of the severity.")
    ] = None


class WatchContext(Record, frozen=True, kw_only=True):
    """A ticket that is no escalation (yet), as far as the router knows it."""

    namespace: ClassVar[str] = _NAMESPACE
    stream_id: Annotated[str, doc("UUID of the stream.")]
    version: Annotated[int, doc("Number of this event in the stream, from 1.")]
    ticket: Annotated[str, doc("`<helpdesk>/<ticket_id>`.")]
    reference: Annotated[str | None, doc("Reference, once it is an escalation.")] = None


class OpenPromise(Record, frozen=True, kw_only=True):
    """A promise that was running when a merge ended its escalation, for the ticket that survives."""

    namespace: ClassVar[str] = _NAMESPACE
    clock: ClockName
    started_at: Annotated[datetime, doc("Since when its clock had run (UTC).")]
    due_at: Annotated[datetime, doc("When it falls due (UTC), had work gone on from the merge.")]
    severity: Annotated[Severity, doc("The severity whose target it is.")]
    percent: Annotated[int, doc("The highest share of it that the owner was told is used up.")] = 0


NO_CONTEXT = EscalationContext(
    escalation_id="",
    version=0,
    reference="",
    ticket="",
    severity=Severity.P4,
    type=IssueType.SERVICE,
    state=EscalationState.OPEN,
    owner="",
    management="",
    started_at=NEVER,
)
NO_WATCH = WatchContext(stream_id="", version=0, ticket="")

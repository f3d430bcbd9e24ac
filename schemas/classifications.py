"""`classifications.v1`: one `TicketClassified` for each ticket event, in order, and how far the classifier is."""

from datetime import datetime
from typing import Annotated, ClassVar

from schemas.message import Message, Record, doc, pii
from schemas.tickets import Customer
from schemas.vocabulary import AuthorKind, Channel, FactKind, IssueType, Reason, ReplyIntent, Severity, TicketStatus

_NAMESPACE = "escalon.classifications"


class AccountSnapshot(Record, frozen=True, kw_only=True):
    """The account as it was known when the ticket was judged."""

    account_id: str
    name: Annotated[str | None, pii("Name of the customer company.")] = None
    tier: Annotated[str | None, doc("standard, business, enterprise …")] = None
    key_account: Annotated[bool, doc("A key account.")] = False
    region: Annotated[str | None, doc("Region, for calendars.")] = None
    contract_value: Annotated[float | None, doc("Yearly value, in the company's currency.")] = None
    renewal_at: Annotated[datetime | None, doc("When the contract renews (UTC).")] = None
    success_owner: Annotated[str | None, doc("Roster key of the account's customer success person.")] = None


class TicketSummary(Record, frozen=True, kw_only=True):
    """What the router and those behind it need of a ticket."""

    namespace: ClassVar[str] = _NAMESPACE
    key: Annotated[str, doc("`<helpdesk>/<ticket_id>`.")]
    url: Annotated[str | None, doc("Direct link for people.")] = None
    subject: Annotated[str, pii("Subject line.")]
    excerpt: Annotated[str, pii("What the owner needs of the text, at most 500 characters.")] = ""
    channel: Channel = Channel.EMAIL
    status: TicketStatus = TicketStatus.OPEN
    customer: Customer = Customer()
    account: AccountSnapshot | None = None
    front_line_started_at: Annotated[datetime | None, doc("Start of the front-line SLA (UTC).")] = None
    front_line_due_at: Annotated[datetime | None, doc("End of the front-line SLA (UTC).")] = None


class Fact(Record, frozen=True, kw_only=True):
    """What happened to the ticket; when, is `meta.occurred_at`."""

    namespace: ClassVar[str] = _NAMESPACE
    kind: FactKind
    author_kind: Annotated[AuthorKind | None, doc("Who wrote, if somebody did.")] = None
    author_id: Annotated[str | None, pii("The author's id; a roster key where it is one of ours.")] = None
    public: Annotated[bool, doc("Seen by the customer.")] = False
    intent: Annotated[ReplyIntent | None, doc("Of a customer's reply.")] = None
    reply_excerpt: Annotated[str | None, pii("Of a customer's reply, at most 500 characters.")] = None
    merged_into: Annotated[str | None, doc("Key of the surviving ticket of a merge.")] = None
    reason: Annotated[str | None, pii("Why it was deleted, where the helpdesk says.")] = None


class Because(Record, frozen=True, kw_only=True):
    """A rule that matched."""

    namespace: ClassVar[str] = _NAMESPACE
    rule: Annotated[str, doc("Name of the rule in the policy.")]
    says: Annotated[str, doc("What the rule concludes, for people.")]
    words: Annotated[tuple[str, ...], pii("The words of the ticket that mattered.")] = ()


class Judgement(Record, frozen=True, kw_only=True):
    """The classifier's verdict on a ticket; severity and type are always given, provisional if it does not qualify."""

    namespace: ClassVar[str] = _NAMESPACE
    qualifies: bool
    reasons: tuple[Reason, ...] = ()
    severity: Severity
    type: IssueType
    also: Annotated[tuple[IssueType, ...], doc("Other types the ticket touches.")] = ()
    confidence: Annotated[float, doc("0 to 1.")] = 1.0
    because: tuple[Because, ...] = ()
    model_version: Annotated[str, doc("Version of the classifier that judged.")] = "rules"


class TicketClassified(Message, frozen=True, kw_only=True):
    """A ticket event with the verdict on the ticket as it then was."""

    namespace: ClassVar[str] = _NAMESPACE
    ticket: TicketSummary
    fact: Fact
    judgement: Judgement


class ClassifierProgressed(Message, frozen=True, kw_only=True):
    """All that had arrived on this partition of `tickets.v1` by `reached_at` stands before this record."""

    namespace: ClassVar[str] = _NAMESPACE
    partition: int
    reached_at: Annotated[datetime, doc("Business time (UTC).")]

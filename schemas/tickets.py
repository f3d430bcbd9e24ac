"""`tickets.v1`: what upstream systems tell us about tickets. Each event carries the ticket as it then is."""

from datetime import datetime
from typing import Annotated, ClassVar

from schemas.ids import TicketKey
from schemas.message import Message, Record, doc, pii
from schemas.vocabulary import AuthorKind, Channel, TicketStatus

_NAMESPACE = "escalon.tickets"


class Customer(Record, frozen=True, kw_only=True):
    """The person who asked for help, and how to reach them."""

    name: Annotated[str | None, pii("Full name.")] = None
    email: Annotated[str | None, pii("E-mail address.")] = None
    phone: Annotated[str | None, pii("Phone number, E.164 where known.")] = None
    preferred_channel: Annotated[Channel | None, doc("Where the customer wants to be reached.")] = None
    language: Annotated[str, doc("Language, BCP 47.")] = "en"
    time_zone: Annotated[str | None, doc("IANA time zone, if known.")] = None


class Comment(Record, frozen=True, kw_only=True):
    """A message on the ticket."""

    namespace: ClassVar[str] = _NAMESPACE
    author_kind: AuthorKind
    author_id: Annotated[str, pii("The helpdesk's id of the author; a person's roster key where it is one of ours.")]
    text: Annotated[str, pii("What was written.")]
    public: Annotated[bool, doc("Seen by the customer.")] = True
    created_at: Annotated[datetime | None, doc("When it was written (UTC).")] = None


class TicketFields(Record, frozen=True, kw_only=True):
    """Structured facts of the ticket; null means nobody filled it in, and a filled one can be wrong."""

    namespace: ClassVar[str] = _NAMESPACE
    service_down: Annotated[bool | None, doc("The service is completely down for the customer.")] = None
    affected_users: Annotated[int | None, doc("How many users are affected.")] = None
    workaround: Annotated[bool | None, doc("A workaround exists.")] = None
    data_loss: Annotated[bool | None, doc("Data was lost.")] = None
    security_incident: Annotated[bool | None, doc("A security incident.")] = None
    refund_amount: Annotated[float | None, doc("Amount asked for, in `currency`.")] = None
    currency: Annotated[str | None, doc("ISO 4217.")] = None
    agent_refund_limit: Annotated[float | None, doc("What this agent's tier may approve, in `currency`.")] = None
    reopen_count: Annotated[int | None, doc("How often the ticket was reopened.")] = None
    contacts_14d: Annotated[int | None, doc("Contacts about the same thing in 14 days, this one included.")] = None
    sla_fraction_left: Annotated[float | None, doc("Share of the front-line SLA left, 0 to 1; 0 is breached.")] = None
    front_line_started_at: Annotated[datetime | None, doc("Start of the front-line SLA (UTC).")] = None
    front_line_due_at: Annotated[datetime | None, doc("End of the front-line SLA (UTC).")] = None
    agent_escalated: Annotated[bool | None, doc("An agent pressed 'escalate'.")] = None
    account_tier: Annotated[str | None, doc("Tier of the account as the helpdesk knows it.")] = None
    key_account: Annotated[bool | None, doc("A key account, as the helpdesk knows it.")] = None
    priority: Annotated[str | None, doc("Priority in the helpdesk.")] = None


class Ticket(Record, frozen=True, kw_only=True):
    """A ticket as it is at the event."""

    namespace: ClassVar[str] = _NAMESPACE
    helpdesk: Annotated[str, doc("Which helpdesk, e.g. `zendesk-eu`; first part of the key.")]
    ticket_id: Annotated[str, doc("The helpdesk's own id; second part of the key.")]
    url: Annotated[str | None, doc("Direct link for people.")] = None
    subject: Annotated[str, pii("Subject line.")]
    description: Annotated[str, pii("What the customer wrote first.")] = ""
    comments: Annotated[tuple[Comment, ...], doc("Messages so far, oldest first; the latest hundred are enough.")] = ()
    channel: Annotated[Channel, doc("How the ticket came in.")] = Channel.EMAIL
    status: Annotated[TicketStatus, doc("Status in the helpdesk.")] = TicketStatus.OPEN
    tags: Annotated[tuple[str, ...], doc("Tags in the helpdesk.")] = ()
    account_id: Annotated[str | None, doc("Key of the account on `accounts.v1`.")] = None
    customer: Customer = Customer()
    fields: TicketFields = TicketFields()

    @property
    def key(self) -> TicketKey:
        """`<helpdesk>/<ticket_id>`."""
        return TicketKey(f"{self.helpdesk}/{self.ticket_id}")


class TicketEvent(Message, frozen=True, kw_only=True):
    """What all events on `tickets.v1` share."""

    namespace: ClassVar[str] = _NAMESPACE
    ticket: Ticket


class TicketOpened(TicketEvent, frozen=True, kw_only=True):
    """A ticket was opened."""


class TicketUpdated(TicketEvent, frozen=True, kw_only=True):
    """Fields of a ticket changed."""


class CustomerReplied(TicketEvent, frozen=True, kw_only=True):
    """The customer wrote."""

    comment: Comment


class AgentReplied(TicketEvent, frozen=True, kw_only=True):
    """An agent, or a bot in an agent's place, wrote; publicly or as a private note."""

    comment: Comment


class TicketStatusChanged(TicketEvent, frozen=True, kw_only=True):
    """The ticket's status in the helpdesk changed."""

    previous: Annotated[TicketStatus | None, doc("Status before.")] = None


class TicketReopened(TicketEvent, frozen=True, kw_only=True):
    """A solved or closed ticket was opened again."""


class TicketMerged(TicketEvent, frozen=True, kw_only=True):
    """The ticket was merged into another and ends."""

    into: Annotated[str, doc("Key of the surviving ticket, `<helpdesk>/<ticket_id>`.")]


class TicketDeleted(TicketEvent, frozen=True, kw_only=True):
    """The ticket was deleted."""

    reason: Annotated[str | None, pii("Why, where the helpdesk says.")] = None

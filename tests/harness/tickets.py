"""Tickets and their events for tests: plain ones, to be changed where a test needs it."""

from datetime import UTC, datetime

from schemas.message import Actor, ActorKind, Meta
from schemas.tickets import Comment, Customer, Ticket, TicketFields
from schemas.vocabulary import AuthorKind

AT = datetime(2026, 6, 2, 8, 0, tzinfo=UTC)


def a_ticket(number: int = 1, description: str = "", fields: TicketFields | None = None) -> Ticket:
    """Return a ticket of the helpdesk `zendesk-eu`."""
    return Ticket(
        helpdesk="zendesk-eu",
        ticket_id=str(number),
        url=f"https://helpdesk.example/{number}",
        subject="A question",
        description=description,
        customer=Customer(name="Ida Berg", email="ida@customer.example"),
        fields=fields or TicketFields(),
    )


def a_comment(text: str, author_kind: AuthorKind = AuthorKind.CUSTOMER, *, public: bool = True) -> Comment:
    """Return a message on a ticket."""
    return Comment(author_kind=author_kind, author_id="ida", text=text, public=public, created_at=AT)


def a_meta(event_id: str, ticket: Ticket, kind: ActorKind = ActorKind.CUSTOMER, at: datetime = AT) -> Meta:
    """Return the identity of an event about the ticket."""
    return Meta(
        id=event_id,
        correlation_id=ticket.key,
        occurred_at=at,
        recorded_at=at,
        actor=Actor(kind=kind, id="ida"),
        producer="zendesk-eu",
    )

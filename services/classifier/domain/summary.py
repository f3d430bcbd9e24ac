"""What of a ticket travels on: the fact, the fields that route it, and an excerpt for the owner."""

import msgspec

from schemas.classifications import AccountSnapshot, Fact, TicketSummary
from schemas.tickets import (
    AgentReplied,
    Comment,
    Customer,
    CustomerReplied,
    Ticket,
    TicketDeleted,
    TicketEvent,
    TicketMerged,
    TicketOpened,
    TicketReopened,
    TicketStatusChanged,
)
from schemas.vocabulary import AuthorKind, FactKind, ReplyIntent

EXCERPT = 500
"""Characters of a customer's text that travel on (architecture: only an excerpt the owner needs)."""
_LONGEST_URL = 2000
_LONGEST_TEXT = 320
"""An e-mail address is at most 320 characters (RFC 3696); no name or phone number needs more."""
_KINDS: tuple[tuple[type[TicketEvent], FactKind], ...] = (
    (TicketOpened, FactKind.OPENED),
    (CustomerReplied, FactKind.CUSTOMER_REPLIED),
    (AgentReplied, FactKind.AGENT_REPLIED),
    (TicketStatusChanged, FactKind.STATUS_CHANGED),
    (TicketReopened, FactKind.REOPENED),
    (TicketMerged, FactKind.MERGED),
    (TicketDeleted, FactKind.DELETED),
)


def comment_of(event: TicketEvent) -> Comment | None:
    """Return what was written, if the event is that somebody wrote."""
    return event.comment if isinstance(event, CustomerReplied | AgentReplied) else None


def with_comment(ticket: Ticket, comment: Comment | None) -> tuple[Comment, ...]:
    """Return the ticket's messages, the one just written among them exactly once."""
    if comment is None or comment in ticket.comments:
        return ticket.comments
    return (*ticket.comments, comment)


def fact_of(event: TicketEvent, intent: ReplyIntent | None) -> Fact:
    """Return what happened; a customer's message is quoted only as an excerpt, anybody else's not at all."""
    kind = next((kind for event_type, kind in _KINDS if isinstance(event, event_type)), FactKind.UPDATED)
    comment = comment_of(event)
    merged_into = event.into if isinstance(event, TicketMerged) else None
    if comment is None:
        author = AuthorKind(event.meta.actor.kind.value)
        reason = event.reason if isinstance(event, TicketDeleted) else None
        return Fact(
            kind=kind, author_kind=author, author_id=event.meta.actor.id, merged_into=merged_into, reason=reason
        )
    customers = comment.author_kind is AuthorKind.CUSTOMER
    return Fact(
        kind=kind,
        author_kind=comment.author_kind,
        author_id=comment.author_id,
        public=comment.public,
        intent=intent,
        reply_excerpt=excerpt(comment.text) if customers else None,
    )


def summary_of(ticket: Ticket, account: AccountSnapshot | None) -> TicketSummary:
    """Return what the router and those behind it need of the ticket."""
    return TicketSummary(
        key=ticket.key,
        url=None if ticket.url is None or len(ticket.url) > _LONGEST_URL else ticket.url,
        subject=excerpt(ticket.subject),
        excerpt=excerpt(ticket.description),
        channel=ticket.channel,
        status=ticket.status,
        customer=_bounded(ticket.customer),
        account=account,
        front_line_started_at=ticket.fields.front_line_started_at,
        front_line_due_at=ticket.fields.front_line_due_at,
    )


def _bounded(customer: Customer) -> Customer:
    """Return the customer with nothing longer than names and addresses are, so that what we write stays small."""
    texts = {name: getattr(customer, name) for name in ("name", "email", "phone", "time_zone")}
    cut = {name: text if text is None else text[:_LONGEST_TEXT] for name, text in texts.items()}
    return msgspec.structs.replace(customer, language=customer.language[:_LONGEST_TEXT], **cut)


def account_known(ticket: Ticket, recorded: AccountSnapshot | None) -> AccountSnapshot | None:
    """Return the account as the CRM has it; else what the helpdesk says of it; None where the ticket names none."""
    if recorded is not None or ticket.account_id is None:
        return recorded
    fields = ticket.fields
    return AccountSnapshot(
        account_id=ticket.account_id, tier=fields.account_tier, key_account=fields.key_account is True
    )


def excerpt(text: str) -> str:
    """Return the text on one line, cut at a word where it is too long."""
    words = " ".join(text[: 4 * EXCERPT].split())
    if len(words) <= EXCERPT:
        return words
    cut = words[: EXCERPT - 1]
    head, space, _ = cut.rpartition(" ")
    return (head if space and len(head) > EXCERPT // 2 else cut) + "…"

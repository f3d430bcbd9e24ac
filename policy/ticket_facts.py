"""What a rule can see: the ticket's structured fields, the account, what the text said, the reasons found.

The words themselves are not here: rules see signals and quantities, never a customer's text.
"""

import math
from collections.abc import Mapping
from datetime import datetime

from policy.cel_check import FieldType, Kind
from policy.criteria import Criteria
from schemas.classifications import AccountSnapshot
from schemas.tickets import Ticket, TicketFields
from schemas.vocabulary import AuthorKind, Reason

Value = bool | float | int | str | list[str] | None
Facts = dict[str, Value]
"""By full path, as a rule names it."""

_LATEST = 20
_BOOL = FieldType(Kind.BOOL)
_NUMBER = FieldType(Kind.NUMBER)
_TEXT = FieldType(Kind.TEXT)
_BOOL_OR_NULL = FieldType(Kind.BOOL, nullable=True)
_NUMBER_OR_NULL = FieldType(Kind.NUMBER, nullable=True)
_TEXT_OR_NULL = FieldType(Kind.TEXT, nullable=True)

TICKET_FIELDS: Mapping[str, FieldType] = {
    "service_down": _BOOL_OR_NULL,
    "affected_users": _NUMBER_OR_NULL,
    "workaround": _BOOL_OR_NULL,
    "data_loss": _BOOL_OR_NULL,
    "security_incident": _BOOL_OR_NULL,
    "refund_amount": _NUMBER_OR_NULL,
    "currency": _TEXT_OR_NULL,
    "agent_refund_limit": _NUMBER_OR_NULL,
    "reopen_count": _NUMBER_OR_NULL,
    "contacts_14d": _NUMBER_OR_NULL,
    "sla_fraction_left": _NUMBER_OR_NULL,
    "agent_escalated": _BOOL_OR_NULL,
    "priority": _TEXT_OR_NULL,
}
"""Fields of the ticket that a rule may read as they are; tier and key account are the account's."""
_PATHS = {name: f"ticket.{name}" for name in TICKET_FIELDS}
_MORE_TICKET_FIELDS: Mapping[str, FieldType] = {
    "channel": _TEXT,
    "status": _TEXT,
    "language": _TEXT,
    "tags": FieldType(Kind.LIST),
    "customer_messages": _NUMBER,
}
_ACCOUNT_FIELDS: Mapping[str, FieldType] = {
    "tier": _TEXT_OR_NULL,
    "key_account": _BOOL,
    "region": _TEXT_OR_NULL,
    "contract_value": _NUMBER_OR_NULL,
    "days_to_renewal": _NUMBER_OR_NULL,
}


def vocabulary(criteria: Criteria) -> dict[str, FieldType]:
    """Return everything a rule on reasons may read."""
    fields = {f"ticket.{name}": kind for name, kind in {**TICKET_FIELDS, **_MORE_TICKET_FIELDS}.items()}
    fields |= {f"account.{name}": kind for name, kind in _ACCOUNT_FIELDS.items()}
    fields |= {f"signal.{name}": _BOOL for name in criteria.signals}
    fields |= {f"count.{name}": _NUMBER for name in criteria.signals}
    fields |= {f"quantity.{name}": _NUMBER for name in criteria.quantities}
    return fields | {"front_line_fraction": _NUMBER}


def vocabulary_after_reasons(criteria: Criteria) -> dict[str, FieldType]:
    """Return everything a rule on severity or type may read: besides, the reasons found and whether there are any."""
    reasons = {f"reason.{reason.value}": _BOOL for reason in Reason}
    return vocabulary(criteria) | reasons | {"qualifies": _BOOL}


def messages_of(ticket: Ticket) -> tuple[str, ...]:
    """Return what the customer wrote, oldest first: the description and the customer's latest comments."""
    written = [comment.text for comment in ticket.comments if comment.author_kind is AuthorKind.CUSTOMER]
    return (ticket.description, *written[-_LATEST:])


def ticket_facts(ticket: Ticket, at: datetime) -> Facts:
    """Return `ticket.*` as it is at the instant (which the share left of the front-line SLA may depend on)."""
    fields = ticket.fields
    facts: Facts = {path: _sound(getattr(fields, name)) for name, path in _PATHS.items()}
    if facts["ticket.sla_fraction_left"] is None:
        facts["ticket.sla_fraction_left"] = _fraction_left(fields, at)
    facts["ticket.channel"] = ticket.channel.value
    facts["ticket.status"] = ticket.status.value
    facts["ticket.language"] = ticket.customer.language
    facts["ticket.tags"] = [tag.lower() for tag in ticket.tags]
    facts["ticket.customer_messages"] = len(messages_of(ticket))
    return facts


def account_facts(fields: TicketFields, account: AccountSnapshot | None, at: datetime) -> Facts:
    """Return `account.*`: the CRM's word, else the helpdesk's; a key account is one if either says so."""
    renewal_at = None if account is None else account.renewal_at
    return {
        "account.tier": fields.account_tier if account is None or account.tier is None else account.tier,
        "account.key_account": bool(fields.key_account) or (account is not None and account.key_account),
        "account.region": None if account is None else account.region,
        "account.contract_value": None if account is None else _sound(account.contract_value),
        "account.days_to_renewal": None if renewal_at is None else (renewal_at - at).days,
    }


def _fraction_left(fields: TicketFields, at: datetime) -> float | None:
    """Return the share left of the front-line SLA by its own dates, 0 to 1; None where they are not both known."""
    started_at, due_at = fields.front_line_started_at, fields.front_line_due_at
    if started_at is None or due_at is None or due_at <= started_at:
        return None
    return min(1.0, max(0.0, (due_at - at) / (due_at - started_at)))


def _sound(value: Value) -> Value:
    """Return the value; a number that is none or does not end compares with nothing, so it counts as not filled in."""
    return None if isinstance(value, float) and not math.isfinite(value) else value

"""Whom an audience is at this moment, and how they can be reached, best way first."""

from collections.abc import Callable, Mapping

import msgspec

from policy.roster import Person, Roster
from schemas.context import EscalationContext
from schemas.escalations import CommandRejected, EscalationEvent, StreamEvent
from schemas.ids import PersonKey
from schemas.message import ActorKind
from schemas.tickets import Customer
from schemas.vocabulary import Audience, Channel
from services.notifier.domain.notice import Address, Transport

_EVERYBODY = "UTC"


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody, a room or a ticket; `key` is what notices and records name."""

    key: str
    audience: Audience
    addresses: tuple[Address, ...]
    name: str | None = None
    language: str = "en"
    time_zone: str = _EVERYBODY
    to_be_called: bool = False
    """The customer wants to be called, so the owner gets a call task."""


def recipient_of(audience: Audience, event: StreamEvent, roster: Roster) -> Recipient | None:
    """Return whom the audience is for this event; None where there is nobody (a sender who is no person of ours)."""
    if audience is Audience.SENDER:
        return _sender(event, roster)
    if not isinstance(event, EscalationEvent):
        return None
    return _ROLES[audience](event.escalation, roster)


def slack_ids(people: tuple[str | None, ...], roster: Roster) -> tuple[str, ...]:
    """Return the Slack ids of those who have one, each once, in order."""
    known = (roster.people.get(PersonKey(key)) for key in people if key is not None)
    return tuple(dict.fromkeys(person.slack for person in known if person is not None and person.slack))


def incident_channel(context: EscalationContext) -> str:
    """Return the name of an escalation's incident channel (Slack: lower case, at most 80 characters)."""
    return f"inc-{context.reference.lower()}"


def _person(key: str, audience: Audience, roster: Roster) -> Recipient:
    # An owner who is not in the roster has no address: the notice fails as `no_contact`, which is told.
    person = roster.people.get(PersonKey(key), Person(name=key, role=""))
    addresses = (
        Address(transport=transport, target=target)
        for transport, target in ((Transport.SLACK, person.slack), (Transport.EMAIL, person.email))
        if target
    )
    return Recipient(
        key=key,
        audience=audience,
        addresses=tuple(addresses),
        name=person.name,
        language=person.language,
        time_zone=person.time_zone,
    )


def _owner(context: EscalationContext, roster: Roster) -> Recipient:
    return _person(context.owner, Audience.OWNER, roster)


def _management(context: EscalationContext, roster: Roster) -> Recipient:
    return _person(context.management, Audience.MANAGEMENT, roster)


def _customer(context: EscalationContext, _roster: Roster) -> Recipient:
    customer = context.customer
    return Recipient(
        key=Audience.CUSTOMER.value,
        audience=Audience.CUSTOMER,
        addresses=_customer_addresses(customer, context),
        name=customer.name,
        language=customer.language,
        time_zone=customer.time_zone or _EVERYBODY,
        to_be_called=_preference(customer, context) is Channel.PHONE and bool(customer.phone),
    )


def _customer_addresses(customer: Customer, context: EscalationContext) -> tuple[Address, ...]:
    ticket = Address(transport=Transport.HELPDESK, target=context.ticket)
    if not customer.email:
        return (ticket,)
    mail = Address(transport=Transport.EMAIL, target=customer.email)
    by_mail = _preference(customer, context) in (Channel.EMAIL, Channel.PHONE)
    return (mail, ticket) if by_mail else (ticket, mail)


def _preference(customer: Customer, context: EscalationContext) -> Channel:
    return customer.preferred_channel or context.channel


def _room(context: EscalationContext, _roster: Roster) -> Recipient:
    name = incident_channel(context)
    return Recipient(key=name, audience=Audience.CHANNEL, addresses=(Address(transport=Transport.ROOM, target=name),))


def _ticket(context: EscalationContext, _roster: Roster) -> Recipient:
    address = Address(transport=Transport.HELPDESK, target=context.ticket)
    return Recipient(key=context.ticket, audience=Audience.TICKET, addresses=(address,))


def _sender(event: StreamEvent, roster: Roster) -> Recipient | None:
    if not isinstance(event, CommandRejected) or event.sender.kind is not ActorKind.PERSON:
        return None
    known = PersonKey(event.sender.id) in roster.people
    return _person(event.sender.id, Audience.SENDER, roster) if known else None


_ROLES: Mapping[Audience, Callable[[EscalationContext, Roster], Recipient]] = {
    Audience.OWNER: _owner,
    Audience.MANAGEMENT: _management,
    Audience.CUSTOMER: _customer,
    Audience.CHANNEL: _room,
    Audience.TICKET: _ticket,
}

"""What happens in a story, as the messages upstream systems and people would send."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from ops.scenario import language as said
from ops.scenario.parts import DeletedBecause
from schemas import commands, tickets
from schemas.ids import derived_id
from schemas.message import Actor, ActorKind, Message, Meta
from schemas.tickets import Comment, Customer, Ticket, TicketFields
from schemas.vocabulary import AuthorKind, TicketStatus

_CUSTOMER = Actor(kind=ActorKind.CUSTOMER, id="customer")
_REACHABLE = Customer(name="Carla Customer", email="carla@customer.example", language="en")


class Cast:
    """Keeps the tickets as they are told and turns each act into a message; `verdicts` are those given so far."""

    def __init__(self) -> None:
        self.verdicts: dict[str, said.VerdictGiven] = {}
        self._tickets: dict[str, Ticket] = {}

    def message(self, when: said.When, now: datetime) -> Message:
        """Return the message the act is, sealed; `now` is when it reaches us."""
        draft, actor = self._draft(when)
        meta = Meta(
            id=derived_id("story", str(when.line), when.at.isoformat(), when.ticket),
            correlation_id=when.ticket,
            occurred_at=when.at,
            recorded_at=now,
            actor=actor,
            producer=when.ticket.partition("/")[0],
        )
        return replace(draft, meta=meta)

    def _draft(self, when: said.When) -> tuple[Message, Actor]:
        command = _COMMANDS.get(when.word)
        if command is not None:
            by = getattr(when.act, "by", None)
            return command(when.ticket, when.act), _CUSTOMER if by is None else _person(by)
        return _TICKET_WORDS[when.word](self, when.ticket, when.act)

    def customer_replied(self, key: str, act: said.CustomerRepliedWith) -> tuple[Message, Actor]:
        """Tell what the customer writes."""
        comment = Comment(author_kind=AuthorKind.CUSTOMER, author_id="customer", text=act.text, public=True)
        return tickets.CustomerReplied(ticket=self._commented(key, comment), comment=comment), _CUSTOMER

    def agent_replied(self, key: str, act: said.AgentRepliedWith) -> tuple[Message, Actor]:
        """Tell what an agent or a bot writes."""
        comment = Comment(author_kind=act.author_kind, author_id=act.by, text=act.text, public=act.public)
        actor = Actor(kind=ActorKind(act.author_kind.value), id=act.by)
        return tickets.AgentReplied(ticket=self._commented(key, comment), comment=comment), actor

    def reopened(self, key: str, _act: said.Nothing) -> tuple[Message, Actor]:
        """Tell that the ticket comes back."""
        return tickets.TicketReopened(ticket=self._in_status(key, TicketStatus.OPEN)), _CUSTOMER

    def merged(self, key: str, act: said.MergedInto) -> tuple[Message, Actor]:
        """Tell that the ticket is merged into another."""
        return tickets.TicketMerged(ticket=self._in_status(key, TicketStatus.CLOSED), into=act.into), _person("front")

    def merged_into(self, key: str, into: str) -> tuple[Message, Actor]:
        """Tell the same, in one word."""
        return self.merged(key, said.MergedInto(into=into))

    def deleted(self, key: str, act: DeletedBecause) -> tuple[Message, Actor]:
        """Tell that the ticket is deleted."""
        return tickets.TicketDeleted(ticket=self._in_status(key, TicketStatus.CLOSED), reason=act.reason), _person(
            "front"
        )

    def opened(self, key: str, act: said.Opened) -> tuple[Message, Actor]:
        """Tell that a ticket is opened."""
        helpdesk, _, number = key.partition("/")
        self._judged(key, act.verdict)
        self._tickets[key] = Ticket(
            helpdesk=helpdesk,
            ticket_id=number,
            url=f"https://{helpdesk}.example/tickets/{number}",
            subject=act.subject,
            description=act.description,
            comments=tuple(_comment(one) for one in act.comments),
            channel=act.channel,
            account_id=act.account,
            customer=act.customer or replace(_REACHABLE, language=act.language),
            fields=msgspec.convert(act.fields, type=TicketFields),
        )
        return tickets.TicketOpened(ticket=self._tickets[key]), _CUSTOMER

    def changed(self, key: str, act: said.Changed) -> tuple[Message, Actor]:
        """Tell that fields of the ticket, or the verdict on it, change."""
        self._judged(key, act.verdict)
        before = self._ticket(key)
        fields = {**msgspec.structs.asdict(before.fields), **act.fields}
        self._tickets[key] = replace(
            before,
            subject=act.subject or before.subject,
            description=act.description or before.description,
            fields=msgspec.convert(fields, type=TicketFields),
        )
        return tickets.TicketUpdated(ticket=self._tickets[key]), _person("front")

    def _commented(self, key: str, comment: Comment) -> Ticket:
        before = self._ticket(key)
        self._tickets[key] = replace(before, comments=(*before.comments, comment))
        return self._tickets[key]

    def status(self, key: str, status: TicketStatus) -> tuple[Message, Actor]:
        """Tell that the status in the helpdesk changes."""
        previous = self._ticket(key).status
        changed = tickets.TicketStatusChanged(ticket=self._in_status(key, status), previous=previous)
        return changed, _person("front")

    def _in_status(self, key: str, status: TicketStatus) -> Ticket:
        self._tickets[key] = replace(self._ticket(key), status=status)
        return self._tickets[key]

    def _ticket(self, key: str) -> Ticket:
        helpdesk, _, number = key.partition("/")
        return self._tickets.get(key) or Ticket(helpdesk=helpdesk, ticket_id=number, subject="")

    def _judged(self, key: str, verdict: said.VerdictGiven | None) -> None:
        if verdict is not None:
            self.verdicts[key] = verdict


def _person(key: str) -> Actor:
    return Actor(kind=ActorKind.PERSON, id=key)


def _comment(given: said.CommentGiven) -> Comment:
    customer = given.author == AuthorKind.CUSTOMER
    kind = AuthorKind.CUSTOMER if customer else AuthorKind.PERSON
    return Comment(author_kind=kind, author_id=given.author, text=given.text)


_COMMANDS: dict[str, Callable[[str, Any], Message]] = {
    "accept": lambda key, _: commands.AcceptEscalation(ticket=key),
    "update": lambda key, act: commands.SendUpdate(ticket=key, text=act.text, next_at=act.next_at),
    "question": lambda key, act: commands.SendUpdate(ticket=key, text=act.text, question=True),
    "promise": lambda key, act: commands.SendUpdate(ticket=key, text=act.text, next_at=act.next_at),
    "note": lambda key, act: commands.AddNote(ticket=key, text=act.text),
    "root_cause": lambda key, act: commands.RecordRootCause(ticket=key, category=act.category, text=act.text),
    "evidence": lambda key, act: commands.AttachEvidence(ticket=key, link=act.link),
    "review": lambda key, act: commands.RecordReview(ticket=key, text=act.text),
    "preventive_action": lambda key, act: commands.PlanPreventiveAction(
        ticket=key, action=act.action, kind=act.kind, text=act.text, owner=act.owner, due_at=act.due_at
    ),
    "action_done": lambda key, act: commands.CompletePreventiveAction(ticket=key, action=act.action),
    "resolve": lambda key, act: commands.ProposeResolution(ticket=key, category=act.category, steps=act.steps),
    "confirm": lambda key, _: commands.ConfirmResolution(ticket=key),
    "reject": lambda key, act: commands.RejectResolution(ticket=key, text=act.text),
    "reassign": lambda key, act: commands.ReassignEscalation(ticket=key, to=act.to, reason=act.reason),
    "reclassify": lambda key, act: commands.ReclassifyEscalation(
        ticket=key, severity=act.severity, type=act.type, reason=act.reason
    ),
    "close": lambda key, act: commands.CloseEscalation(ticket=key, reason=act.reason),
}
_TICKET_WORDS: dict[str, Callable[[Cast, str, Any], tuple[Message, Actor]]] = {
    "opened": Cast.opened,
    "changed": Cast.changed,
    "customer_replied": Cast.customer_replied,
    "agent_replied": Cast.agent_replied,
    "status": Cast.status,
    "reopened": Cast.reopened,
    "merged": Cast.merged,
    "merged_into": Cast.merged_into,
    "deleted": Cast.deleted,
}

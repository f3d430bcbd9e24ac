"""Seeded histories of tickets as a helpdesk and people write them, in acts; and orders in which they may be delivered.

Within one act a ticket gets either ticket events or commands: Kafka orders these two against each other for nobody.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from policy.loader import load_policy, load_roster
from policy.rota import chain
from schemas import commands, tickets
from schemas.ids import derived_id
from schemas.message import Actor, ActorKind, Message, Meta
from schemas.tickets import Comment, Customer, Ticket, TicketFields
from schemas.vocabulary import AuthorKind, IssueType, Severity, TicketStatus

BEGAN_AT = datetime(2026, 6, 2, 8, 0, tzinfo=UTC)
ACTS = 6
_ACT = timedelta(seconds=30)
_DEFAULT_POLICY = Path(__file__).parents[2] / "policy" / "default"
_SOLVED = "It is solved, thank you."
_FRONT_LINE = timedelta(hours=8)


def act_ends_at(act: int) -> datetime:
    """Return the business time at which an act is handled; all of it happened in the half minute before."""
    return BEGAN_AT + act * _ACT


@dataclass(frozen=True, slots=True)
class Written:
    """Something that was published, with its record's key."""

    key: str
    message: Message


@dataclass(slots=True)
class History:
    """What is written about one ticket, act by act, in order."""

    ticket: Ticket
    acts: dict[int, list[Written]] = field(default_factory=dict)
    act: int = 0

    @property
    def key(self) -> str:
        """`<helpdesk>/<ticket_id>`."""
        return self.ticket.key

    def opened(self) -> None:
        """Open it."""
        self._write(tickets.TicketOpened(ticket=self.ticket))

    def updated(self, **fields: object) -> None:
        """Change fields."""
        self.ticket = replace(self.ticket, fields=replace(self.ticket.fields, **fields))
        self._write(tickets.TicketUpdated(ticket=self.ticket))

    def customer(self, text: str) -> None:
        """Have the customer write."""
        comment = self._comment(text, AuthorKind.CUSTOMER, "carla", public=True)
        self._write(tickets.CustomerReplied(ticket=self.ticket, comment=comment))

    def agent(
        self, text: str, by: str = "agent-7", *, public: bool = True, kind: AuthorKind = AuthorKind.PERSON
    ) -> None:
        """Have somebody on our side write."""
        comment = self._comment(text, kind, by, public=public)
        self._write(tickets.AgentReplied(ticket=self.ticket, comment=comment))

    def status(self, status: TicketStatus) -> None:
        """Change the helpdesk's status."""
        previous, self.ticket = self.ticket.status, replace(self.ticket, status=status)
        self._write(tickets.TicketStatusChanged(ticket=self.ticket, previous=previous))

    def reopened(self) -> None:
        """Open it again."""
        self.ticket = replace(self.ticket, status=TicketStatus.OPEN)
        self._write(tickets.TicketReopened(ticket=self.ticket))

    def merged(self, into: "History") -> None:
        """Merge it into another one."""
        self._write(tickets.TicketMerged(ticket=self.ticket, into=into.key))

    def deleted(self) -> None:
        """Delete it."""
        self._write(tickets.TicketDeleted(ticket=self.ticket))

    def command(self, command: commands.Command, by: str) -> None:
        """Have one of our people ask for something."""
        self._write(command, by)

    def _comment(self, text: str, kind: AuthorKind, author: str, *, public: bool) -> Comment:
        comment = Comment(author_kind=kind, author_id=author, text=text, public=public, created_at=self._now())
        self.ticket = replace(self.ticket, comments=(*self.ticket.comments, comment))
        return comment

    def _now(self) -> datetime:
        number = len(self.acts.get(self.act, ()))
        return act_ends_at(self.act) - _ACT + timedelta(seconds=1 + number)

    def _write(self, draft: Message, by: str | None = None) -> None:
        written = self.acts.setdefault(self.act, [])
        at = self._now()
        meta = Meta(
            id=derived_id("history", self.key, str(self.act), str(len(written))),
            correlation_id=self.key,
            occurred_at=at,
            recorded_at=at,
            actor=_actor(draft, by),
            producer="escalon-ops" if by else self.ticket.helpdesk,
        )
        written.append(Written(self.key, replace(draft, meta=meta)))


def _actor(draft: Message, by: str | None) -> Actor:
    if isinstance(draft, tickets.AgentReplied | tickets.CustomerReplied):
        return Actor(kind=ActorKind(draft.comment.author_kind.value), id=draft.comment.author_id)
    if by is not None:
        return Actor(kind=ActorKind.PERSON, id=by)
    return Actor(kind=ActorKind.CUSTOMER, id="carla")


class Cast:
    """Who owns which type at the time of the story, by the default policy and roster."""

    def __init__(self) -> None:
        routing, roster = load_policy(_DEFAULT_POLICY).policy.routing, load_roster(_DEFAULT_POLICY)
        self._chains = {kind: chain(routing, roster, kind, BEGAN_AT) for kind in IssueType}

    def owner(self, kind: IssueType) -> str:
        """Return who is asked first."""
        return self._chains[kind][0]

    def management(self, kind: IssueType) -> str:
        """Return the last of the chain."""
        return self._chains[kind][-1]


def ticket_histories(seed: int, ticket_events: int) -> list[History]:
    """Return histories with that many ticket events in all, and the commands that belong to them."""
    writer = _Writer(random.Random(seed))
    while writer.ticket_events < ticket_events:
        writer.write_some()
    return writer.cut_to(ticket_events)


class _Writer:
    """Writes one history, or two that meet, after the other."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._cast = Cast()
        self._histories: list[History] = []

    @property
    def ticket_events(self) -> int:
        return sum(isinstance(one.message, tickets.TicketEvent) for one in _all(self._histories))

    def write_some(self) -> None:
        """Write a history of each shape, in an order of its own."""
        shapes: list[Callable[[], None]] = [
            self._question,
            self._watched,
            self._outage_to_the_end,
            self._outage_reopened,
            self._rejected,
            self._refund_that_grows,
            self._deleted,
            self._merged_into_an_escalation,
            self._merged_into_a_question,
        ]
        self._rng.shuffle(shapes)
        for shape in shapes:
            shape()

    def cut_to(self, ticket_events: int) -> list[History]:
        """Fill up or cut what is a few events too many: updates of a plain question, which are worth nothing."""
        surplus = self.ticket_events - ticket_events
        for history in reversed(self._histories):
            written = history.acts.get(ACTS - 1, [])
            while surplus and written and isinstance(written[-1].message, tickets.TicketUpdated):
                written.pop()
                surplus -= 1
        assert surplus == 0, "too few idle updates to cut"
        return self._histories

    def _new(self, subject: str, description: str, fields: TicketFields | None = None) -> History:
        number = f"h{len(self._histories)}-{self._rng.randrange(16**6):06x}"
        ticket = Ticket(
            helpdesk="zendesk-eu",
            ticket_id=number,
            url=f"https://helpdesk.example/{number}",
            subject=subject,
            description=description,
            customer=Customer(name="Carla Customer", email="carla@customer.example"),
            fields=fields or TicketFields(),
        )
        history = History(ticket)
        self._histories.append(history)
        history.opened()
        return history

    def _a_question(self) -> History:
        return self._new("How do I export my report?", "I cannot find the button in the new menu.")

    def _an_outage(self) -> History:
        return self._new(
            "Everything is down",
            "Every page answers 503 for all our users.",
            TicketFields(service_down=True, agent_escalated=True),
        )

    def _question(self) -> None:
        """Answered and over; at the end it idles on, as tickets do."""
        asked = self._a_question()
        asked.agent("It is under Reports, then Export.")
        asked.act = 1
        asked.customer(_SOLVED)
        asked.status(TicketStatus.SOLVED)
        asked.act = ACTS - 1
        for number in range(self._rng.randint(3, 7)):
            asked.updated(priority=f"low-{number}")

    def _watched(self) -> None:
        """Solved before it was watched: that solving, come again, must not end the watch."""
        asked = self._a_question()
        asked.status(TicketStatus.SOLVED)
        asked.act = 1
        asked.reopened()
        soon = self._rng.random() < 0.3
        due_at = BEGAN_AT + (timedelta(minutes=20) if soon else _FRONT_LINE)
        asked.updated(front_line_started_at=BEGAN_AT, front_line_due_at=due_at)
        asked.act = 3
        asked.agent("We are on it.", public=False)
        if self._rng.random() < 0.4:
            asked.status(TicketStatus.SOLVED)
            asked.act = 4
            asked.reopened()

    def _outage_in_work(self) -> History:
        """Down, taken on by its owner, who says so."""
        outage, owner = self._an_outage(), self._cast.owner(IssueType.TECHNICAL)
        outage.agent("Noted for the shift.", public=False)
        outage.agent("Our own tag, coming back.", "escalon", public=False, kind=AuthorKind.ESCALON)
        outage.customer("When will you call me?")
        outage.act = 1
        outage.command(commands.ConfirmResolution(ticket=outage.key), owner)
        outage.command(commands.AcceptEscalation(ticket=outage.key), owner)
        outage.command(commands.AcceptEscalation(ticket=outage.key), owner)
        outage.command(commands.RecordRootCause(ticket=outage.key, category="defect", text="a lost disk"), owner)
        outage.command(commands.AttachEvidence(ticket=outage.key, link="https://logs.example/1"), owner)
        outage.act = 2
        outage.agent("We replace the disk.", owner)
        outage.customer(_SOLVED)
        outage.reopened()
        outage.act = 3
        outage.command(commands.ProposeResolution(ticket=outage.key, category="fixed", steps="A new disk."), owner)
        outage.act = 4
        return outage

    def _outage_to_the_end(self) -> None:
        outage = self._outage_in_work()
        outage.customer(_SOLVED)
        outage.customer("Thanks for the quick answer.")
        outage.status(TicketStatus.CLOSED)

    def _outage_reopened(self) -> None:
        outage = self._outage_in_work()
        outage.customer("Thanks for the quick answer.")
        outage.customer(_SOLVED)
        outage.customer("Goodbye.")
        outage.act = 5
        outage.reopened()
        outage.customer("It is down once more.")

    def _rejected(self) -> None:
        outage = self._outage_in_work()
        outage.customer("Still not working.")
        outage.agent("We look again.", self._cast.owner(IssueType.TECHNICAL))
        outage.act = 5
        outsider = self._cast.owner(IssueType.BILLING)
        outage.command(commands.SendUpdate(ticket=outage.key, text="A second disk is on its way."), outsider)
        outage.command(commands.AcceptEscalation(ticket=outage.key), outsider)
        outage.command(commands.ReassignEscalation(ticket=outage.key, to=outsider, reason="Money."), outsider)

    def _refund_that_grows(self) -> None:
        """A verdict that goes up, down and up, and a person who says otherwise."""
        owner = self._cast.owner(IssueType.BILLING)
        fields = TicketFields(refund_amount=480.0, currency="EUR", agent_refund_limit=100.0, affected_users=1)
        refund = self._new("Refund", "I was charged twice for the yearly plan, please refund the second.", fields)
        refund.updated(affected_users=60)
        refund.updated(service_down=True)
        refund.updated(service_down=None)
        refund.act = 1
        severity = self._rng.choice([Severity.P2, Severity.P3])
        down = commands.ReclassifyEscalation(ticket=refund.key, severity=severity, reason="Nobody is blocked.")
        refund.command(commands.AddNote(ticket=refund.key, text="Two bookings."), owner)
        refund.command(down, owner)
        refund.act = 2
        refund.updated(affected_users=2)
        refund.updated(affected_users=1)
        refund.customer("I want to speak to your manager.")

    def _deleted(self) -> None:
        outage = self._an_outage()
        outage.customer("Hello?")
        outage.act = self._rng.randint(0, 3)
        outage.deleted()

    def _merged_into_an_escalation(self) -> None:
        """Twins, one of which ends in the other; told of in an act after both were opened."""
        survivor, *others = [self._an_outage() for _ in range(self._rng.randint(2, 4))]
        for act, other in enumerate(others, start=1):
            other.act = act
            other.customer("It is the same as my other ticket.")
            other.merged(survivor)
            survivor.act = act
            survivor.customer("Any news?")

    def _merged_into_a_question(self) -> None:
        """The survivor becomes an escalation by it, and itself ends in a third one later on."""
        outage, question, last = self._an_outage(), self._a_question(), self._a_question()
        outage.act = 1
        outage.merged(question)
        question.act = last.act = 2
        question.customer("Any news?")
        last.agent("Under Reports.", public=False)
        question.act = 3
        question.merged(last)
        last.act = 4
        last.customer("I am the last one here.")


def clean_order(histories: Iterable[History], act: int, rng: random.Random) -> list[Written]:
    """Return an act of all histories, each message once, tickets mixed."""
    return _mixed([list(history.acts.get(act, ())) for history in histories], rng)


class Doubled:
    """Delivers each message twice: the first copies of a ticket in order, the second ones anywhere after."""

    def __init__(self, histories: Sequence[History], rng: random.Random) -> None:
        self._histories = histories
        self._rng = rng
        self._late: dict[int, dict[str, list[Written]]] = {}

    def order(self, act: int) -> list[Written]:
        """Return an act's deliveries with the second copies that come in it; acts are asked for in order.

        The act after the last has nothing but late copies.
        """
        lines = [self._with_copies(history, act) for history in self._histories if act in history.acts]
        late = list(self._late.pop(act, {}).values())
        return _mixed([*lines, *late], self._rng)

    def _with_copies(self, history: History, act: int) -> list[Written]:
        first = list(history.acts.get(act, ()))
        match self._rng.choice(("at once", "replayed", "scattered", "late", "late and shuffled")):
            case "at once":
                return [copy for one in first for copy in (one, one)]
            case "replayed":
                return [*first, *first]
            case "scattered":
                return self._scattered(first)
            case how:
                again = self._rng.sample(first, len(first)) if how == "late and shuffled" else first
                later = self._late.setdefault(self._rng.randint(act + 1, ACTS), {})
                later.setdefault(history.key, []).extend(again)
                return first

    def _scattered(self, first: Sequence[Written]) -> list[Written]:
        line = list(first)
        for one in first:
            line.insert(self._rng.randint(line.index(one) + 1, len(line)), one)
        return line


def _mixed(lines: Sequence[list[Written]], rng: random.Random) -> list[Written]:
    """Mix lines at random, the order within each kept."""
    turns = [number for number, line in enumerate(lines) for _ in line]
    rng.shuffle(turns)
    following = [iter(line) for line in lines]
    return [next(following[number]) for number in turns]


def _all(histories: Iterable[History]) -> Iterator[Written]:
    return (one for history in histories for act in history.acts.values() for one in act)

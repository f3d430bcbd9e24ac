"""Tells the router a ticket's life in one line each, with in-memory ports and a turned clock."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from msgspec.structs import replace

from policy.communication import Communication
from policy.criteria import Criteria
from policy.model import Policy, VersionedPolicy
from policy.roster import Absence, Person, Roster
from policy.routing import ChainStep, Routing
from policy.targets import Measure, SeverityPolicy, Target
from schemas import commands
from schemas.classifications import Fact, Judgement, TicketClassified, TicketSummary
from schemas.commands import Command
from schemas.escalations import StreamEvent
from schemas.ids import PersonKey, PolicyVersion, TicketKey, derived_id
from schemas.message import Actor, ActorKind, Message, Meta
from schemas.notifications import NoticeOutcome
from schemas.sla import SlaFinding, ThresholdReached
from schemas.vocabulary import AuthorKind, ClockName, FactKind, IssueType, Reason, RecordPart, Severity
from services.router.adapters.in_memory import InMemoryEscalationBatch
from services.router.domain.evidence import Evidence
from services.router.domain.state import Escalation, TicketState
from services.router.handlers import Router
from wire.reference_data import PolicyRegistry, RosterRegistry

E = TypeVar("E", bound=StreamEvent)
TICKET = TicketKey("zendesk-eu/48213")
START = datetime(2026, 6, 2, 8, tzinfo=UTC)
VERSION = PolicyVersion("2026-06")
NEXT_VERSION = PolicyVersion("2026-07")
"""Another policy that is here; `Told.policies` holds what else comes."""
ANA, BEN, MIA, CLEO, DOV, ELI = (
    Actor(kind=ActorKind.PERSON, id=name) for name in ("ana", "ben", "mia", "cleo", "dov", "eli")
)
CUSTOMER = Actor(kind=ActorKind.CUSTOMER, id="c-1")
CHAINS = {
    IssueType.TECHNICAL: ("ana", "ben", "mia"),
    IssueType.BILLING: ("cleo", "mia"),
    IssueType.SERVICE: ("dov", "mia"),
    IssueType.COMPLIANCE: ("eli", "mia"),
}
SEEN_ALL = Evidence(classified_until=datetime(2100, 1, 1, tzinfo=UTC), commands_read=True)


def routing() -> Routing:
    chains = {type_: tuple(ChainStep(person=PersonKey(name)) for name in names) for type_, names in CHAINS.items()}
    return Routing(chains=chains, fallback=PersonKey("mia"))


def roster() -> Roster:
    names = {name for chain in CHAINS.values() for name in chain}
    return Roster(people={PersonKey(name): Person(name=name.title(), role="Engineer") for name in sorted(names)})


def severity_policy(severity: Severity) -> SeverityPolicy:
    hour = Target(measure=Measure.ELAPSED, amount=3600)
    grave = severity.rank <= 2
    parts = (RecordPart.ROOT_CAUSE, RecordPart.EVIDENCE, RecordPart.CATEGORY) if grave else (RecordPart.CATEGORY,)
    return SeverityPolicy(impact="", first_response=hour, resolution=hour, confirmation=hour, documentation=parts)


def policy(routes: Routing | None = None) -> Policy:
    return Policy(
        label="tests",
        criteria=Criteria(signals={}, reasons={}, severities=(), types=()),
        severities={severity: severity_policy(severity) for severity in Severity},
        calendars={},
        routing=routes or routing(),
        communication=Communication(notices=(), templates={}),
    )


def judgement(
    severity: Severity = Severity.P2, type_: IssueType = IssueType.TECHNICAL, *, qualifies: bool = True
) -> Judgement:
    reasons = (Reason.AGENT_ESCALATED,) if qualifies else ()
    return Judgement(qualifies=qualifies, reasons=reasons, severity=severity, type=type_)


SUMMARY = TicketSummary(key=TICKET, subject="Search finds nothing")
OPENED = Fact(kind=FactKind.OPENED, author_kind=AuthorKind.CUSTOMER)
UPDATED = Fact(kind=FactKind.UPDATED)


class Told:
    """A router that is told things; remembers the events each thing led to."""

    def __init__(self, routes: Routing | None = None) -> None:
        self.rosters = RosterRegistry(roster())
        self.batch = InMemoryEscalationBatch()
        known = policy(routes)
        self.policies = PolicyRegistry(
            [VersionedPolicy(version=version, policy=known) for version in (NEXT_VERSION, VERSION)]
        )
        self.router = Router(self.policies, self.rosters)
        self.now = START
        self._count = 0

    @property
    def state(self) -> TicketState:
        return self.batch.load(TICKET)

    @property
    def escalation(self) -> Escalation:
        escalation = self.state.escalation
        assert escalation is not None
        return escalation

    def meta(self, actor: Actor, at: datetime | None = None, policy_version: str | None = None) -> Meta:
        self._count += 1
        return Meta(
            id=derived_id("told", str(self._count)),
            correlation_id=TICKET,
            occurred_at=at or self.now,
            recorded_at=self.now,
            actor=actor,
            producer="tests",
            policy_version=policy_version,
        )

    def after(self, minutes: float) -> "Told":
        self.now += timedelta(minutes=minutes)
        return self

    def fact(
        self,
        fact: Fact = UPDATED,
        verdict: Judgement | None = None,
        *,
        ticket: TicketSummary = SUMMARY,
        actor: Actor = CUSTOMER,
        at: datetime | None = None,
    ) -> list[StreamEvent]:
        meta = self.meta(actor, at, VERSION)
        return self.tell(TicketClassified(meta=meta, ticket=ticket, fact=fact, judgement=verdict or judgement()))

    def opened(self, severity: Severity = Severity.P2, type_: IssueType = IssueType.TECHNICAL) -> "Told":
        self.fact(OPENED, judgement(severity, type_))
        return self

    def take_off_duty(self, person: str) -> None:
        away = Absence(person=PersonKey(person), starts_at=START, ends_at=START + timedelta(days=9))
        self.rosters.replace(replace(self.rosters.current(), absences=(away,)))

    def command(self, command: Command, by: Actor) -> list[StreamEvent]:
        return self.tell(replace(command, meta=self.meta(by)))

    def accepted(self) -> "Told":
        owner = Actor(kind=ActorKind.PERSON, id=self.escalation.owner)
        self.command(commands.AcceptEscalation(ticket=TICKET), owner)
        return self

    def proposed(self) -> "Told":
        owner = Actor(kind=ActorKind.PERSON, id=self.escalation.owner)
        self.command(commands.ProposeResolution(ticket=TICKET, category="fixed", steps="index rebuilt"), owner)
        return self

    def threshold(self, clock: ClockName, cycle: int, percent: int, *, version: int | None = None) -> ThresholdReached:
        return ThresholdReached(
            meta=self.meta(Actor(kind=ActorKind.ESCALON, id="sla_monitor")),
            ticket=TICKET,
            version=self.state.version if version is None else version,
            clock=clock,
            cycle=cycle,
            percent=percent,
            reached_at=self.now,
            due_at=self.now,
        )

    def reached(self, clock: ClockName, cycle: int, percent: int) -> list[StreamEvent]:
        return self.tell(self.threshold(clock, cycle, percent))

    def tell(self, message: Message, evidence: Evidence = SEEN_ALL) -> list[StreamEvent]:
        if isinstance(message, TicketClassified):
            self.router.on_ticket_classified(message, self.batch, self.now)
        elif isinstance(message, Command):
            self.router.on_command(message, self.batch, self.now)
        elif isinstance(message, SlaFinding):
            self.router.on_finding(message, self.batch, self.now, evidence)
        elif isinstance(message, NoticeOutcome):
            self.router.on_notice_outcome(message, self.batch, self.now)
        return self.batch.take()


def names(events: Sequence[StreamEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


def only(kind: type[E], events: Sequence[StreamEvent]) -> E:
    found = [event for event in events if isinstance(event, kind)]
    assert len(found) == 1, names(events)
    return found[0]

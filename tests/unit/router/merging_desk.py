"""Several tickets told to one router, that are merged into each other; what crosses between them is handed over."""

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from policy.model import Policy, VersionedPolicy
from schemas import commands
from schemas.classifications import Fact, Judgement, TicketClassified, TicketSummary
from schemas.commands import Command
from schemas.escalations import StreamEvent
from schemas.ids import TicketKey, derived_id
from schemas.message import Actor, ActorKind, Meta
from schemas.notifications import NoticeOutcome
from schemas.sla import ThresholdReached
from schemas.vocabulary import AuthorKind, ClockName, FactKind, Severity
from services.router.adapters.in_memory import InMemoryEscalationBatch
from services.router.domain.relaying import commands_of
from services.router.domain.state import Escalation
from services.router.handlers import HANDLERS, Router
from services.sla_monitor.domain.folding import fold
from services.sla_monitor.domain.row import AnyRow, EscalationRow
from tests.unit.router.telling import CUSTOMER, SEEN_ALL, VERSION, judgement, roster, routing
from tests.unit.sla_monitor.telling import default_policy
from wire.reference_data import PolicyRegistry, RosterRegistry

A, B, C = (TicketKey(f"zendesk-eu/{name}") for name in "abc")
START = datetime(2026, 6, 2, 8, tzinfo=UTC)
OWNER, MANAGEMENT = (Actor(kind=ActorKind.PERSON, id=name) for name in ("ana", "mia"))


class MergingDesk:
    """Time stands until it is turned; `held` keeps what a merge tells the other ticket until it is let go."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy: Policy = replace(policy or default_policy(), routing=routing())
        self.router = Router(
            PolicyRegistry([VersionedPolicy(version=VERSION, policy=self.policy)]), RosterRegistry(roster())
        )
        self.batch = InMemoryEscalationBatch()
        self.rows: dict[str, AnyRow | None] = {}
        self.events: list[StreamEvent] = []
        self.held: list[Command] = []
        self.now = START
        self._count = 0

    def after(self, minutes: float) -> "MergingDesk":
        self.now += timedelta(minutes=minutes)
        return self

    def escalation(self, ticket: TicketKey) -> Escalation:
        found = self.batch.load(ticket).escalation
        assert found is not None
        return found

    def row(self, ticket: TicketKey) -> EscalationRow:
        row = self.rows[ticket]
        assert isinstance(row, EscalationRow)
        return row

    def opened(self, ticket: TicketKey, severity: Severity = Severity.P2) -> "MergingDesk":
        self.fact(ticket, Fact(kind=FactKind.OPENED), judgement(severity))
        return self

    def fact(self, ticket: TicketKey, fact: Fact, verdict: Judgement | None = None) -> list[StreamEvent]:
        quiet = judgement(Severity.P4, qualifies=False)
        judged = TicketClassified(
            ticket=TicketSummary(key=ticket, subject=""),
            fact=fact,
            judgement=verdict or quiet,
            meta=self._meta(CUSTOMER),
        )
        return self._tell(judged)

    def replied(self, ticket: TicketKey) -> list[StreamEvent]:
        return self.fact(ticket, Fact(kind=FactKind.CUSTOMER_REPLIED, author_kind=AuthorKind.CUSTOMER, public=True))

    def merge(self, one: TicketKey, into: TicketKey, *, hold: bool = False) -> list[StreamEvent]:
        events = self.fact(one, Fact(kind=FactKind.MERGED, merged_into=into))
        return events if hold else [*events, *self.let_go()]

    def let_go(self) -> list[StreamEvent]:
        told: list[StreamEvent] = []
        while self.held:
            command = self.held.pop(0)
            HANDLERS[type(command)](self.router, command, self.batch, self.now)
            told += self._taken()
        return told

    def command(self, command: Command, by: Actor = OWNER) -> list[StreamEvent]:
        return self._tell(replace(command, meta=self._meta(by)))

    def update(self, ticket: TicketKey, next_at: datetime | None = None) -> list[StreamEvent]:
        return self.command(commands.SendUpdate(ticket=ticket, text="", next_at=next_at))

    def outcome(self, outcome: NoticeOutcome) -> list[StreamEvent]:
        return self._tell(replace(outcome, meta=self._meta(OWNER)))

    def reached(self, ticket: TicketKey, clock: ClockName, percent: int, cycle: int = 1) -> list[StreamEvent]:
        finding = ThresholdReached(
            meta=self._meta(Actor(kind=ActorKind.ESCALON, id="sla_monitor")),
            ticket=ticket,
            version=self.batch.load(ticket).version,
            clock=clock,
            cycle=cycle,
            percent=percent,
            reached_at=self.now,
            due_at=self.now,
        )
        self.router.on_finding(finding, self.batch, self.now, SEEN_ALL)
        return self._taken()

    def _tell(self, message: TicketClassified | Command | NoticeOutcome) -> list[StreamEvent]:
        HANDLERS[type(message)](self.router, message, self.batch, self.now)
        return self._taken()

    def _taken(self) -> list[StreamEvent]:
        events = self.batch.take()
        for event in events:
            self.rows[event.meta.correlation_id] = fold(self.rows.get(event.meta.correlation_id), event)
            self.held += commands_of(event)
        self.events += events
        return events

    def _meta(self, actor: Actor) -> Meta:
        self._count += 1
        return Meta(
            id=derived_id("desk", str(self._count)),
            correlation_id="",
            occurred_at=self.now,
            recorded_at=self.now,
            actor=actor,
            producer="tests",
            policy_version=VERSION,
        )

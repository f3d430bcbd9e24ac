"""The four services, wired in one process: real handlers and domain, ports in memory."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from ops.scenario.acting import Cast
from ops.scenario.setting import Setting
from policy.model import VersionedPolicy
from schemas.catalogue import TICKETS
from schemas.classifications import AccountSnapshot, ClassifierProgressed, Judgement
from schemas.escalations import StreamEvent
from schemas.ids import derived_id
from schemas.message import Actor, ActorKind, Message, Meta
from schemas.sla import SlaFinding
from schemas.tickets import Ticket, TicketEvent
from schemas.vocabulary import IssueType, ReplyIntent, Severity
from services.classifier.domain.rule_judge import RuleJudge
from services.classifier.handlers import Classifier
from services.notifier.adapters.in_memory import InMemoryLedger, RecordingChannel
from services.notifier.domain.notice import FailureReason
from services.notifier.domain.outcomes import Receipt
from services.notifier.handlers import Deliverer, Outlets, Planner
from services.notifier.ports import Letter, Progress, UndeliverableError
from services.router.adapters.in_memory import InMemoryEscalationBatch
from services.router.domain.evidence import Evidence
from services.router.domain.findings import HOLD_LIMIT
from services.router.domain.relaying import commands_of
from services.router.handlers import HANDLERS, Router
from services.router.ports import FindingHeldError
from services.sla_monitor.adapters.in_memory import InMemoryPromises
from wire.reference_data import PolicyRegistry, RosterRegistry

_PARTITION = 0
_MORE = timedelta(microseconds=1)
"""Patience ends when it has been held longer than the limit, not at it."""


class Player(Protocol):
    """A service of the story."""

    async def take(self, message: Message, now: datetime) -> Sequence[Message] | None:
        """Return what follows from a message; None when it must wait and be offered again."""
        ...

    def wakes_at(self) -> datetime | None:
        """Return when time alone makes it act; None if never."""
        ...

    async def wake(self, now: datetime, /) -> Sequence[Message]:
        """Return what the time that has passed makes it say."""
        ...


class ScriptedJudge:
    """Gives the verdicts the story gives; where it gives none, the real judge reads the ticket."""

    def __init__(self, cast: Cast) -> None:
        self._cast = cast
        self._real = RuleJudge()

    def judge(
        self, ticket: Ticket, account: AccountSnapshot | None, policy: VersionedPolicy, occurred_at: datetime
    ) -> Judgement:
        """Return the given verdict, or the real one."""
        given = self._cast.verdicts.get(ticket.key)
        if given is None:
            return self._real.judge(ticket, account, policy, occurred_at)
        return Judgement(
            qualifies=given.qualifies,
            reasons=given.reasons,
            severity=given.severity or Severity.P4,
            type=given.type or IssueType.SERVICE,
            model_version="story",
        )

    def intent_of(self, reply: str, policy: VersionedPolicy) -> ReplyIntent:
        """Return what the real judge reads in a reply."""
        return self._real.intent_of(reply, policy)


class ClassifierPlayer:
    """The classifier; says how far it is whenever time has passed."""

    def __init__(self, policies: PolicyRegistry, setting: Setting, cast: Cast) -> None:
        self._policies = policies
        self._classifier = Classifier(ScriptedJudge(cast), setting.accounts)

    async def take(self, message: Message, now: datetime) -> Sequence[Message]:
        """Judge a ticket event."""
        assert isinstance(message, TicketEvent)  # noqa: S101  # tickets.v1 carries nothing else
        return [self._classifier.on_ticket_event(message, self._policies.latest(), now)]

    def wakes_at(self) -> datetime | None:
        """Return that it has no clock."""
        return None

    async def wake(self, now: datetime) -> Sequence[Message]:
        """Say that all that had arrived by now is behind it."""
        meta = Meta(
            id=derived_id("progress", str(_PARTITION), now.isoformat()),
            correlation_id=TICKETS.name,
            occurred_at=now,
            recorded_at=now,
            actor=Actor(kind=ActorKind.ESCALON, id="classifier"),
            producer="classifier",
        )
        return [ClassifierProgressed(meta=meta, partition=_PARTITION, reached_at=now)]


class RouterPlayer:
    """The router; `commands_waiting` tells whether commands are on their way to it."""

    def __init__(self, policies: PolicyRegistry, rosters: RosterRegistry) -> None:
        self._router = Router(policies, rosters)
        self._batch = InMemoryEscalationBatch()
        self._classified_until: datetime | None = None
        self._held_since: dict[str, datetime] = {}
        self.commands_waiting = False

    def arrived(self, waiting: Iterable[Message], now: datetime) -> None:
        """Note what waits, also behind others: the patience with a finding begins when it comes."""
        for message in waiting:
            if isinstance(message, SlaFinding) and type(message) in HANDLERS:
                self._held_since.setdefault(message.meta.id, now)

    async def take(self, message: Message, now: datetime) -> Sequence[Message] | None:
        """Decide on a message; a finding that could still be refuted waits."""
        if isinstance(message, ClassifierProgressed):
            self._classified_until = message.reached_at
        elif isinstance(message, SlaFinding) and type(message) in HANDLERS:
            if not self._ruled(message, now):
                return None
        elif type(message) in HANDLERS:
            HANDLERS[type(message)](self._router, message, self._batch, now)
        events: list[Message] = list(self._batch.take())
        return [*events, *(command for event in events for command in commands_of(event))]

    def wakes_at(self) -> datetime | None:
        """Return when the patience with a held finding ends."""
        return min(self._held_since.values()) + HOLD_LIMIT + _MORE if self._held_since else None

    async def wake(self, _now: datetime) -> Sequence[Message]:
        """Say nothing of its own."""
        return []

    def _ruled(self, finding: SlaFinding, now: datetime) -> bool:
        since = self._held_since.setdefault(finding.meta.id, now)
        evidence = Evidence(
            classified_until=self._classified_until, commands_read=not self.commands_waiting, held_for=now - since
        )
        try:
            self._router.on_finding(finding, self._batch, now, evidence)
        except FindingHeldError:
            return False
        del self._held_since[finding.meta.id]
        return True


class MonitorPlayer:
    """The sla_monitor."""

    def __init__(self, policies: PolicyRegistry) -> None:
        self._promises = InMemoryPromises(policies)

    async def take(self, message: Message, now: datetime) -> Sequence[Message]:
        """Fold an event."""
        assert isinstance(message, StreamEvent)  # noqa: S101  # escalations.v1 carries nothing else
        return self._promises.take(message, now)

    def wakes_at(self) -> datetime | None:
        """Return when something falls due."""
        return self._promises.next_due_at()

    async def wake(self, now: datetime) -> Sequence[Message]:
        """Say what fell due."""
        return self._promises.fire(now)


class StoryChannel(RecordingChannel):
    """Keeps what it is given, but for those whom the story says no message reaches."""

    def __init__(self, unreachable: frozenset[str]) -> None:
        super().__init__()
        self._unreachable = unreachable

    async def send(self, letter: Letter) -> Receipt:
        """Keep the letter; raises UndeliverableError for whom nothing reaches."""
        if letter.notice.recipient in self._unreachable:
            raise UndeliverableError("the story says so", FailureReason.BAD_RECIPIENT)
        return await super().send(letter)


class NotifierPlayer:
    """The notifier, with one channel."""

    def __init__(self, policies: PolicyRegistry, rosters: RosterRegistry, unreachable: frozenset[str]) -> None:
        self._ledger = InMemoryLedger()
        channel = StoryChannel(unreachable)
        self._planner = Planner(policies, rosters, self._ledger)
        self._deliverer = Deliverer(self._ledger, Outlets((channel,), channel))
        self._position = 0

    async def take(self, message: Message, now: datetime) -> Sequence[Message]:
        """Plan what the event calls for, deliver it, and say what became of it."""
        assert isinstance(message, StreamEvent)  # noqa: S101  # escalations.v1 carries nothing else
        stretch = Progress(partition=_PARTITION, position=self._position, next_position=self._position + 1)
        await self._planner.on_escalation_events([message], stretch, now)
        self._position += 1
        await self._deliverer.deliver_pending([_PARTITION], now)
        outcomes = await self._ledger.unpublished([_PARTITION], 1000)
        await self._ledger.mark_published([number for number, _ in outcomes])
        return [outcome for _, outcome in outcomes]

    def wakes_at(self) -> datetime | None:
        """Return that it has no clock."""
        return None

    async def wake(self, _now: datetime) -> Sequence[Message]:
        """Say nothing of its own."""
        return []

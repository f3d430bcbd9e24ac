"""What the checkers go by: pieces of evidence, each with its place, and what they say of a broken promise.

No piece holds more of a customer's text than the event it is; no violation quotes any.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import ClassVar

from schemas.catalogue import Topic
from schemas.escalations import EscalationEvent, StreamEvent, WatchEvent
from schemas.message import Message
from services.router.domain.state import TicketState
from wire.reference_data import PolicyRegistry, RosterRegistry

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)


class Source(Enum):
    """Where evidence comes from; the value says how it is named to an operator."""

    LOG = "Kafka"
    STORE = "ESCALON_ROUTER_STORE_URL"
    LEDGER = "ESCALON_NOTIFIER_LEDGER_URL"
    JOURNAL = "ESCALON_NOTIFIER_SINK_FILE"


@dataclass(frozen=True, slots=True)
class Seen:
    """An event that can be read, where it stands on a topic; `written_at` is real time."""

    topic: str
    partition: int
    offset: int
    written_at: datetime
    message: Message

    @property
    def place(self) -> str:
        """`topic:partition:offset`, as `escalon dead-letters` names places."""
        return f"{self.topic}:{self.partition}:{self.offset}"


@dataclass(frozen=True, slots=True)
class Step:
    """An event of a ticket's stream that is there for the first time, with the fold of the log around it.

    The states are None where the stream has a gap before it.
    """

    seen: Seen
    event: StreamEvent
    before: TicketState | None
    after: TicketState | None


@dataclass(frozen=True, slots=True)
class PutAside:
    """A record that went to a dead-letter topic; `origin` is the place it came from."""

    origin: str


@dataclass(frozen=True, slots=True)
class ReadUpTo:
    """How far a service says it has read a partition: the offset of the next record."""

    service: str
    topic: str
    partition: int
    position: int


@dataclass(frozen=True, slots=True)
class Stored:
    """A row of the router's store."""

    version: int
    event: StreamEvent


@dataclass(frozen=True, slots=True)
class Planned:
    """A row of the notifier's ledger; `ended` is false while the notice is to be delivered."""

    notice_id: str
    ticket: str
    ended: bool
    published: bool


@dataclass(frozen=True, slots=True)
class Journaled:
    """A line of a receiver's journal: the key of the letter it took."""

    key: str
    ticket: str


Piece = Seen | Step | PutAside | ReadUpTo | Stored | Planned | Journaled


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that is not kept: where (ticket, id or offset), and what.

    `since` is the real time at which it became due, None for what no waiting mends.
    """

    where: str
    what: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """When it is judged. What became due less than `grace` ago is under way; nothing is where that is None.

    `since`: what was written before it is not judged, for a service that began only then (`ESCALON_SINCE`).
    """

    real: datetime
    business: datetime
    speed: float = 1.0
    grace: timedelta | None = None
    since: datetime = LONG_AGO

    def real_of(self, business: datetime) -> datetime:
        """Return the real time of a business time, by the present speed of the clock."""
        return self.real - (self.business - business) / self.speed

    def is_under_way(self, violation: Violation) -> bool:
        """Tell whether what is missing may still come."""
        if self.grace is None or violation.since is None:
            return False
        return self.real - violation.since < self.grace

    def expects(self, topic: Topic, cause_at: datetime) -> bool:
        """Tell whether what follows from a cause of that real time must still be found on the topic."""
        kept_from = LONG_AGO if topic.retention is None else self.real - topic.retention + _DAY
        return cause_at >= max(self.since, kept_from)


@dataclass(frozen=True, slots=True)
class Reference:
    """The procedure and the people, as published. The roster is the last one, `roster_at` when it was published."""

    policies: PolicyRegistry
    rosters: RosterRegistry
    roster_at: datetime = LONG_AGO


@dataclass(slots=True)
class Check(ABC):
    """One promise, and what shows that it is not kept. Fed every piece, in the order of each partition."""

    name: ClassVar[str]
    promise: ClassVar[str]
    needs: ClassVar[Source] = Source.LOG
    looked_at: int = field(default=0, init=False)
    """How many things the promise was about: a check that looked at nothing has shown nothing."""

    @abstractmethod
    def take(self, piece: Piece) -> None:
        """Remember what the promise rests on; a repeat changes nothing."""

    @abstractmethod
    def violations(self, moment: Moment) -> Iterator[Violation]:
        """Yield what breaks the promise, when all is read."""


def ticket_of(event: StreamEvent) -> str:
    """Return the ticket in whose stream the event stands."""
    return event.meta.correlation_id


def version_of(event: StreamEvent) -> int:
    """Return the event's number in its stream."""
    if isinstance(event, EscalationEvent):
        return event.escalation.version
    return event.watch.version if isinstance(event, WatchEvent) else 0

"""What the live view knows: the board, what is late, the feed. Fed with events, asked for rows."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from ops.view.board import Board, Row
from ops.view.feed import Feed
from schemas import escalations as ev
from schemas.message import Message
from schemas.sla import PromiseScheduled
from schemas.vocabulary import ClockName, Severity

_ENDED_BY_A_MESSAGE = frozenset({ClockName.FIRST_RESPONSE, ClockName.UPDATE, ClockName.PROMISE, ClockName.NEXT_REPLY})
_SHOWN_LATE = _ENDED_BY_A_MESSAGE | {ClockName.RESOLUTION}
"""A late acceptance has its consequence at once: the next owner. The others stay late until somebody acts."""


@dataclass(frozen=True, slots=True)
class Light:
    """A process of the installation, as the header shows it."""

    name: str
    is_up: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """What is true of the moment a picture is drawn: business time, its speed, the processes, what was said last."""

    now: datetime
    speed: float = 1.0
    lights: tuple[Light, ...] = ()
    remark: str = ""


@dataclass(slots=True)
class Dashboard:
    """Folds `escalations.v1`, `sla.v1` and `notifications.v1`, repeats and all."""

    zone: ZoneInfo
    board: Board = field(default_factory=Board)
    closed_count: int = 0
    _feed: Feed = field(init=False)
    _promised_at: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    _late: dict[str, dict[ClockName, datetime]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._feed = Feed(self.zone)

    @property
    def feed(self) -> Feed:
        """Return what was sent."""
        return self._feed

    def take(self, message: Message | None) -> bool:
        """Fold an event; tell whether it was not seen before."""
        is_new = self._feed.take(message)
        if is_new and isinstance(message, PromiseScheduled):
            self._note_promise(message)
        if is_new and isinstance(message, ev.EscalationEvent):
            self._note_lateness(message)
            self.closed_count += isinstance(message, ev.EscalationClosed)
        self.board.take(message)
        return is_new

    def rows(self) -> list[Row]:
        """Return what is open, what is late or due next first; what is late stands in the place of what is next."""
        rows = [self._with_lateness(row) for row in self.board.rows(closed=False)]
        return sorted(rows, key=lambda row: (row.next_due_at is None, row.next_due_at or row.opened_at, row.reference))

    def share_left(self, row: Row, now: datetime) -> float | None:
        """Return which share of the next promise's time is left, below 0 when late; None without a promise."""
        if row.next_due_at is None:
            return None
        due_at, since = self._promised_at.get(row.ticket, (row.next_due_at, row.opened_at))
        begun = since if due_at == row.next_due_at else row.opened_at
        whole = max(row.next_due_at - begun, timedelta(seconds=1))
        return (row.next_due_at - now) / whole

    def _with_lateness(self, row: Row) -> Row:
        late = self._late.get(row.ticket)
        if not late:
            return row
        clock, due_at = min(late.items(), key=lambda one: one[1])
        return replace(row, next_promise=clock, next_due_at=due_at)

    def _note_lateness(self, event: ev.EscalationEvent) -> None:
        late = self._late.setdefault(event.escalation.ticket, {})
        match event:
            case ev.SlaBreached() if event.clock in _SHOWN_LATE and not event.unverified:
                late[event.clock] = event.due_at
            case ev.SlaCorrected():
                late.pop(event.clock, None)
            case ev.CustomerInformed() if not event.automatic:
                for clock in _ENDED_BY_A_MESSAGE:
                    late.pop(clock, None)
            case ev.ResolutionProposed() | ev.EscalationClosed() | ev.EscalationMerged() | ev.EscalationEnded():
                late.clear()
            case _:
                pass

    def _note_promise(self, message: PromiseScheduled) -> None:
        if message.due_at is None:
            self._promised_at.pop(message.ticket, None)
        elif self._promised_at.get(message.ticket, (None, None))[0] != message.due_at:
            self._promised_at[message.ticket] = (message.due_at, message.meta.occurred_at)


def by_severity(rows: list[Row]) -> dict[Severity, int]:
    """Return how many escalations of each severity there are."""
    counts = dict.fromkeys(Severity, 0)
    for row in rows:
        counts[Severity(row.severity)] += 1
    return counts


def duration_words(left: timedelta) -> str:
    """Return a duration as people read it at a glance: 45 s, 12 min, 3 h 05, 2 d 4 h."""
    minutes, seconds = divmod(int(abs(left).total_seconds()), 60)
    if minutes == 0:
        return f"{seconds} s"
    hours, minutes = divmod(minutes, 60)
    if hours == 0:
        return f"{minutes} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if days else f"{hours} h {minutes:02}"

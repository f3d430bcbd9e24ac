"""What was sent to whom and why: lines for the live view, and for a log where there is no terminal."""

import re
from bisect import insort
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from ops.view.storytelling import told
from schemas import escalations as ev
from schemas.message import Message
from schemas.notifications import NoticeDelivered, NoticeOutcome, NoticeUndeliverable

_KEPT_LINES = 500
_KEPT_REASONS = 10_000
_KEPT_IDS = 50_000
_UNPRINTABLE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
"""Control characters, and those that turn the direction of text round; they would be obeyed by a terminal."""


def printable(text: str) -> str:
    """Return a text, which may be a customer's, as one line that no terminal obeys."""
    return _UNPRINTABLE.sub(" ", text).strip()


@dataclass(frozen=True, slots=True, order=True)
class FeedLine:
    """Something that was told to somebody; ordered by when."""

    at: datetime
    kind: str
    recipient: str
    via: str
    reference: str
    cause: str
    cause_id: str


@dataclass(slots=True)
class _Latest:
    """Remembers the latest so many, so that a view that runs for weeks does not grow."""

    limit: int
    _kept: OrderedDict[Hashable, str] = field(default_factory=OrderedDict)

    def put(self, key: Hashable, value: str = "") -> bool:
        """Remember it; tell whether it is new."""
        is_new = key not in self._kept
        self._kept[key] = value
        if len(self._kept) > self.limit:
            self._kept.popitem(last=False)
        return is_new

    def get(self, key: Hashable) -> str | None:
        """Return what was remembered."""
        return self._kept.get(key)


class Feed:
    """Folds `notifications.v1`, with the reasons from `escalations.v1`; repeats change nothing."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._lines: list[FeedLine] = []
        self._seen = _Latest(_KEPT_IDS)
        self._reasons = _Latest(_KEPT_REASONS)
        self.told_count = 0

    def take(self, message: Message | None) -> bool:
        """Fold an event; tell whether it is one that was not seen before."""
        if message is None or not self._seen.put(message.meta.id):
            return False
        if isinstance(message, ev.StreamEvent):
            self._reasons.put(message.meta.id, printable(reason(message, self._zone)))
        elif isinstance(message, NoticeDelivered | NoticeUndeliverable):
            insort(self._lines, _line(message))
            del self._lines[:-_KEPT_LINES]
            self.told_count += isinstance(message, NoticeDelivered)
        return True

    def latest(self, count: int) -> list[FeedLine]:
        """Return the latest lines, oldest first."""
        return self._lines[-count:] if count > 0 else []

    def why(self, line: FeedLine) -> str:
        """Return the reason in words; the cause's name while the cause itself was not read yet."""
        return self._reasons.get(line.cause_id) or words_of(line.cause)

    def clock_time(self, at: datetime) -> str:
        """Return an instant as people here read it."""
        return f"{at.astimezone(self._zone):%H:%M:%S}"

    def plain(self, message: Message) -> str | None:
        """Return the line a log gets for an event that was taken; None for what is no news."""
        match message:
            case NoticeDelivered() | NoticeUndeliverable():
                line = _line(message)
                said = f"{line.kind} → {line.recipient} ({line.via}): {self.why(line)}"
                return f"{self.clock_time(line.at)}  {line.reference:15}  {said}"
            case ev.EscalationOpened() | ev.OwnerAssigned() | ev.EscalationClosed() | ev.EscalationReopened():
                at = self.clock_time(message.meta.occurred_at)
                news = told(message).removeprefix(f"{message.escalation.reference} ")
                said = printable(f"{news} [{message.escalation.ticket}]")
                return f"{at}  {message.escalation.reference:15}  {words_of(type(message).__name__)}: {said}"
            case _:
                return None


def reason(event: ev.StreamEvent, zone: ZoneInfo) -> str:
    """Return in a few words why something was sent because of the event."""
    match event:
        case ev.SlaWarned():
            return f"{event.percent} % of {_clock(event)} used, due {event.due_at.astimezone(zone):%a %H:%M}"
        case ev.SlaBreached():
            doubt = ", not verified yet" if event.unverified else ""
            return f"{_clock(event)} missed, was due {event.due_at.astimezone(zone):%a %H:%M}{doubt}"
        case ev.OwnerReminded():
            return f"not accepted yet by {event.escalation.owner}"
        case ev.EscalationOpened():
            return f"opened: {', '.join(one.value.replace('_', ' ') for one in event.reasons)}"
        case _:
            return told(event)


def words_of(name: str) -> str:
    """Return the name of an event as words."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def _clock(event: ev.SlaRecord) -> str:
    return event.clock.value.replace("_", " ")


def _line(outcome: NoticeOutcome) -> FeedLine:
    at = outcome.delivered_at if isinstance(outcome, NoticeDelivered) else outcome.meta.occurred_at
    failed = f" NOT DELIVERED, {outcome.reason}" if isinstance(outcome, NoticeUndeliverable) else ""
    return FeedLine(
        at=at,
        kind=f"{outcome.kind.value.replace('_', ' ')}{failed}",
        recipient=printable(outcome.recipient),
        via=outcome.via,
        reference=outcome.reference or printable(outcome.ticket),
        cause=outcome.cause,
        cause_id=outcome.cause_id,
    )

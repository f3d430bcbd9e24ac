"""What sets the timers of the bench: events of ours and of the peers, made fast, and what is read back of each."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, Protocol

from policy.loader import load_policy
from policy.model import Policy
from schemas.catalogue import ESCALATIONS, SLA
from schemas.codec import Codec, SchemaBook
from schemas.envelope import headers_of
from schemas.escalations import EscalationEvent
from schemas.sla import ThresholdReached
from schemas.vocabulary import ClockName, Severity
from tests.unit.sla_monitor.telling import Telling

CODEC = Codec(SchemaBook())
DAY_MS = 86_400_000
_PAYLOAD = b"." * 191
_FIRST_THRESHOLD = timedelta(minutes=30)
"""Half of the hour in which the default policy promises an answer to a P2: the first threshold of one just opened."""
_APART = timedelta(microseconds=100)
"""How far one escalation was opened before the next, so that no two ask for the same working time."""
_NUMBER = "9999999"
_PREFIX = "xxxxx"

Headers = list[tuple[str, str | bytes | None]]


class Written(NamedTuple):
    """A record to be written."""

    key: bytes
    value: bytes
    headers: Headers | None = None


class Timers(Protocol):
    """How an application is told of timers, and what it says when they fall due; `prefix` has five letters."""

    events: str
    fired: str
    events_a_row: int
    """How many events of `load` tell of one timer."""

    def load(self, prefix: str, count: int) -> Iterator[Written]:
        """Yield so many events, none of which falls due while a bench runs."""
        ...

    def opened(self, prefix: str, count: int) -> Iterator[Written]:
        """Yield an event for each of so many open timers."""
        ...

    def due(self, prefix: str, dues_ms: Iterable[int]) -> Iterator[Written]:
        """Yield an event for each instant, whose timer falls due then."""
        ...

    def told(self, key: bytes, value: bytes) -> bytes | None:
        """Return the key of the timer of which a record tells that it fell due; None for what tells something else."""
        ...


def due_key(prefix: str, number: int) -> bytes:
    """Return the key of the timer that `due` sets for the instant of that number."""
    return _ticket(prefix, number).encode()


class PlainTimers:
    """The peers' events: a row of 200 bytes that begins with the due time."""

    events_a_row = 1

    def __init__(self, events: str, fired: str) -> None:
        self.events, self.fired = events, fired

    def load(self, prefix: str, count: int) -> Iterator[Written]:
        """Yield timers due tomorrow."""
        tomorrow = int(datetime.now(UTC).timestamp() * 1000) + DAY_MS
        return self.due(prefix, range(tomorrow, tomorrow + count))

    opened = load

    def due(self, prefix: str, dues_ms: Iterable[int]) -> Iterator[Written]:
        """Yield timers due then."""
        for number, due_ms in enumerate(dues_ms):
            yield Written(due_key(prefix, number), due_ms.to_bytes(8, "big") + b"\0" + _PAYLOAD)

    def told(self, key: bytes, value: bytes) -> bytes | None:  # noqa: ARG002  the protocol's shape
        """Return the key: nothing else is told."""
        return key


class OurTimers:
    """Escalations under the default policy."""

    events, fired = ESCALATIONS.name, SLA.name
    events_a_row = 2

    def load(self, prefix: str, count: int) -> Iterator[Written]:
        """Yield the openings of P3 escalations, each followed by its owner."""
        now = datetime.now(UTC)
        telling = Telling(Severity.P3, _ticket(_PREFIX, int(_NUMBER)))
        opened, assigned = _Template(telling.opened(now)), _Template(telling.assigned(now))
        for number in range(count // 2):
            at = now - number * _APART
            yield opened.of(prefix, number, at)
            yield assigned.of(prefix, number, at)

    def opened(self, prefix: str, count: int) -> Iterator[Written]:
        """Yield the openings alone."""
        now = datetime.now(UTC)
        template = _Template(Telling(Severity.P3, _ticket(_PREFIX, int(_NUMBER))).opened(now))
        return (template.of(prefix, number, now - number * _APART) for number in range(count))

    def due(self, prefix: str, dues_ms: Iterable[int]) -> Iterator[Written]:
        """Yield the openings of P2 escalations whose first threshold is reached then."""
        template = _Template(Telling(Severity.P2, _ticket(_PREFIX, int(_NUMBER))).opened(datetime.now(UTC)))
        for number, due_ms in enumerate(dues_ms):
            yield template.of(prefix, number, datetime.fromtimestamp(due_ms / 1000, UTC) - _FIRST_THRESHOLD)

    def told(self, key: bytes, value: bytes) -> bytes | None:
        """Return the key of an escalation that reached its first threshold."""
        finding = CODEC.decode(value)
        if not isinstance(finding, ThresholdReached) or finding.clock is not ClockName.FIRST_RESPONSE:
            return None
        return key


class _Template:
    """An event encoded once; its copies differ in the ticket, the ids and the time, which are as long in each."""

    def __init__(self, event: EscalationEvent) -> None:
        self._value = CODEC.encode(event)
        self._ids = (event.meta.id.encode(), event.escalation.escalation_id.encode())
        self._at = _long(event.meta.occurred_at)
        self._headers: Headers = list(headers_of(event))

    def of(self, prefix: str, number: int, at: datetime) -> Written:
        """Return the event of that ticket, as if it had happened then."""
        key = due_key(prefix, number)
        value = self._value.replace(due_key(_PREFIX, int(_NUMBER)), key).replace(self._at, _long(at))
        for one in self._ids:
            value = value.replace(one, one[:24] + prefix.encode().hex().encode()[:5] + f"{number:07x}".encode())
        return Written(key, value, self._headers)


def bench_policy() -> Policy:
    """Return the default policy."""
    return load_policy(Path(__file__).parents[2] / "policy" / "default").policy


def _ticket(prefix: str, number: int) -> str:
    return f"zendesk-eu/{prefix}-{number:07d}"


def _long(at: datetime) -> bytes:
    """Return the instant as Avro writes a `timestamp-micros`: zigzag, seven bits a byte."""
    left = round(at.timestamp() * 1_000_000) << 1
    written = bytearray()
    while left > 0x7F:
        written.append(left & 0x7F | 0x80)
        left >>= 7
    written.append(left)
    return bytes(written)

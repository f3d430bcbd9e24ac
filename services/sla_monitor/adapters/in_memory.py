"""The sla_monitor in one process without Kafka: for stories and tests."""

from collections.abc import Iterator
from datetime import datetime

from schemas.escalations import StreamEvent
from schemas.sla import SlaFinding
from services.sla_monitor.domain.row import AnyRow, decode_row, encode_row
from services.sla_monitor.handlers import PartitionWatch, SlaMonitor
from services.sla_monitor.ports import Policies


class InMemoryRows:
    """Rows in a dict, as the bytes that would be stored."""

    def __init__(self) -> None:
        self._rows: dict[str, bytes] = {}

    def get(self, ticket: str, partition: int | None = None) -> AnyRow | None:  # noqa: ARG002  there is one
        """Return the ticket's row; None for one of which nothing is remembered."""
        stored = self._rows.get(ticket)
        return None if stored is None else decode_row(stored)

    def put(self, ticket: str, row: AnyRow | None, partition: int = 0) -> None:  # noqa: ARG002
        """Replace the ticket's row; None forgets it."""
        if row is None:
            self._rows.pop(ticket, None)
        else:
            self._rows[ticket] = encode_row(row)

    def __iter__(self) -> Iterator[AnyRow]:
        return (decode_row(stored) for stored in self._rows.values())


class InMemoryPromises:
    """A whole sla_monitor over rows in memory, driven by hand: `take` each event, `fire` when time has passed."""

    def __init__(self, policies: Policies, rows: InMemoryRows | None = None) -> None:
        self.rows = InMemoryRows() if rows is None else rows
        self._watch = PartitionWatch(SlaMonitor(policies), self.rows)
        for row in self.rows:
            self._watch.adopt(row)

    def take(self, event: StreamEvent, now: datetime) -> tuple[SlaFinding, ...]:
        """Take an event of `escalations.v1` and return the findings that follow from it at once, sealed."""
        noted = self._watch.note([event], now)
        self._watch.keep(noted)
        return noted.findings

    def next_due_at(self) -> datetime | None:
        """Return when to fire next; not after now where something waits to be said."""
        return self._watch.next_due_at()

    def fire(self, now: datetime) -> tuple[SlaFinding, ...]:
        """Return what fell due by now and was not said, in due order, sealed."""
        return self._watch.fire(now)

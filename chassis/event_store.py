"""Streams of events with optimistic versions, and the position of each input, moved in the same transaction.

The `eventsourcing` library and SQL stay behind this module; its callers see coroutines. What waits for the database
together shares a transaction (`Transactions`).
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import ParamSpec, Self, TypeVar
from uuid import UUID

from eventsourcing.persistence import IntegrityError
from eventsourcing.persistence import StoredEvent as LibraryEvent
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.orm import Session

from chassis.errors import LostOwnershipError, RetryableError, StartUpError
from chassis.sql_causes import AppliedCause
from chassis.sql_recorder import Move, RowRecorder, open_recorder
from chassis.transactions import Transactions

_P = ParamSpec("_P")
_T = TypeVar("_T")
_CREATE_ATTEMPTS = 5
__all__ = ["AppliedCause", "EventStore", "InputMoved", "OutboxRow", "StoredEvent", "StoredStream", "check_url"]


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event of a stream: its version from 1, its schema's name, its bytes as they go on the wire."""

    stream_id: UUID
    version: int
    name: str
    value: bytes


@dataclass(frozen=True, slots=True)
class StoredStream:
    """A stream: its events in order, and the ids of messages that were applied to it and led to none."""

    events: list[StoredEvent] = field(default_factory=list)
    causes: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """An event that is stored; `row` rises within a partition in the order of commits, with gaps."""

    partition: int
    row: int
    event: StoredEvent


@dataclass(frozen=True, slots=True)
class InputMoved:
    """An input was read from `expected` (None: nothing was ever stored of it) up to before `position`."""

    name: str
    expected: int | None
    position: int


class EventStore:
    """The store of one service, on SQLite or PostgreSQL.

    A database that does not answer raises RetryableError, whatever is asked of it.
    """

    def __init__(self, url: str) -> None:
        self._path = _sqlite_path(url)
        self._place = make_url(url).set(query={}).render_as_string(hide_password=True)
        self._recorder: RowRecorder = open_recorder(url)
        self._transactions: Transactions[Session] = Transactions(
            lambda: self._recorder.transaction(commit=True), f"the event store {self._place}"
        )

    async def __aenter__(self) -> Self:
        """Prepare it; raises StartUpError, naming the place and what is wrong, if the database does not answer."""
        try:
            await self.prepare()
        except RetryableError as error:
            await self.close()
            raise StartUpError(f"the store at {self._place} cannot be used: {_first_line(error)}") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        await self.close()

    async def prepare(self) -> None:
        """Create what is missing. Safe to repeat, and for two processes at once."""
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        for attempt in range(1, _CREATE_ATTEMPTS + 1):
            try:
                await self._run(self._recorder.create_table)
            except RetryableError:
                if attempt == _CREATE_ATTEMPTS:
                    raise
                await asyncio.sleep(0.1 * attempt)
            else:
                return

    async def append(
        self,
        partition: int,
        events: Sequence[StoredEvent],
        moved: InputMoved | None = None,
        causes: Sequence[AppliedCause] = (),
    ) -> None:
        """Store events of any streams, remember causes that led to none and move one input, all or nothing.

        Raises LostOwnershipError, with nothing written, where the input is no longer where it was expected or a
        stream has got such a version or cause already: another replica has moved on, or this very batch is stored.
        """
        versions = {(event.stream_id, event.version) for event in events}
        if len(versions) != len(events):
            raise ValueError("two events of a batch have the same version of the same stream")
        rows = [LibraryEvent(event.stream_id, event.version, event.name, event.value) for event in events]
        tracking = None if moved is None else Move(moved.name, moved.position, moved.expected)

        def write() -> None:
            self._recorder.insert_events(rows, tracking=tracking, partition=partition, causes=causes)

        await self._run(write)

    def check(self) -> str | None:
        """Tell /readyz what is wrong: the last answer of the database, if it was none."""
        return self._transactions.failed

    async def load(self, stream_ids: Iterable[UUID]) -> dict[UUID, StoredStream]:
        """Return these streams, one entry for each of which anything is stored."""
        streams: dict[UUID, StoredStream] = {}
        events, causes = await self._run(self._recorder.select_streams, list(stream_ids))
        for found in events:
            event = _event(found)
            streams.setdefault(event.stream_id, StoredStream()).events.append(event)
        for cause in causes:
            streams.setdefault(cause.stream_id, StoredStream()).causes.add(cause.cause_id)
        return streams

    async def purge_causes(self, older_than: timedelta, limit: int) -> int:
        """Forget the oldest causes noted longer ago, at most `limit`; return how many. Safe to repeat."""
        return await self._run(self._recorder.purge_causes, older_than, limit)

    async def positions(self, names: Sequence[str]) -> dict[str, int]:
        """Return where these inputs are to be read from, one entry for each that is stored."""
        return await self._run(self._recorder.select_positions, names)

    async def is_empty(self) -> bool:
        """Tell whether no event and no position is stored."""
        return await self._run(self._recorder.is_empty)

    async def outbox(self, after: Mapping[int, int], limit: int) -> list[OutboxRow]:
        """Return of each partition the next rows behind a row, at most `limit`, in the order of commits."""
        rows = await self._run(self._recorder.select_outbox, after, limit)
        return [OutboxRow(partition, row, _event(found)) for partition, row, found in rows]

    async def published(self, partitions: Collection[int]) -> dict[int, int]:
        """Return the last row of each partition that is known to be published; 0 where none is."""
        found = await self.positions([_outbox_name(partition) for partition in partitions])
        return {partition: found.get(_outbox_name(partition), 0) for partition in partitions}

    async def remember_published(self, rows: Mapping[int, int]) -> None:
        """Remember by partition that all rows up to this one are published; never goes back."""
        await self._run(
            self._recorder.advance_positions, {_outbox_name(partition): row for partition, row in rows.items()}
        )

    async def ping(self) -> None:
        """Return if the database answers."""
        await self._run(self._recorder.ping)

    async def close(self) -> None:
        """Finish what is being written and let go of the database."""
        await self._transactions.close(self._recorder.dispose)

    async def _run(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Do work of the recorder; it finds the transaction that is open by itself."""
        try:
            return await self._transactions.run(lambda _: work(*args, **kwargs))
        except IntegrityError as error:
            raise LostOwnershipError("the store has moved on since this batch was read") from error


def check_url(url: str) -> None:
    """Raise StartUpError for an address that is neither SQLite nor PostgreSQL; the text never shows a password."""
    try:
        backend = make_url(url).get_backend_name()
    except (ArgumentError, NoSuchModuleError):
        backend = "nothing we know"
    if backend not in {"sqlite", "postgresql"}:
        raise StartUpError(f"the store's address names {backend}; allowed are sqlite:///PATH and postgresql://…")


def _sqlite_path(url: str) -> Path | None:
    check_url(url)
    parsed = make_url(url)
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None


def _first_line(error: RetryableError) -> str:
    """Return what the driver says; it names hosts and users, and no password."""
    return str(error.__cause__ or error).strip().partition("\n")[0]


def _outbox_name(partition: int) -> str:
    return f"outbox/{partition}"


def _event(found: LibraryEvent) -> StoredEvent:
    stream_id = found.originator_id
    return StoredEvent(
        stream_id if isinstance(stream_id, UUID) else UUID(stream_id),
        found.originator_version,
        found.topic,
        found.state,
    )

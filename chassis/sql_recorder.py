"""Rows of the event store: the `eventsourcing` library's recorder over SQLAlchemy, with its two costly habits replaced.

The stock recorder reads the tracking before it writes it (199 of 200 concurrent duplicates got in) and inserts
row by row; here tracking is one compare-and-set statement and a batch is one insert. Only `event_store.py` uses this.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from eventsourcing.persistence import IntegrityError, StoredEvent, Tracking
from eventsourcing_sqlalchemy.datastore import SQLAlchemyDatastore
from eventsourcing_sqlalchemy.recorders import SQLAlchemyProcessRecorder
from sqlalchemy import (
    BigInteger,
    CompoundSelect,
    Engine,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    Uuid,
    event,
    insert,
    literal,
    null,
    select,
    text,
    union_all,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.schema import CreateIndex, CreateTable

from chassis.sql_causes import CAUSES, AppliedCause, delete_causes, insert_causes
from chassis.sql_limits import postgres_limits

BUSY_TIMEOUT_MS = 10_000
"""How long SQLite waits for another process's write lock."""
_LOCK_CLASS = 0x45534331
"""First half of our advisory locks in PostgreSQL; the second is the partition, or -1 while tables are created."""
_STREAMS_PER_QUERY = 500
_COUNTER = BigInteger().with_variant(Integer(), "sqlite")
_INSERT_POSTGRES = text(
    "INSERT INTO stored_events (originator_id, originator_version, topic, state, partition)"
    " SELECT o, v, t, s, :partition FROM (SELECT pg_advisory_xact_lock(:ours, :partition)) AS held, unnest("
    "CAST(:ids AS uuid[]), CAST(:versions AS bigint[]), CAST(:topics AS text[]), CAST(:states AS bytea[])"
    ") WITH ORDINALITY AS rows (o, v, t, s, n) ORDER BY n"
)
"""The lock is taken before the first id is: ids are made of the sorted rows, and these need what is held."""
_OUTBOX = text(
    "SELECT partition, id, originator_id, originator_version, topic, state FROM stored_events"
    " WHERE partition = :partition AND id > :id ORDER BY id LIMIT :limit"
)
_OUTBOX_POSTGRES = text(
    "SELECT found.* FROM unnest(CAST(:partitions AS integer[]), CAST(:ids AS bigint[])) AS place (partition, after)"
    " CROSS JOIN LATERAL ("
    "SELECT partition, id, originator_id, originator_version, topic, state FROM stored_events"
    " WHERE stored_events.partition = place.partition AND id > place.after ORDER BY id LIMIT :limit"
    ") AS found ORDER BY found.partition, found.id"
)
_MOVE = text(
    "INSERT INTO positions (application_name, notification_id) VALUES (:name, :moved_to)"
    " ON CONFLICT (application_name) DO UPDATE SET notification_id = excluded.notification_id"
    " WHERE positions.notification_id = :expected RETURNING notification_id"
)
_ADVANCE = text(
    "INSERT INTO positions (application_name, notification_id) VALUES (:name, :moved_to)"
    " ON CONFLICT (application_name) DO UPDATE SET notification_id = excluded.notification_id"
    " WHERE positions.notification_id < excluded.notification_id"
)


class _Row(DeclarativeBase):
    """Column names are the library's, so that its own queries work on these tables too."""


class EventRow(_Row):
    """An event; `id` rises in commit order within a partition, with gaps, so the table is the outbox."""

    __tablename__ = "stored_events"
    __table_args__ = (
        Index("stored_events_stream", "originator_id", "originator_version", unique=True),
        Index("stored_events_outbox", "partition", "id"),
    )
    id: Mapped[int] = mapped_column(_COUNTER, primary_key=True, autoincrement=True)
    originator_id: Mapped[UUID] = mapped_column(Uuid)
    originator_version: Mapped[int] = mapped_column(_COUNTER)
    topic: Mapped[str] = mapped_column(Text)
    state: Mapped[bytes] = mapped_column(LargeBinary)
    partition: Mapped[int] = mapped_column(Integer)


class PositionRow(_Row):
    """How far an input, or the outbox of a partition, has come."""

    __tablename__ = "positions"
    application_name: Mapped[str] = mapped_column(String(255), primary_key=True)
    notification_id: Mapped[int] = mapped_column(_COUNTER)


_EVENTS = cast("Table", EventRow.__table__)
_POSITIONS = cast("Table", PositionRow.__table__)


@dataclass(frozen=True)
class Move(Tracking):
    """A position moves from `expected` (None: it was never stored) to `notification_id`."""

    expected: int | None = None


class RowDatastore(SQLAlchemyDatastore):
    """The library's sessions and SQLite locks, on the tables above."""

    @classmethod
    def define_record_class(cls, cls_name: str, table_name: str, schema_name: str | None, base_cls: type[Any]) -> Any:
        """Return the table declared here instead of one made up at run time."""
        del cls_name, schema_name, base_cls
        return {EventRow.__tablename__: EventRow, PositionRow.__tablename__: PositionRow}[table_name]


class RowRecorder(SQLAlchemyProcessRecorder):
    """The recorder; blocking, for one thread at a time."""

    def __init__(self, datastore: RowDatastore) -> None:
        super().__init__(
            datastore, events_table_name=EventRow.__tablename__, tracking_table_name=PositionRow.__tablename__
        )

    def create_table(self) -> None:
        """Create what is missing; two processes may do it at once."""
        with self.transaction(commit=True) as session:
            self._lock(session, -1)
            for table in (_EVENTS, _POSITIONS, CAUSES):
                session.execute(CreateTable(table, if_not_exists=True))
                for index in sorted(table.indexes, key=lambda index: str(index.name)):
                    session.execute(CreateIndex(index, if_not_exists=True))

    def _insert_tracking(self, session: Session, tracking: Tracking) -> None:
        """Compare and set in one statement; raises IntegrityError where somebody else has moved the position."""
        expected = tracking.expected if isinstance(tracking, Move) else None
        arguments = {"name": tracking.application_name, "moved_to": tracking.notification_id, "expected": expected}
        if session.execute(_MOVE, arguments).first() is None:
            raise IntegrityError(f"{tracking.application_name} is no longer at {expected}")

    def _insert_stored_events(
        self,
        session: Session,
        stored_events: Sequence[StoredEvent],
        *,
        partition: int = 0,
        causes: Sequence[AppliedCause] = (),
        **_: Any,
    ) -> Sequence[int]:
        """Insert a batch in order. The lock makes the order of ids the order of commits within a partition."""
        insert_causes(session, causes)
        if not stored_events:
            return ()
        if self._is_postgres(session):
            columns: dict[str, object] = {
                "ours": _LOCK_CLASS,
                "partition": partition,
                "ids": [e.originator_id for e in stored_events],
                "versions": [e.originator_version for e in stored_events],
                "topics": [e.topic for e in stored_events],
                "states": [e.state for e in stored_events],
            }
            session.execute(_INSERT_POSTGRES, columns)
        else:
            session.execute(insert(_EVENTS), [_columns(e, partition) for e in stored_events])
        return ()

    def select_streams(self, stream_ids: Iterable[UUID]) -> tuple[list[StoredEvent], list[AppliedCause]]:
        """Return the events of all these streams, by stream and version, and their causes; one query per 500."""
        wanted = list(stream_ids)
        events: list[StoredEvent] = []
        causes: list[AppliedCause] = []
        with self.transaction(commit=False) as session:
            for start in range(0, len(wanted), _STREAMS_PER_QUERY):
                for row in session.execute(_streams(wanted[start : start + _STREAMS_PER_QUERY])):
                    if row[3] is None:
                        causes.append(AppliedCause(row[0], row[2]))
                    else:
                        events.append(StoredEvent(row[0], row[1], row[2], bytes(row[3])))
        return events, causes

    def purge_causes(self, older_than: timedelta, limit: int) -> int:
        """Delete the oldest causes that are older, at most `limit`; return how many."""
        with self.transaction(commit=True) as session:
            return delete_causes(session, older_than, limit)

    def select_outbox(self, after: Mapping[int, int], limit: int) -> list[tuple[int, int, StoredEvent]]:
        """Return of each partition the rows behind an id, at most `limit`, in commit order: partition, id, event."""
        with self.transaction(commit=False) as session:
            if self._is_postgres(session):
                places = {"partitions": list(after), "ids": list(after.values()), "limit": limit}
                rows = session.execute(_OUTBOX_POSTGRES, places).all()
            else:
                rows = [
                    row
                    for partition, behind in sorted(after.items())
                    for row in session.execute(_OUTBOX, {"partition": partition, "id": behind, "limit": limit})
                ]
        return [(row[0], row[1], StoredEvent(_uuid(row[2]), row[3], row[4], bytes(row[5]))) for row in rows]

    def select_positions(self, names: Sequence[str]) -> dict[str, int]:
        """Return the positions that are stored."""
        query = select(_POSITIONS.c.application_name, _POSITIONS.c.notification_id).where(
            _POSITIONS.c.application_name.in_(names)
        )
        with self.transaction(commit=False) as session:
            return {row[0]: row[1] for row in session.execute(query)}

    def is_empty(self) -> bool:
        """Tell whether no event and no position is stored."""
        with self.transaction(commit=False) as session:
            asked = (select(_EVENTS.c.id).limit(1), select(_POSITIONS.c.notification_id).limit(1))
            return all(session.execute(query).first() is None for query in asked)

    def advance_positions(self, moved_to: Mapping[str, int]) -> None:
        """Move positions forward, all or none; never back."""
        with self.transaction(commit=True) as session:
            # In one order, so that two replicas do not wait for each other.
            session.execute(_ADVANCE, [{"name": name, "moved_to": row} for name, row in sorted(moved_to.items())])

    def ping(self) -> None:
        """Ask the database anything."""
        with self.transaction(commit=False) as session:
            session.execute(text("SELECT 1"))

    def dispose(self) -> None:
        """Close all connections."""
        engine = self.datastore.engine
        if isinstance(engine, Engine):
            engine.dispose()

    def _lock(self, session: Session, partition: int) -> None:
        if self._is_postgres(session):
            arguments = {"ours": _LOCK_CLASS, "partition": partition}
            session.execute(text("SELECT pg_advisory_xact_lock(:ours, :partition)"), arguments)

    @staticmethod
    def _is_postgres(session: Session) -> bool:
        return session.get_bind().dialect.name == "postgresql"


def _streams(wanted: Sequence[UUID]) -> CompoundSelect[Any]:
    """Return the query of streams: their events, and as rows of version 0 without a state their causes."""
    events = select(_EVENTS.c.originator_id, _EVENTS.c.originator_version, _EVENTS.c.topic, _EVENTS.c.state)
    causes = select(CAUSES.c.stream_id, literal(0, _COUNTER), CAUSES.c.cause_id, null().cast(LargeBinary))
    both = union_all(events.where(_EVENTS.c.originator_id.in_(wanted)), causes.where(CAUSES.c.stream_id.in_(wanted)))
    return both.order_by(text("1"), text("2"))


def open_recorder(url: str) -> RowRecorder:
    """Return a recorder on SQLite (`sqlite:///path`) or PostgreSQL (`postgresql://…`); connects at first use."""
    parsed = make_url(url)
    return RowRecorder(_postgres(parsed) if parsed.get_backend_name() == "postgresql" else _sqlite(parsed))


def _postgres(url: URL) -> RowDatastore:
    place = url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    return RowDatastore(url=place, connect_args=postgres_limits())


def _sqlite(url: URL) -> RowDatastore:
    limits: dict[str, object] = {"check_same_thread": False}
    if "timeout" not in url.query:
        limits["timeout"] = BUSY_TIMEOUT_MS / 1000
    datastore = RowDatastore(url=url.render_as_string(hide_password=False), connect_args=limits)
    event.listen(datastore.engine, "connect", _durable)
    return datastore


def _durable(connection: Any, _: object) -> None:
    """Have what was committed survive a power cut, so that what was published is stored."""
    connection.execute("PRAGMA synchronous=FULL")


def _uuid(stored: object) -> UUID:
    """Return a stream's id as SQLite (hexadecimal) or PostgreSQL (a UUID) gives it to a query in plain text."""
    return stored if isinstance(stored, UUID) else UUID(str(stored))


def _columns(stored: StoredEvent, partition: int) -> dict[str, object]:
    return {
        "originator_id": stored.originator_id,
        "originator_version": stored.originator_version,
        "topic": stored.topic,
        "state": stored.state,
        "partition": partition,
    }

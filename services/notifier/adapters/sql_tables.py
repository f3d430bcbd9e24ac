"""The ledger's two tables, the same on SQLite and PostgreSQL."""

import sqlite3
from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    func,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.schema import CreateColumn

from chassis.errors import StartUpError
from chassis.sql_limits import postgres_limits

_METADATA = MetaData()
_SCHEMA_LOCK = 7_283_401_164
"""Key of PostgreSQL's advisory lock, so that replicas that start together do not both create the tables."""
_NUMBER = BigInteger().with_variant(Integer(), "sqlite")

POSITIONS = Table(
    "notifier_positions",
    _METADATA,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
)

NOTICES = Table(
    "notifier_notices",
    _METADATA,
    Column("number", _NUMBER, primary_key=True, autoincrement=True),
    Column("notice_id", String(36), nullable=False, unique=True),
    Column("partition", Integer, nullable=False),
    Column("ticket", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("interrupted", Boolean, nullable=False, default=False),
    Column("document", Text, nullable=False),
    Column("outcome_name", Text, nullable=True),
    Column("outcome", Text, nullable=True),
    Column("published", Boolean, nullable=False, default=False),
    # Since 0.2.0. A replica of 0.1.0 beside us writes none of them, so the database fills them in.
    Column("line", Text, nullable=False, server_default=""),
    Column("urgency", Integer, nullable=False, server_default="9"),
    Column("due_at_ms", BigInteger, nullable=False, server_default="0"),
    Column("published_at_ms", BigInteger, nullable=False, server_default="0"),
)
"""`due_at_ms` and `published_at_ms` are real time."""
_ADDED = (NOTICES.c.line, NOTICES.c.urgency, NOTICES.c.due_at_ms, NOTICES.c.published_at_ms)
Index("notifier_notices_ticket", NOTICES.c.ticket)
_PENDING = NOTICES.c.outcome.is_(None)
Index(
    "notifier_notices_due",
    NOTICES.c.line,
    NOTICES.c.urgency,
    NOTICES.c.number,
    NOTICES.c.partition,
    NOTICES.c.due_at_ms,
    postgresql_where=_PENDING,
    sqlite_where=_PENDING,
)
_UNPUBLISHED = NOTICES.c.outcome.is_not(None) & ~NOTICES.c.published
Index(
    "notifier_notices_unpublished",
    NOTICES.c.partition,
    NOTICES.c.number,
    postgresql_where=_UNPUBLISHED,
    sqlite_where=_UNPUBLISHED,
)
_OVER = NOTICES.c.published
Index(
    "notifier_notices_published",
    NOTICES.c.published_at_ms,
    postgresql_where=_OVER,
    sqlite_where=_OVER,
)


def connect(url: str) -> Engine:
    """Return an engine; it connects when first used, by SQLAlchemy's URL (`sqlite:///…`, `postgresql+psycopg://…`)."""
    address = _with_driver(url)
    limits = {} if make_url(address).get_backend_name() == "sqlite" else postgres_limits()
    engine = create_engine(address, pool_pre_ping=True, connect_args=limits)
    if engine.dialect.name == "sqlite":
        _make_folder(engine.url.database)
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def create_tables(connection: Connection) -> None:
    """Create what is not there yet, columns too; safe to repeat, also by several replicas at once."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_SCHEMA_LOCK)))
    _add_columns(connection)
    _METADATA.create_all(connection)


def _add_columns(connection: Connection) -> None:
    """Bring the table of 0.1.0 up to date; a replica of 0.1.0 goes on with it."""
    found = inspect(connection)
    if not found.has_table(NOTICES.name):
        return
    there = {column["name"] for column in found.get_columns(NOTICES.name)}
    added = [column for column in _ADDED if column.name not in there]
    for column in added:
        written = CreateColumn(column).compile(dialect=connection.dialect)
        connection.execute(text(f"ALTER TABLE {NOTICES.name} ADD COLUMN {written}"))
    if added:
        for index in NOTICES.indexes:
            index.create(connection, checkfirst=True)


def _with_driver(url: str) -> str:
    address = make_url(url)
    plain = address.drivername in ("postgresql", "postgres")
    return (address.set(drivername="postgresql+psycopg") if plain else address).render_as_string(hide_password=False)


def _make_folder(database: str | None) -> None:
    if database and database != ":memory:":
        try:
            Path(database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StartUpError(f"the folder of {database} cannot be made: {error.strerror}") from error


def _prepare_sqlite(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
    # WAL: readers (the command line) do not keep the writer waiting; a power cut loses no committed transaction.
    for setting in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {setting}")

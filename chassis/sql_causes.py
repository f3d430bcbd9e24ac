"""Causes that were applied to a stream and led to no event: a table beside the events, written with the position.

Only `sql_recorder.py` uses this. Times are the database's own: every replica goes by one clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
    delete,
    insert,
    literal_column,
    select,
    text,
    tuple_,
)
from sqlalchemy.orm import Session

CAUSES = Table(
    "applied_causes",
    MetaData(),
    Column("stream_id", Uuid, primary_key=True),
    Column("cause_id", Text, primary_key=True),
    Column("noted_at", BigInteger().with_variant(Integer(), "sqlite"), nullable=False),
    Index("applied_causes_age", "noted_at"),
)
_NOW = {
    "postgresql": "CAST(extract(epoch FROM now()) AS bigint)",
    "sqlite": "CAST(strftime('%s', 'now') AS integer)",
}
_INSERT_POSTGRES = text(
    "INSERT INTO applied_causes (stream_id, cause_id, noted_at)"
    " SELECT s, c, CAST(extract(epoch FROM now()) AS bigint)"
    " FROM unnest(CAST(:streams AS uuid[]), CAST(:causes AS text[])) AS rows (s, c)"
)


@dataclass(frozen=True, slots=True)
class AppliedCause:
    """A message was applied to a stream and led to no event; its repeat is to be dropped all the same."""

    stream_id: UUID
    cause_id: str


def insert_causes(session: Session, causes: Sequence[AppliedCause]) -> None:
    """Insert a batch in one statement; one that is there already breaks the transaction's integrity."""
    if not causes:
        return
    if _dialect(session) == "postgresql":
        columns = {"streams": [cause.stream_id for cause in causes], "causes": [cause.cause_id for cause in causes]}
        session.execute(_INSERT_POSTGRES, columns)
        return
    statement = insert(CAUSES).values(noted_at=literal_column(_NOW["sqlite"]))
    session.execute(statement, [{"stream_id": cause.stream_id, "cause_id": cause.cause_id} for cause in causes])


def delete_causes(session: Session, older_than: timedelta, limit: int) -> int:
    """Delete the oldest that are older, at most `limit`; return how many."""
    key = (CAUSES.c.stream_id, CAUSES.c.cause_id)
    until = literal_column(_NOW[_dialect(session)], BigInteger) - int(older_than.total_seconds())
    oldest = select(*key).where(CAUSES.c.noted_at <= until).order_by(CAUSES.c.noted_at).limit(limit)
    deleted = session.execute(delete(CAUSES).where(tuple_(*key).in_(oldest)).returning(CAUSES.c.noted_at))
    return len(deleted.all())


def _dialect(session: Session) -> str:
    return session.get_bind().dialect.name

"""The ledger in SQLite or PostgreSQL: input and what it called for in one transaction, outcomes in another."""

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Self, cast

import msgspec
from sqlalchemy import Connection, CursorResult, Insert, Row, Select, bindparam, exists, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from chassis.errors import LostOwnershipError, RetryableError, StartUpError
from schemas.catalogue import EVENTS
from schemas.ids import NoticeId
from schemas.notifications import NoticeOutcome
from services.notifier.adapters.sql_tables import NOTICES, POSITIONS, connect, create_tables
from services.notifier.adapters.transactions import Transactions
from services.notifier.domain.notice import Notice, Plan, Supersession
from services.notifier.domain.outcomes import superseded
from services.notifier.ports import PendingNotice, Progress

# Put together once: it costs as much as running them.
_BEGIN_ATTEMPT = (
    update(NOTICES)
    .where(NOTICES.c.notice_id == bindparam("of"), NOTICES.c.attempts == bindparam("made"))
    .where(NOTICES.c.outcome.is_(None))
    .values(attempts=NOTICES.c.attempts + 1, interrupted=True)
)
_CONCLUDE = (
    update(NOTICES)
    .where(NOTICES.c.notice_id == bindparam("of"), NOTICES.c.outcome.is_(None))
    .values(outcome_name=bindparam("name"), outcome=bindparam("became"), interrupted=False)
)


class SqlLedger(AbstractAsyncContextManager["SqlLedger"]):
    """The `Ledger` on a database. The driver blocks, so it works in a thread of its own (`Transactions`).

    Every method raises RetryableError while the database cannot be reached.
    """

    def __init__(self, url: str) -> None:
        engine = connect(url)
        self._place = engine.url.render_as_string(hide_password=True)
        self._transactions = Transactions(engine)

    async def __aenter__(self) -> Self:
        """Create the tables; raises StartUpError if the database does not answer."""
        try:
            await self._transactions.run(create_tables)
        except RetryableError as error:
            raise StartUpError(f"the notifier's ledger cannot be reached at {self._place}: {error}") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish what is under way and disconnect."""
        await self._transactions.close()

    def check(self) -> str | None:
        """Tell /readyz what is wrong: the last answer of the database, if it was none."""
        return self._transactions.failed

    async def positions(self) -> dict[int, int]:
        """Return the next position of each partition."""
        query = select(POSITIONS.c.partition, POSITIONS.c.position)
        rows = await self._transactions.run(lambda connection: connection.execute(query).all())
        return {row.partition: row.position for row in rows}

    async def record(self, progress: Progress, plans: Sequence[Plan]) -> None:
        """Add what was planned and move the position, together or not at all."""
        await self._transactions.run(lambda connection: _record(connection, progress, plans))

    async def pending(self, partitions: Collection[int], after: int, limit: int) -> list[PendingNotice]:
        """Return undelivered notices in the order they were planned."""
        query = (
            select(NOTICES.c.number, NOTICES.c.partition, NOTICES.c.document, NOTICES.c.attempts, NOTICES.c.interrupted)
            .where(NOTICES.c.outcome.is_(None), NOTICES.c.partition.in_(partitions), NOTICES.c.number > after)
            .order_by(NOTICES.c.number)
            .limit(limit)
        )
        rows = await self._transactions.run(lambda connection: connection.execute(query).all())
        return [_pending(row) for row in rows]

    async def begin_attempt(self, pending: PendingNotice) -> bool:
        """Note that it is about to be sent; False if another replica began or ended it meanwhile."""
        of = {"of": pending.notice.id, "made": pending.attempts}
        return await self._transactions.run(lambda connection: _changed(connection.execute(_BEGIN_ATTEMPT, of)) == 1)

    async def end_attempt(self, notice_id: NoticeId) -> None:
        """Note that the attempt surely did not reach the receiver."""
        change = update(NOTICES).where(NOTICES.c.notice_id == notice_id).values(interrupted=False)
        await self._transactions.run(lambda connection: connection.execute(change))

    async def conclude(self, notice_id: NoticeId, outcome: NoticeOutcome) -> None:
        """Store what became of it, to be published; repeating changes nothing."""
        await self._transactions.run(lambda connection: _conclude(connection, notice_id, outcome))

    async def unpublished(self, partitions: Collection[int], limit: int) -> list[tuple[int, NoticeOutcome]]:
        """Return outcomes that are not published yet, in the order their notices were planned."""
        query = (
            select(NOTICES.c.number, NOTICES.c.outcome_name, NOTICES.c.outcome)
            .where(NOTICES.c.outcome.is_not(None), ~NOTICES.c.published, NOTICES.c.partition.in_(partitions))
            .order_by(NOTICES.c.number)
            .limit(limit)
        )
        rows = await self._transactions.run(lambda connection: connection.execute(query).all())
        return [(number, _outcome(name, document)) for number, name, document in rows]

    async def mark_published(self, numbers: Sequence[int]) -> None:
        """Note that these are published."""
        change = update(NOTICES).where(NOTICES.c.number.in_(numbers)).values(published=True)
        await self._transactions.run(lambda connection: connection.execute(change))

    async def count_pending(self) -> int:
        """Return how many notices are still to be delivered, for the metrics."""
        query: Select[tuple[int]] = select(func.count()).select_from(NOTICES).where(NOTICES.c.outcome.is_(None))
        return await self._transactions.run(lambda connection: connection.execute(query).scalar_one())


def _record(connection: Connection, progress: Progress, plans: Sequence[Plan]) -> None:
    _advance(connection, progress)
    for plan in plans:
        for supersession in plan.supersessions:
            _supersede(connection, supersession)
        rows = [_row(notice, progress.partition) for notice in plan.notices if _has_object(connection, notice)]
        if rows:
            connection.execute(_insert(connection, NOTICES), rows)


def _advance(connection: Connection, progress: Progress) -> None:
    """Move the position by compare-and-set: a replica that wakes up late finds it elsewhere and writes nothing."""
    moved = connection.execute(
        update(POSITIONS)
        .where(POSITIONS.c.partition == progress.partition, POSITIONS.c.position == progress.position)
        .values(position=progress.next_position)
    )
    if _changed(moved) == 1:
        return
    first = _insert(connection, POSITIONS).values(partition=progress.partition, position=progress.next_position)
    if connection.execute(first.returning(POSITIONS.c.partition)).first() is None:
        raise LostOwnershipError(f"partition {progress.partition} is no longer at {progress.position}")


def _has_object(connection: Connection, notice: Notice) -> bool:
    if notice.requires is None:
        return True
    earlier = (NOTICES.c.ticket == notice.about.ticket) & (NOTICES.c.kind == notice.requires.value)
    return bool(connection.execute(select(exists().where(earlier))).scalar_one())


def _supersede(connection: Connection, supersession: Supersession) -> None:
    untouched = connection.execute(
        select(NOTICES.c.document)
        .where(NOTICES.c.ticket == supersession.ticket, NOTICES.c.recipient == supersession.recipient)
        .where(NOTICES.c.kind.in_([kind.value for kind in supersession.kinds]))
        .where(NOTICES.c.outcome.is_(None), NOTICES.c.attempts == 0)
    )
    for document in untouched.scalars().all():
        notice = msgspec.json.decode(document, type=Notice)
        _conclude(connection, notice.id, superseded(notice, supersession.cause, supersession.at))


def _conclude(connection: Connection, notice_id: NoticeId, outcome: NoticeOutcome) -> None:
    became = msgspec.json.encode(outcome).decode()
    connection.execute(_CONCLUDE, {"of": notice_id, "name": outcome.wire_name(), "became": became})


def _insert(connection: Connection, table: Any) -> Insert:
    made = postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
    return made.on_conflict_do_nothing()


def _row(notice: Notice, partition: int) -> dict[str, object]:
    return {
        "notice_id": notice.id,
        "partition": partition,
        "ticket": notice.about.ticket,
        "recipient": notice.recipient,
        "kind": notice.kind.value,
        "document": msgspec.json.encode(notice).decode(),
    }


def _pending(row: Row[Any]) -> PendingNotice:
    number, partition, document, attempts, interrupted = row
    notice = msgspec.json.decode(document, type=Notice)
    return PendingNotice(number=number, partition=partition, notice=notice, attempts=attempts, interrupted=interrupted)


def _outcome(name: str, document: str) -> NoticeOutcome:
    return cast("NoticeOutcome", msgspec.json.decode(document, type=EVENTS[name]))


def _changed(result: CursorResult[Any]) -> int:
    return result.rowcount

"""The ledger in SQLite or PostgreSQL: input and what it called for in one transaction, outcomes in another."""

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from types import TracebackType
from typing import Any, Self, cast

import msgspec
from sqlalchemy import (
    Connection,
    CursorResult,
    Insert,
    Row,
    Select,
    bindparam,
    exists,
    func,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from chassis.clock import REAL_TIME, Clock
from chassis.errors import LostOwnershipError, RetryableError, StartUpError
from chassis.transactions import Transactions
from schemas.catalogue import EVENTS
from schemas.ids import NoticeId
from schemas.notifications import NoticeOutcome
from services.notifier.adapters.sql_keeping import forget, keep_order
from services.notifier.adapters.sql_tables import NOTICES, POSITIONS, connect, create_tables
from services.notifier.domain.notice import Notice, Plan, Supersession
from services.notifier.domain.outcomes import superseded
from services.notifier.ports import FIRST, PendingNotice, Progress, Rank

# Put together once: it costs as much as running them.
_BEGIN_ATTEMPT = (
    update(NOTICES)
    .where(NOTICES.c.notice_id == bindparam("of"), NOTICES.c.attempts == bindparam("made"))
    .where(NOTICES.c.outcome.is_(None))
    .values(attempts=NOTICES.c.attempts + 1, interrupted=True)
)
_POSTPONE = (
    update(NOTICES)
    .where(NOTICES.c.notice_id == bindparam("of"), NOTICES.c.attempts == bindparam("made"))
    .where(NOTICES.c.outcome.is_(None))
    .values(interrupted=bindparam("in_doubt"))
)
_LANE = (NOTICES.c.ticket == bindparam("about"), NOTICES.c.recipient == bindparam("to"), NOTICES.c.outcome.is_(None))
_POSTPONE_LANE = update(NOTICES).where(*_LANE).values(due_at_ms=bindparam("until"))
_CONCLUDE = (
    update(NOTICES)
    .where(NOTICES.c.notice_id == bindparam("of"), NOTICES.c.outcome.is_(None))
    .values(outcome_name=bindparam("name"), outcome=bindparam("became"), interrupted=False)
)


class SqlLedger(AbstractAsyncContextManager["SqlLedger"]):
    """The `Ledger` on a database. The driver blocks, so it works in a thread of its own (`Transactions`).

    Every method raises RetryableError while the database cannot be reached.
    """

    def __init__(self, url: str, clock: Clock = REAL_TIME) -> None:
        self._engine = connect(url)
        self._clock = clock
        self._place = self._engine.url.render_as_string(hide_password=True)
        self._transactions = Transactions(self._engine.begin, f"the ledger {self._place}")

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
        await self._transactions.close(self._engine.dispose)

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

    async def pending(
        self, partitions: Collection[int], limit: int, after: Rank = FIRST, line: str | None = None
    ) -> list[PendingNotice]:
        """Return undelivered notices by rank, without those whose time has not come."""
        rank = (NOTICES.c.urgency, NOTICES.c.number)
        behind = tuple_(*rank) > tuple_(literal(after.urgency), literal(after.number))
        query = (
            select(*rank, NOTICES.c.partition, NOTICES.c.document, NOTICES.c.attempts, NOTICES.c.interrupted)
            .where(NOTICES.c.outcome.is_(None), NOTICES.c.partition.in_(partitions))
            .where(behind, NOTICES.c.due_at_ms <= self._now_ms())
            .order_by(*rank)
            .limit(limit)
        )
        if line is not None:
            query = query.where(NOTICES.c.line == line)
        rows = await self._transactions.run(lambda connection: connection.execute(query).all())
        return [_pending(row) for row in rows]

    async def begin_attempt(self, pending: PendingNotice) -> bool:
        """Note that it is about to be sent; False if another replica began or ended it meanwhile."""
        of = {"of": pending.notice.id, "made": pending.attempts}
        return await self._transactions.run(lambda connection: _changed(connection.execute(_BEGIN_ATTEMPT, of)) == 1)

    async def postpone(self, pending: PendingNotice, wait: timedelta, *, in_doubt: bool) -> None:
        """Note that the attempt failed and when its lane goes on, which holds over a restart."""
        of = {"of": pending.notice.id, "made": pending.attempts + 1, "in_doubt": in_doubt}
        until = self._now_ms() + int(wait.total_seconds() * 1000)
        lane = {"about": pending.notice.about.ticket, "to": pending.notice.recipient, "until": until}

        def noted(connection: Connection) -> None:
            if _changed(connection.execute(_POSTPONE, of)) == 1:
                connection.execute(_POSTPONE_LANE, lane)

        await self._transactions.run(noted)

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
        published = {"published": True, "published_at_ms": self._now_ms()}
        change = update(NOTICES).where(NOTICES.c.number.in_(numbers)).values(published)
        await self._transactions.run(lambda connection: connection.execute(change))

    async def forget(self, older_than: timedelta, limit: int) -> int:
        """Remove at most so many notices that are over; an incident channel's opening stays until it is archived."""
        now, age = self._now_ms(), int(older_than.total_seconds() * 1000)
        return await self._transactions.run(lambda connection: forget(connection, now, age, limit))

    async def count_pending(self) -> int:
        """Return how many notices are still to be delivered, for the metrics."""
        query: Select[tuple[int]] = select(func.count()).select_from(NOTICES).where(NOTICES.c.outcome.is_(None))
        return await self._transactions.run(lambda connection: connection.execute(query).scalar_one())

    def _now_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)


def _record(connection: Connection, progress: Progress, plans: Sequence[Plan]) -> None:
    _advance(connection, progress)
    for plan in plans:
        for supersession in plan.supersessions:
            _supersede(connection, supersession)
        rows = [_row(notice, progress.partition) for notice in plan.notices if _has_object(connection, notice)]
        if rows:
            connection.execute(_insert(connection, NOTICES), rows)
    keep_order(connection, {notice.about.ticket for plan in plans for notice in plan.notices})


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
        "line": notice.line,
        "urgency": notice.urgency,
    }


def _pending(row: Row[Any]) -> PendingNotice:
    urgency, number, partition, document, attempts, interrupted = row
    notice, rank = msgspec.json.decode(document, type=Notice), Rank(urgency, number)
    return PendingNotice(rank=rank, partition=partition, notice=notice, attempts=attempts, interrupted=interrupted)


def _outcome(name: str, document: str) -> NoticeOutcome:
    return cast("NoticeOutcome", msgspec.json.decode(document, type=EVENTS[name]))


def _changed(result: CursorResult[Any]) -> int:
    return result.rowcount

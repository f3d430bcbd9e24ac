"""How the ledger's rows are kept: in an order that holds within each lane, and not for ever."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, exists, func, or_, select, update

from schemas.vocabulary import NoticeKind
from services.notifier.adapters.sql_tables import NOTICES

_Lane = tuple[str, str]


def keep_order(connection: Connection, tickets: Collection[str]) -> None:
    """Have what was added to these tickets' lanes wait its turn.

    It waits as long as what is ahead of it, and what is ahead becomes as urgent as it is.
    """
    if not tickets:
        return
    due, urgency = NOTICES.c.due_at_ms, NOTICES.c.urgency
    uneven = (
        select(NOTICES.c.ticket, NOTICES.c.recipient, func.max(due), func.min(due) < func.max(due))
        .where(NOTICES.c.ticket.in_(tickets), NOTICES.c.outcome.is_(None))
        .group_by(NOTICES.c.ticket, NOTICES.c.recipient)
        .having(or_(func.min(due) < func.max(due), func.min(urgency) < func.max(urgency)))
    )
    for ticket, recipient, latest, postponed in connection.execute(uneven).all():
        if postponed:
            connection.execute(update(NOTICES).where(*_pending_of((ticket, recipient))).values(due_at_ms=latest))
        _raise_those_ahead(connection, (ticket, recipient))


def _raise_those_ahead(connection: Connection, lane: _Lane) -> None:
    query = select(NOTICES.c.number, NOTICES.c.urgency).where(*_pending_of(lane)).order_by(NOTICES.c.number.desc())
    rows: list[Row[tuple[int, int]]] = list(connection.execute(query).all())
    most_urgent = rows[0].urgency
    for row in rows:
        most_urgent = min(most_urgent, row.urgency)
        if row.urgency > most_urgent:
            connection.execute(update(NOTICES).where(NOTICES.c.number == row.number).values(urgency=most_urgent))


def _pending_of(lane: _Lane) -> tuple[ColumnElement[bool], ...]:
    ticket, recipient = lane
    return (NOTICES.c.ticket == ticket, NOTICES.c.recipient == recipient, NOTICES.c.outcome.is_(None))


def forget(connection: Connection, now_ms: int, age_ms: int, limit: int) -> int:
    """Remove at most so many notices whose outcome was published that long ago; return how many."""
    over = NOTICES.c.published
    # What a replica of 0.1.0 published has no time: it counts from the first look.
    unmarked = select(NOTICES.c.number).where(over, NOTICES.c.published_at_ms == 0).limit(limit)
    connection.execute(update(NOTICES).where(NOTICES.c.number.in_(unmarked)).values(published_at_ms=now_ms))
    later = NOTICES.alias("later")
    archived = exists().where(
        later.c.ticket == NOTICES.c.ticket,
        later.c.kind == NoticeKind.ARCHIVED.value,
        later.c.number > NOTICES.c.number,
        later.c.published,
    )
    # Oldest first: the opening of a channel before the archiving that lets it go.
    old = (
        select(NOTICES.c.number)
        .where(over, and_(NOTICES.c.published_at_ms > 0, NOTICES.c.published_at_ms <= now_ms - age_ms))
        .where(or_(NOTICES.c.kind != NoticeKind.OPENED.value, archived))
        .order_by(NOTICES.c.published_at_ms, NOTICES.c.number)
        .limit(limit)
    )
    return connection.execute(delete(NOTICES).where(NOTICES.c.number.in_(old))).rowcount

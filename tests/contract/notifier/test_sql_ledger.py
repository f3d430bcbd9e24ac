"""What the ledger in SQL promises besides: a wait holds over a restart, what is over is forgotten, 0.1.0 is read."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from chassis.clock import ManualClock
from chassis.errors import RetryableError
from schemas.vocabulary import NoticeKind
from services.notifier.adapters.sql_ledger import SqlLedger
from services.notifier.adapters.sql_tables import connect
from services.notifier.domain.notice import Notice, Plan
from services.notifier.domain.outcomes import Receipt, delivered
from tests.contract.freeze import frozen_before_its_next_commit
from tests.contract.notifier.test_ledger import a_notice, stretch
from tests.harness.notices import AT

DAY = timedelta(days=1)
TABLE_OF_0_1_0 = """
CREATE TABLE notifier_notices (
    number {number}, notice_id VARCHAR(36) NOT NULL UNIQUE, partition INTEGER NOT NULL, ticket TEXT NOT NULL,
    recipient TEXT NOT NULL, kind TEXT NOT NULL, attempts INTEGER NOT NULL, interrupted BOOLEAN NOT NULL,
    document TEXT NOT NULL, outcome_name TEXT, outcome TEXT, published BOOLEAN NOT NULL)
"""
ROW_OF_0_1_0 = text(
    "INSERT INTO notifier_notices (notice_id, partition, ticket, recipient, kind, attempts, interrupted, document, "
    "published) VALUES (:notice_id, 0, :ticket, :recipient, :kind, 0, false, :document, false)"
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(AT)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def ledger(url: str, clock: ManualClock) -> AsyncIterator[SqlLedger]:
    async with SqlLedger(url, clock) as opened:
        yield opened


async def ids(ledger: SqlLedger) -> list[str]:
    return [str(each.notice.id) for each in await ledger.pending([0], 10)]


async def published(ledger: SqlLedger, *notices: Notice) -> None:
    """Have these delivered, said and marked."""
    for notice in notices:
        await ledger.conclude(notice.id, delivered(notice, Receipt(via="email"), 1, AT, possible_repeat=False))
    await ledger.mark_published([number for number, _ in await ledger.unpublished([0], 100)])


async def test_a_lane_waits_as_long_as_it_was_postponed_and_who_joins_it_too(
    ledger: SqlLedger, url: str, clock: ManualClock
) -> None:
    await ledger.record(stretch(0), [Plan(notices=(a_notice("a"), a_notice("b"), a_notice("c", recipient="ben")))])
    first = (await ledger.pending([0], 10))[0]
    await ledger.begin_attempt(first)
    await ledger.postpone(first, timedelta(seconds=30), in_doubt=True)
    await ledger.record(stretch(1), [Plan(notices=(a_notice("d"),))])
    clock.advance(timedelta(seconds=29))
    async with SqlLedger(url, clock) as restarted:
        assert await ids(restarted) == ["c"]
        clock.advance(timedelta(seconds=1))
        assert await ids(restarted) == ["a", "b", "c", "d"]
        assert (await restarted.pending([0], 1))[0].interrupted


async def test_what_was_said_long_ago_is_forgotten_and_what_is_not_said_never(
    ledger: SqlLedger, clock: ManualClock
) -> None:
    old, unsaid, young = a_notice("old"), a_notice("unsaid"), a_notice("young")
    await ledger.record(stretch(0), [Plan(notices=(old, unsaid, young))])
    await published(ledger, old)
    clock.advance(9 * DAY)
    await published(ledger, young)
    clock.advance(1 * DAY)
    assert [await ledger.forget(10 * DAY, 100) for _ in range(2)] == [1, 0]
    assert await ids(ledger) == ["unsaid"]
    clock.advance(9 * DAY)
    assert await ledger.forget(10 * DAY, 100) == 1


async def test_the_opening_of_an_incident_channel_is_remembered_until_it_is_archived(
    ledger: SqlLedger, clock: ManualClock
) -> None:
    opened, archived = a_notice("opened", NoticeKind.OPENED), a_notice("archived", NoticeKind.ARCHIVED)
    await ledger.record(stretch(0), [Plan(notices=(opened,))])
    await published(ledger, opened)
    clock.advance(100 * DAY)
    assert await ledger.forget(10 * DAY, 100) == 0
    await ledger.record(stretch(1), [Plan(notices=(archived,))])
    assert await ids(ledger) == ["archived"]
    await published(ledger, archived)
    clock.advance(100 * DAY)
    assert [await ledger.forget(10 * DAY, 1) for _ in range(3)] == [1, 1, 0]


async def test_a_replica_that_froze_in_a_transaction_holds_up_nobody(postgres_url: str, clock: ManualClock) -> None:
    async with SqlLedger(postgres_url, clock) as ledger:
        await ledger.record(stretch(0), [Plan(notices=(a_notice("a"),))])
        frozen = connect(postgres_url).connect()
        frozen.execute(text("LOCK TABLE notifier_notices, notifier_positions"))

        await ledger.record(stretch(1), [Plan(notices=(a_notice("b"),))])

        assert len(await ids(ledger)) == 2
        frozen.invalidate()


async def test_a_replica_that_froze_in_a_transaction_may_try_again(postgres_url: str, clock: ManualClock) -> None:
    plans = [Plan(notices=(a_notice("a"),))]
    async with SqlLedger(postgres_url, clock) as ledger:
        with frozen_before_its_next_commit() as frozen, pytest.raises(RetryableError, match="25P03"):
            await ledger.record(stretch(0), plans)
        assert len(frozen) == 1

        await ledger.record(stretch(0), plans)
        assert len(await ids(ledger)) == 1


async def test_the_ledger_of_0_1_0_is_read_and_goes_on_being_written_by_0_1_0(url: str, clock: ManualClock) -> None:
    engine = connect(url)
    number = "BIGSERIAL PRIMARY KEY" if engine.dialect.name == "postgresql" else "INTEGER PRIMARY KEY AUTOINCREMENT"
    with engine.begin() as connection:
        connection.execute(text(TABLE_OF_0_1_0.format(number=number)))
    async with SqlLedger(url, clock) as ledger:
        with engine.begin() as connection:
            connection.execute(ROW_OF_0_1_0, _row(a_notice("theirs")))
        await ledger.record(stretch(0), [Plan(notices=(a_notice("ours", recipient="ben"),))])
        assert await ids(ledger) == ["ours", "theirs"]
        assert [str(each.notice.id) for each in await ledger.pending([0], 10, line="")] == ["theirs"]
        await published(ledger, a_notice("theirs"))
        with engine.begin() as connection:
            connection.execute(text("UPDATE notifier_notices SET published_at_ms = 0 WHERE published"))
        assert await ledger.forget(DAY, 100) == 0
        clock.advance(2 * DAY)
        assert await ledger.forget(DAY, 100) == 1
    async with SqlLedger(url, clock) as again:
        assert await ids(again) == ["ours"]
    engine.dispose()


def _row(notice: Notice) -> dict[str, str]:
    return {
        "notice_id": str(notice.id),
        "ticket": notice.about.ticket,
        "recipient": notice.recipient,
        "kind": notice.kind.value,
        "document": msgspec.json.encode(notice).decode(),
    }

"""What every ledger promises: in memory, on SQLite and on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Connection, Engine, event

from chassis.errors import LostOwnershipError
from policy.communication_render import Words
from schemas.ids import NoticeId
from schemas.notifications import NoticeDelivered, NoticeSuperseded
from schemas.vocabulary import Audience, NoticeKind, Severity
from services.notifier.adapters.in_memory import InMemoryLedger
from services.notifier.adapters.sql_ledger import SqlLedger
from services.notifier.domain.notice import (
    Address,
    Cause,
    FailureReason,
    Notice,
    Plan,
    Subject,
    Supersession,
    Transport,
)
from services.notifier.domain.outcomes import Receipt, delivered, undeliverable
from services.notifier.ports import Ledger, Progress
from tests.harness.notices import AT, TICKET


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ledger]:
    if request.param == "memory":
        yield InMemoryLedger()
        return
    url = f"sqlite:///{tmp_path}/ledger.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    async with SqlLedger(url) as opened:
        yield opened


def a_notice(
    name: str,
    kind: NoticeKind = NoticeKind.REMINDER,
    recipient: str = "ana",
    severity: Severity | None = None,
    ticket: str = TICKET,
) -> Notice:
    return Notice(
        id=NoticeId(name),
        kind=kind,
        audience=Audience.OWNER,
        recipient=recipient,
        addresses=(Address(transport=Transport.EMAIL, target="ana@support.example"),),
        words=Words(subject="a subject", body="ein Text: äöü 🙂 {{ 1 }}"),
        about=Subject(ticket=ticket, severity=severity, started_at=AT),
        cause=Cause(id="cause", name="OwnerReminded", policy_version="default-1"),
        planned_at=AT,
        requires=NoticeKind.OPENED if kind is NoticeKind.ARCHIVED else None,
    )


def stretch(position: int, length: int = 1, partition: int = 0) -> Progress:
    return Progress(partition=partition, position=position, next_position=position + length)


async def test_what_was_planned_is_pending_in_order_and_unchanged(ledger: Ledger) -> None:
    notices = tuple(a_notice(name) for name in "cab")
    await ledger.record(stretch(0), [Plan(notices=notices[:2]), Plan(notices=notices[2:])])
    pending = await ledger.pending([0], 10)
    assert [each.notice for each in pending] == list(notices)
    assert [(each.partition, each.attempts, each.interrupted) for each in pending] == [(0, 0, False)] * 3
    assert [each.notice.id for each in await ledger.pending([0], 1, pending[0].rank)] == ["a"]
    assert await ledger.pending([1], 10) == []


async def test_a_notice_that_is_there_stays_as_it_is(ledger: Ledger) -> None:
    await ledger.record(stretch(0), [Plan(notices=(a_notice("a"),))])
    await ledger.record(stretch(1), [Plan(notices=(a_notice("a", recipient="ben"), a_notice("b")))])
    assert [(each.notice.id, each.notice.recipient) for each in await ledger.pending([0], 10)] == [
        ("a", "ana"),
        ("b", "ana"),
    ]


async def test_the_position_moves_with_the_notices_or_neither_does(ledger: Ledger) -> None:
    assert await ledger.positions() == {}
    await ledger.record(stretch(5, 3), [])
    await ledger.record(stretch(40, 2, partition=7), [])
    assert await ledger.positions() == {0: 8, 7: 42}
    with pytest.raises(LostOwnershipError):
        await ledger.record(stretch(5, 9), [Plan(notices=(a_notice("a"),))])
    assert await ledger.positions() == {0: 8, 7: 42}
    assert await ledger.pending([0], 10) == []


async def test_of_many_replicas_with_the_same_stretch_one_records_it(ledger: Ledger) -> None:
    await ledger.record(stretch(0), [])
    done = await asyncio.gather(
        *(ledger.record(stretch(1), [Plan(notices=(a_notice(str(number)),))]) for number in range(20)),
        return_exceptions=True,
    )
    assert sum(result is None for result in done) == 1
    assert all(result is None or isinstance(result, LostOwnershipError) for result in done)
    assert len(await ledger.pending([0], 100)) == 1


async def test_an_attempt_is_begun_by_one_and_stays_interrupted_until_its_end_is_known(ledger: Ledger) -> None:
    await ledger.record(stretch(0), [Plan(notices=(a_notice("a"),))])
    (pending,) = await ledger.pending([0], 10)
    assert sorted(await asyncio.gather(*(ledger.begin_attempt(pending) for _ in range(5)))) == [False] * 4 + [True]
    (begun,) = await ledger.pending([0], 10)
    assert (begun.attempts, begun.interrupted) == (1, True)
    await ledger.postpone(pending, timedelta(0), in_doubt=False)
    (ended,) = await ledger.pending([0], 10)
    assert (ended.attempts, ended.interrupted) == (1, False)


async def test_the_most_urgent_is_first_and_whoever_waits_ahead_of_it_is_as_urgent(ledger: Ledger) -> None:
    low, first, second, other = (
        a_notice("low", recipient="ben", severity=Severity.P4),
        a_notice("first", severity=Severity.P3),
        a_notice("second", severity=Severity.P1),
        a_notice("other", recipient="mia", severity=Severity.P2),
    )
    await ledger.record(stretch(0), [Plan(notices=(low, first, other))])
    assert [each.notice.id for each in await ledger.pending([0], 10)] == ["other", "first", "low"]
    await ledger.record(stretch(1), [Plan(notices=(second,))])
    found = await ledger.pending([0], 10)
    assert [each.notice.id for each in found] == ["first", "second", "other", "low"]
    assert [each.notice.id for each in await ledger.pending([0], 10, found[1].rank)] == ["other", "low"]


async def test_a_line_is_read_by_itself(ledger: Ledger) -> None:
    nowhere = msgspec.structs.replace(a_notice("nowhere", recipient="dov"), addresses=())
    await ledger.record(stretch(0), [Plan(notices=(a_notice("mail"), nowhere))])
    for line, expected in (("email", ["mail"]), ("", ["nowhere"]), ("slack", [])):
        assert [each.notice.id for each in await ledger.pending([0], 10, line=line)] == expected


async def test_an_attempt_that_failed_late_says_nothing_of_the_one_another_replica_began(ledger: Ledger) -> None:
    await ledger.record(stretch(0), [Plan(notices=(a_notice("a"),))])
    (first,) = await ledger.pending([0], 10)
    assert await ledger.begin_attempt(first)
    (second,) = await ledger.pending([0], 10)
    assert await ledger.begin_attempt(second)
    await ledger.postpone(first, timedelta(hours=1), in_doubt=False)
    (now,) = await ledger.pending([0], 10)
    assert (now.attempts, now.interrupted) == (2, True)


async def test_an_outcome_is_stored_once_and_published_until_it_is_marked(ledger: Ledger) -> None:
    notice = a_notice("a")
    await ledger.record(stretch(0), [Plan(notices=(notice,))])
    outcome = delivered(notice, Receipt(via="email", external_id="<x>"), 1, AT, possible_repeat=True)
    await ledger.conclude(notice.id, outcome)
    await ledger.conclude(notice.id, undeliverable(notice, "email", FailureReason.EXHAUSTED, 9, AT))
    assert await ledger.pending([0], 10) == []
    ((number, stored),) = await ledger.unpublished([0], 10)
    assert stored == outcome
    assert isinstance(stored, NoticeDelivered)
    assert await ledger.unpublished([1], 10) == []
    await ledger.mark_published([number])
    assert await ledger.unpublished([0], 10) == []


async def test_what_is_taken_back_is_said_and_what_was_begun_is_not_taken_back(ledger: Ledger) -> None:
    begun, waiting, other = a_notice("a"), a_notice("b"), a_notice("c", recipient="ben")
    await ledger.record(stretch(0), [Plan(notices=(begun, waiting, other))])
    await ledger.begin_attempt((await ledger.pending([0], 1))[0])
    supersession = Supersession(
        ticket=TICKET,
        recipient="ana",
        kinds=(NoticeKind.REMINDER,),
        cause=msgspec.structs.replace(begun.cause, name="OwnerAssigned"),
        at=AT,
    )
    await ledger.record(stretch(1), [Plan(supersessions=(supersession,))])
    assert [each.notice.id for each in await ledger.pending([0], 10)] == ["a", "c"]
    ((_, outcome),) = await ledger.unpublished([0], 10)
    assert isinstance(outcome, NoticeSuperseded)
    assert (outcome.notice_id, outcome.by) == ("b", "OwnerAssigned")


async def test_what_has_no_object_is_not_planned(ledger: Ledger) -> None:
    await ledger.record(stretch(0), [Plan(notices=(a_notice("a", NoticeKind.ARCHIVED),))])
    assert await ledger.pending([0], 10) == []
    opened, archived = a_notice("b", NoticeKind.OPENED), a_notice("c", NoticeKind.ARCHIVED)
    await ledger.record(stretch(1), [Plan(notices=(opened,)), Plan(notices=(archived,))])
    assert [each.notice.id for each in await ledger.pending([0], 10)] == ["b", "c"]


async def test_what_fails_among_calls_that_wait_together_fails_alone(ledger: Ledger) -> None:
    await ledger.record(stretch(0), [Plan(notices=(a_notice("a"),))])
    (pending,) = await ledger.pending([0], 10)
    begun, lost, recorded, read = await asyncio.gather(
        ledger.begin_attempt(pending),
        ledger.record(stretch(7), [Plan(notices=(a_notice("b"),))]),
        ledger.record(stretch(1), [Plan(notices=(a_notice("c"),))]),
        ledger.pending([0], 10),
        return_exceptions=True,
    )
    assert begun is True
    assert isinstance(lost, LostOwnershipError)
    assert recorded is None
    assert not isinstance(read, BaseException)
    assert [(each.notice.id, each.attempts) for each in read] == [("a", 1), ("c", 0)]
    assert await ledger.positions() == {0: 2}


async def test_calls_that_wait_together_are_written_to_disk_together(tmp_path: Path) -> None:
    commits: list[Connection] = []
    notices = [a_notice(f"{number}") for number in range(60)]
    async with SqlLedger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        await ledger.record(stretch(0), [Plan(notices=tuple(notices))])
        pending = await ledger.pending([0], 100)
        count = commits.append
        event.listen(Engine, "commit", count)
        try:
            assert all(await asyncio.gather(*(ledger.begin_attempt(each) for each in pending)))
        finally:
            event.remove(Engine, "commit", count)
    assert 1 <= len(commits) <= 10


async def test_whoever_waits_no_longer_keeps_nobody_waiting(tmp_path: Path) -> None:
    async with SqlLedger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        given_up = asyncio.create_task(ledger.record(stretch(0), [Plan(notices=(a_notice("a"),))]))
        waiting = asyncio.create_task(ledger.pending([0], 10))
        await asyncio.sleep(0)
        given_up.cancel()
        assert [each.notice.id for each in await waiting] == ["a"]
        assert given_up.cancelled()


async def test_what_is_stored_is_there_after_a_restart(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    async with SqlLedger(url) as ledger:
        await ledger.record(stretch(0), [Plan(notices=(a_notice("a"),))])
    async with SqlLedger(url) as ledger:
        assert len(await ledger.pending([0], 10)) == 1
        assert await ledger.count_pending() == 1
        assert await ledger.positions() == {0: 1}

"""The router as a process: facts, commands and findings in, escalations out, and what a crash does to that."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from ops.local.kafka import LocalKafka
from schemas.catalogue import COMMANDS
from schemas.classifications import Fact
from schemas.escalations import EscalationEvent, OwnerAssigned
from schemas.vocabulary import FactKind
from tests.contract.router.streams import START, accept, opened, reached
from tests.harness.kafka import a_local_kafka
from tests.harness.service_process import ServiceProcess
from tests.harness.waiting import eventually
from tests.integration.router.running import RouterDesk, a_router

SOON = timedelta(seconds=10)
OPENED = ["EscalationOpened", "OwnerAssigned"]


@pytest.fixture(scope="module")
def broker() -> Iterator[LocalKafka]:
    with a_local_kafka() as broker:
        yield broker


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'escalations.db'}"


async def ready(router: ServiceProcess) -> None:
    await eventually(router.is_ready, 40, what=lambda: router.log)


async def test_a_ticket_is_opened_accepted_warned_and_what_is_hostile_is_put_aside(
    broker: LocalKafka, postgres_url: str, tmp_path: Path, free_port: int
) -> None:
    ticket = "zendesk-eu/path"
    async with RouterDesk(broker.bootstrap_servers) as desk:
        with a_router(broker.bootstrap_servers, postgres_url, tmp_path / "log", free_port) as router:
            await ready(router)
            await desk.tell(opened(ticket))
            for value in (b"garbage", None, b"x" * 2_000_000):
                await desk.tell_bytes(COMMANDS, value)
            await eventually(lambda: desk.names(ticket) == OPENED, what=lambda: router.log)
            await desk.tell(accept(ticket), reached(ticket, version=4))
            await eventually(lambda: len(desk.names(ticket)) == 4, what=lambda: router.log)
            await eventually(lambda: "held_findings_total 0.0" not in router.metrics(), what=lambda: router.log)
            await desk.classifier_is_at(START)
            await eventually(lambda: len(desk.names(ticket)) == 5, what=lambda: router.log)
            assert desk.names(ticket)[2:] == ["EscalationAccepted", "CustomerInformed", "SlaWarned"]
            assert await desk.dead_letters(COMMANDS) == 3
            assert 'router_events_total{event="SlaWarned"} 1.0' in router.metrics()
            assert "garbage" not in router.log
            assert router.terminate(SOON) == 0, router.log
    events = [event for event in desk.events(ticket) if isinstance(event, EscalationEvent)]
    assert [event.escalation.version for event in events] == [1, 2, 3, 4, 5]


async def test_a_message_that_comes_twice_has_one_effect(
    broker: LocalKafka, sqlite_url: str, tmp_path: Path, free_port: int
) -> None:
    ticket, last = "zendesk-eu/twice", "zendesk-eu/twice-last"
    async with RouterDesk(broker.bootstrap_servers) as desk:
        with a_router(broker.bootstrap_servers, sqlite_url, tmp_path / "log", free_port) as router:
            await ready(router)
            await desk.tell(opened(ticket), opened(ticket))
            await eventually(lambda: desk.names(ticket) == OPENED, what=lambda: router.log)
            await desk.tell(accept(ticket), accept(ticket), opened(ticket), opened(last))
            await eventually(lambda: desk.names(last) == OPENED, what=lambda: router.log)
            await eventually(lambda: len(desk.events(ticket)) >= 4, what=lambda: router.log)
    assert [type(event).__name__ for event in desk.events(ticket)] == [
        *OPENED,
        "EscalationAccepted",
        "CustomerInformed",
    ]


async def test_all_that_was_read_comes_again_at_the_same_offsets_and_changes_nothing(
    broker: LocalKafka, tmp_path: Path, free_port: int
) -> None:
    ticket, last = "zendesk-eu/again", "zendesk-eu/again-last"
    file = tmp_path / "escalations.db"
    async with RouterDesk(broker.bootstrap_servers) as desk:
        with a_router(broker.bootstrap_servers, f"sqlite:///{file}", tmp_path / "log", free_port) as router:
            await ready(router)
            await desk.tell(opened(ticket))
            await eventually(lambda: desk.names(ticket) == OPENED, what=lambda: router.log)
            await desk.tell(accept(ticket))
            await eventually(lambda: len(desk.names(ticket)) == 4, what=lambda: router.log)
            assert router.terminate(SOON) == 0, router.log
        with closing(sqlite3.connect(file)) as rewinding, rewinding:
            rewinding.execute("UPDATE positions SET notification_id = 0 WHERE application_name LIKE '%.v1/%'")
        with a_router(broker.bootstrap_servers, f"sqlite:///{file}", tmp_path / "log", free_port) as router:
            await ready(router)
            await desk.tell(opened(last))
            await eventually(lambda: desk.names(last) == OPENED, what=lambda: router.log)
            assert router.terminate(SOON) == 0, router.log
    assert len(desk.events(ticket)) == 4


async def test_a_second_replica_takes_over_when_the_first_is_killed(
    broker: LocalKafka, postgres_url: str, tmp_path: Path, free_port: int
) -> None:
    before = [f"zendesk-eu/takeover-{number}" for number in range(40)]
    after = [f"zendesk-eu/takeover-{number}" for number in range(40, 80)]
    async with RouterDesk(broker.bootstrap_servers) as desk:
        with (
            a_router(broker.bootstrap_servers, postgres_url, tmp_path / "a.log", free_port, replica="a") as first,
            a_router(broker.bootstrap_servers, postgres_url, tmp_path / "b.log", 0, replica="b") as second,
        ):
            await ready(first)
            await desk.tell(*(opened(ticket) for ticket in before))
            await eventually(lambda: all(desk.names(ticket) == OPENED for ticket in before), what=lambda: first.log)
            first.kill()
            await desk.tell(*(accept(ticket) for ticket in before), *(opened(ticket) for ticket in after))
            await eventually(
                lambda: (
                    all(len(desk.names(ticket)) == 4 for ticket in before)
                    and all(desk.names(ticket) == OPENED for ticket in after)
                ),
                60,
                what=lambda: second.log,
            )
            assert second.terminate(SOON) == 0, second.log
    for ticket in before:
        assert {event.escalation.version for event in desk.events(ticket) if isinstance(event, EscalationEvent)} == {
            1,
            2,
            3,
            4,
        }
        assert len({event.meta.id for event in desk.events(ticket)}) == 4


async def test_killed_and_started_again_it_says_the_same_by_id_with_one_owner_each(
    broker: LocalKafka, sqlite_url: str, tmp_path: Path, free_port: int
) -> None:
    tickets = [f"zendesk-eu/crash-{number}" for number in range(300)]
    async with RouterDesk(broker.bootstrap_servers) as desk:

        def told() -> int:
            return sum(desk.names(ticket) == OPENED for ticket in tickets)

        with a_router(broker.bootstrap_servers, sqlite_url, tmp_path / "log", free_port) as router:
            await ready(router)
            for start in range(0, 300, 20):
                await desk.tell(*(opened(ticket) for ticket in tickets[start : start + 20]))
                if told():
                    break
            router.kill()
        await desk.tell(*(opened(ticket) for ticket in tickets))
        with a_router(broker.bootstrap_servers, sqlite_url, tmp_path / "log", free_port) as router:
            await eventually(lambda: told() == len(tickets), 60, what=lambda: f"{told()} told; {router.log}")
            assert router.terminate(SOON) == 0, router.log
    owners = Counter(
        (event.meta.correlation_id, event.meta.id) for event in desk.heard if isinstance(event, OwnerAssigned)
    )
    assert Counter(ticket for ticket, _ in owners if "crash" in ticket) == Counter(tickets)


async def test_a_merge_reaches_the_survivor_wherever_its_partition_is(
    broker: LocalKafka, sqlite_url: str, tmp_path: Path, free_port: int
) -> None:
    ends, survives = "zendesk-eu/ends", "zendesk-eu/survives"
    merged = opened(ends)
    meta = replace(merged.meta, id="5b0f3a0e-0000-5000-8000-000000000001")
    merged = replace(merged, meta=meta, fact=Fact(kind=FactKind.MERGED, merged_into=survives))
    async with RouterDesk(broker.bootstrap_servers) as desk:
        with a_router(broker.bootstrap_servers, sqlite_url, tmp_path / "log", free_port) as router:
            await ready(router)
            await desk.tell(opened(ends), opened(survives))
            await eventually(lambda: desk.names(survives) == OPENED, what=lambda: router.log)
            await desk.tell(merged)
            await eventually(lambda: desk.names(survives) == [*OPENED, "MergeAbsorbed"], what=lambda: router.log)
            assert desk.names(ends) == [*OPENED, "EscalationMerged"]


@pytest.mark.parametrize(
    ("store_url", "says"),
    [
        ("mysql://me:hunter2@host/db", "router: the store's address names mysql"),
        (
            "postgresql://me:hunter2@127.0.0.1:1/db",
            "router: the store at postgresql://me:***@127.0.0.1:1/db cannot be used: ",
        ),
    ],
)
def test_a_wrong_store_is_one_clear_line(
    broker: LocalKafka, tmp_path: Path, free_port: int, store_url: str, says: str
) -> None:
    with a_router(broker.bootstrap_servers, store_url, tmp_path / "log", free_port) as router:
        assert router.exit_code(timedelta(seconds=30)) == 2
        lines = [line for line in router.log.splitlines() if not line.startswith("{")]
        assert len(lines) == 1
        assert lines[0].startswith(says)
        assert "hunter2" not in router.log


async def test_an_empty_store_beside_a_log_that_is_not_is_refused_unless_it_is_meant(
    broker: LocalKafka, tmp_path: Path, free_port: int
) -> None:
    ticket = "zendesk-eu/lost-store"
    servers, lost = broker.bootstrap_servers, f"sqlite:///{tmp_path / 'lost.db'}"
    async with RouterDesk(servers) as desk:
        with a_router(servers, f"sqlite:///{tmp_path / 'first.db'}", tmp_path / "log", free_port) as router:
            await ready(router)
            await desk.tell(opened(ticket))
            await eventually(lambda: desk.names(ticket) == OPENED, 60, what=lambda: router.log)
        with a_router(servers, lost, tmp_path / "refused", free_port, accept_empty_store=False) as router:
            assert router.exit_code(timedelta(seconds=60)) == 2, router.log
            assert "the store is empty, but escalations.v1 is not" in router.log
            assert "ESCALON_ROUTER_ACCEPT_EMPTY_STORE=true" in router.log
        with a_router(servers, lost, tmp_path / "meant", free_port) as router:
            await ready(router)
        first = f"sqlite:///{tmp_path / 'first.db'}"
        with a_router(servers, first, tmp_path / "again", free_port, accept_empty_store=False) as router:
            await ready(router)


async def test_a_second_process_with_the_same_replica_id_ends_with_a_word_and_the_first_is_not_disturbed(
    broker: LocalKafka, postgres_url: str, tmp_path: Path, free_port: int
) -> None:
    servers = broker.bootstrap_servers
    tickets = [f"zendesk-eu/same-id-{number}" for number in range(2)]
    async with RouterDesk(servers) as desk:
        with a_router(servers, postgres_url, tmp_path / "first", free_port) as first:
            await ready(first)
            await desk.tell(opened(tickets[0]))
            await eventually(lambda: desk.names(tickets[0]) == OPENED, 60, what=lambda: first.log)
            with a_router(servers, postgres_url, tmp_path / "second", 0) as second:
                assert second.exit_code(timedelta(seconds=60)) == 2, second.log
                assert "another process runs as router-0 on this store" in second.log
            assert first.is_ready()
            assert first.log.count("partitions were assigned") == 1, "it was never displaced"
            await desk.tell(opened(tickets[1]))
            await eventually(lambda: desk.names(tickets[1]) == OPENED, 60, what=lambda: first.log)
            first.kill()
        with a_router(servers, postgres_url, tmp_path / "again", free_port) as again:
            await ready(again)

"""The sla_monitor as a process: events in, findings out, and what a crash does to that."""

import asyncio
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chassis.producer import Producer
from chassis.records import Outgoing
from ops.local.kafka import LocalKafka
from schemas import escalations as told
from schemas.catalogue import ESCALATIONS, dead_letter_topic
from schemas.sla import ClockKept, SlaFinding, ThresholdReached
from schemas.vocabulary import ClockName, ContactKind
from tests.harness.topics import create_topics, delete_topic
from tests.harness.waiting import eventually, hold
from tests.integration.sla_monitor.running import MonitorDesk, a_monitor
from tests.unit.sla_monitor.telling import Telling

_SOON = timedelta(seconds=10)


def _ago(minutes: float) -> datetime:
    return datetime.now(UTC) - timedelta(minutes=minutes)


def _warning(finding: SlaFinding, telling: Telling) -> told.SlaWarned:
    assert isinstance(finding, ThresholdReached)
    return telling.tell(
        told.SlaWarned(
            clock=finding.clock,
            cycle=finding.cycle,
            percent=finding.percent,
            due_at=finding.due_at,
            owner_at="ana",
        ),
        datetime.now(UTC),
    )


async def test_events_become_findings_garbage_is_put_aside_and_sigterm_ends_it_soon(
    own_kafka: LocalKafka, tmp_path: Path, free_port: int
) -> None:
    async with MonitorDesk(own_kafka.bootstrap_servers) as desk:
        with a_monitor(own_kafka.bootstrap_servers, tmp_path / "rows", free_port) as monitor:
            await eventually(monitor.is_ready, 40, what=lambda: monitor.log)
            telling = Telling()
            await desk.tell(telling.opened(_ago(8)))
            await desk.tell_bytes(ESCALATIONS, b"garbage", b"zendesk-eu/1")
            await desk.tell_bytes(ESCALATIONS, None, b"zendesk-eu/1")
            await desk.tell_bytes(ESCALATIONS, b"x" * 2_000_000, b"zendesk-eu/1")

            def kinds() -> list[type[SlaFinding]]:
                return [type(finding) for finding in desk.findings()]

            # Only what is still open at a tick is warned of.
            await eventually(lambda: ThresholdReached in kinds(), what=lambda: f"{desk.heard} {monitor.log}")
            await desk.tell(telling.informed(_ago(1), ContactKind.AGENT_REPLY))
            await eventually(lambda: kinds().count(ClockKept) == 2, what=lambda: f"{desk.heard} {monitor.log}")
            assert await desk.dead_letters(ESCALATIONS) == 3
            assert 'findings_total{finding="ClockKept"} 2.0' in monitor.metrics()
            assert "garbage" not in monitor.log
            assert monitor.terminate(_SOON) == 0


async def test_while_a_record_cannot_be_put_aside_what_is_before_it_is_done_and_what_is_behind_it_waits(
    own_kafka: LocalKafka, tmp_path: Path, free_port: int
) -> None:
    bootstrap = own_kafka.bootstrap_servers
    letters = dead_letter_topic(ESCALATIONS.name, "sla_monitor")
    async with MonitorDesk(bootstrap) as desk:
        with a_monitor(bootstrap, tmp_path / "rows", free_port) as monitor:
            await eventually(monitor.is_ready, 40, what=lambda: monitor.log)
            await delete_topic(bootstrap, letters)
            telling = Telling()
            monitor.pause()  # so that all three are read together
            await desk.tell(telling.opened(_ago(1)))
            await desk.tell_bytes(ESCALATIONS, b"garbage", b"zendesk-eu/1")
            await desk.tell(telling.informed(_ago(0), ContactKind.AGENT_REPLY))
            monitor.resume()
            await eventually(lambda: desk.heard, what=lambda: monitor.log)
            await hold(2)
            assert not desk.findings(), monitor.log
            await create_topics(bootstrap, letters)
            await eventually(desk.findings, what=lambda: monitor.log)
            assert await desk.dead_letters(ESCALATIONS) == 1


async def test_killed_and_started_again_it_says_the_same_by_id_and_loses_nothing(
    own_kafka: LocalKafka, tmp_path: Path, free_port: int
) -> None:
    on_record, unrecorded, meanwhile = (Telling(ticket=f"zendesk-eu/{number}") for number in (1, 2, 3))
    async with MonitorDesk(own_kafka.bootstrap_servers) as desk:
        with a_monitor(own_kafka.bootstrap_servers, tmp_path / "rows", free_port) as monitor:
            await eventually(monitor.is_ready, 40, what=lambda: monitor.log)
            await desk.tell(on_record.opened(_ago(8)), unrecorded.opened(_ago(8)))

            await eventually(lambda: len(desk.findings()) == 2, what=lambda: monitor.log)
            (recorded,) = desk.findings("zendesk-eu/1")
            await desk.tell(_warning(recorded, on_record))
            monitor.kill()
        await desk.tell(meanwhile.opened(_ago(12)), meanwhile.informed(_ago(3)))

        with a_monitor(own_kafka.bootstrap_servers, tmp_path / "rows", free_port) as monitor:

            def caught_up() -> bool:
                return len(desk.findings("zendesk-eu/3")) >= 2 and len(desk.findings("zendesk-eu/2")) >= 2

            await eventually(caught_up, 60, what=lambda: monitor.log)
            assert monitor.terminate(_SOON) == 0

    assert len({finding.meta.id for finding in desk.findings("zendesk-eu/2")}) == 1
    assert len({finding.meta.id for finding in desk.findings("zendesk-eu/1")}) == 1
    kept = [finding for finding in desk.findings("zendesk-eu/3") if isinstance(finding, ClockKept)]
    assert {finding.clock for finding in kept} == {ClockName.FIRST_RESPONSE, ClockName.UPDATE}


async def test_without_its_rows_on_disk_it_recovers_them_from_the_changelog(
    own_kafka: LocalKafka, tmp_path: Path, free_port: int
) -> None:
    telling = Telling()
    async with MonitorDesk(own_kafka.bootstrap_servers) as desk:
        with a_monitor(own_kafka.bootstrap_servers, tmp_path / "rows", free_port) as monitor:
            await eventually(monitor.is_ready, 40, what=lambda: monitor.log)
            await desk.tell(telling.opened(_ago(1)))
            await eventually(lambda: "watched_tickets 1.0" in monitor.metrics(), what=lambda: monitor.log)
            assert monitor.terminate(_SOON) == 0
        shutil.rmtree(tmp_path / "rows")

        with a_monitor(own_kafka.bootstrap_servers, tmp_path / "rows", free_port) as monitor:
            await eventually(monitor.is_ready, 40, what=lambda: monitor.log)
            assert "watched_tickets 1.0" in monitor.metrics()
            assert "escalon_sla_monitor_rows 1.0" in monitor.metrics()
            assert "escalon_sla_monitor_changelog_rows 1.0" in monitor.metrics()
            await desk.tell(telling.informed(_ago(0)))
            await eventually(lambda: len(desk.findings()) == 2, what=lambda: monitor.log)

    assert {type(finding) for finding in desk.findings()} == {ClockKept}


async def test_a_row_that_cannot_be_read_ends_it_and_it_says_where_until_there_is_another(
    own_kafka: LocalKafka, tmp_path: Path, free_port: int
) -> None:
    telling = Telling()
    servers, rows = own_kafka.bootstrap_servers, tmp_path / "rows"
    changelog = "sla_monitor-rows-changelog"
    async with MonitorDesk(servers) as desk, Producer(desk.settings, "test") as out:
        with a_monitor(servers, rows, free_port) as monitor:
            await eventually(monitor.is_ready, 60, what=lambda: monitor.log)
            await desk.tell(telling.opened(_ago(1)))
            await eventually(lambda: "watched_tickets 1.0" in monitor.metrics(), what=lambda: monitor.log)
            assert monitor.terminate(_SOON) == 0
        await out.send_batch([Outgoing(changelog, b"zendesk-eu/2", b"no row")])
        with a_monitor(servers, rows, free_port) as monitor:
            assert await asyncio.to_thread(monitor.exit_code, timedelta(seconds=60)) != 0
            assert f"{changelog}, partition" in monitor.log
            assert "1 rows cannot be decoded, the first at offset" in monitor.log
        await out.send_batch([Outgoing(changelog, b"zendesk-eu/2", None)])
        with a_monitor(servers, rows, free_port) as monitor:
            await eventually(monitor.is_ready, 60, what=lambda: monitor.log)
            assert "watched_tickets 1.0" in monitor.metrics()
            await eventually(lambda: "escalon_sla_monitor_changelog_rows 1.0" in monitor.metrics(), 60)

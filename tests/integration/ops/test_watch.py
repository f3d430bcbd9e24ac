"""Following a real Kafka: what was on the log is known, and only what comes after is told."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from chassis.errors import StartUpError
from chassis.settings import KafkaSettings
from ops.connection import EventLog, publisher
from ops.local.kafka import LocalKafka
from ops.topics import apply_topics
from ops.view.dashboard import Dashboard
from ops.view.watch import Follower
from schemas import escalations as ev
from tests.harness.escalations import about, an_event
from tests.harness.waiting import eventually

NOW = datetime(2026, 6, 2, 8, 0, tzinfo=UTC)


async def test_what_was_on_the_log_is_shown_and_only_what_comes_after_is_told(own_kafka: LocalKafka) -> None:
    settings = KafkaSettings(bootstrap_servers=own_kafka.bootstrap_servers)
    await apply_topics(settings)
    opened = [
        about(
            an_event(ev.EscalationOpened, f"opened-{number}", NOW),
            1,
            ticket=f"desk/{number}",
            reference=f"ESC-{number}",
        )
        for number in (1, 2)
    ]
    dashboard, told = Dashboard(ZoneInfo("UTC")), list[str]()
    async with publisher(settings) as out:
        await out.publish([(opened[0].escalation.ticket, opened[0])])
        following = asyncio.create_task(Follower(EventLog(settings), dashboard, told.append).run())
        await eventually(lambda: len(dashboard.board.rows()) == 1, what="the first is on the board")
        await out.publish([(opened[1].escalation.ticket, opened[1]), (opened[0].escalation.ticket, opened[0])])
        await eventually(lambda: len(dashboard.board.rows()) == 2, what="the second is on the board")

    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
    assert len(told) == 1
    assert "ESC-2" in told[0]


async def test_a_broker_that_is_not_there_is_told_in_one_line(free_port: int) -> None:
    settings = KafkaSettings(bootstrap_servers=f"127.0.0.1:{free_port}", request_timeout_ms=2000)

    with pytest.raises(StartUpError, match=f"127.0.0.1:{free_port}"):
        await Follower(EventLog(settings), Dashboard(ZoneInfo("UTC")), None).run()

"""What can no longer be repeated is forgotten, a portion at a time, and a store that is away ends nothing."""

import asyncio
import logging
from datetime import timedelta

import pytest

from chassis.errors import RetryableError
from services.router.adapters.cause_purge import CausePurge
from tests.harness.waiting import eventually

KEPT_FOR = timedelta(days=14)


class CausesInMemory:
    """So many rows, all old; fails as often as told first."""

    def __init__(self, rows: int, *, failures: int = 0) -> None:
        self.rows = rows
        self.asked: list[tuple[timedelta, int]] = []
        self._failures = failures

    async def purge_causes(self, older_than: timedelta, limit: int) -> int:
        self.asked.append((older_than, limit))
        if len(self.asked) <= self._failures:
            raise RetryableError("the store does not answer")
        deleted = min(limit, self.rows)
        self.rows -= deleted
        return deleted


async def test_all_that_is_old_goes_in_portions() -> None:
    causes = CausesInMemory(2_500)
    purge = CausePurge(causes, KEPT_FOR)
    running = asyncio.create_task(purge.run())
    await eventually(lambda: causes.rows == 0)
    purge.stop()
    await running
    assert causes.asked == [(KEPT_FOR, 1_000)] * 3


async def test_a_store_that_does_not_answer_is_asked_again_later(caplog: pytest.LogCaptureFixture) -> None:
    causes = CausesInMemory(1, failures=1)
    purge = CausePurge(causes, KEPT_FOR, every=timedelta(milliseconds=5))
    with caplog.at_level(logging.WARNING):
        running = asyncio.create_task(purge.run())
        await eventually(lambda: causes.rows == 0)
    purge.stop()
    await running
    assert "not forgotten yet" in caplog.text

"""What was said long ago is removed in small steps until nothing is left to remove; a ledger that is away is no end."""

import asyncio
from datetime import timedelta

from chassis.errors import RetryableError
from services.notifier.adapters.forgetting import Forgetting
from services.notifier.adapters.in_memory import InMemoryLedger
from tests.harness.waiting import eventually


class FullLedger(InMemoryLedger):
    """Has so many old notices."""

    def __init__(self, old: int, failures: int = 0) -> None:
        super().__init__()
        self.old = old
        self.asked: list[timedelta] = []
        self._failures = failures

    async def forget(self, older_than: timedelta, limit: int) -> int:
        self.asked.append(older_than)
        if self._failures:
            self._failures -= 1
            raise RetryableError("the ledger does not answer")
        removed = min(self.old, limit)
        self.old -= removed
        return removed


async def test_all_that_is_old_is_removed_in_small_steps() -> None:
    ledger = FullLedger(old=700)
    forgetting = Forgetting(ledger, timedelta(days=9))
    running = asyncio.create_task(forgetting.run())
    await eventually(lambda: ledger.old == 0)
    forgetting.stop()
    await running
    assert ledger.asked == [timedelta(days=9)] * 2


async def test_a_ledger_that_is_away_is_asked_later() -> None:
    ledger = FullLedger(old=1, failures=1)
    forgetting = Forgetting(ledger, timedelta(days=9))
    running = asyncio.create_task(forgetting.run())
    await eventually(lambda: ledger.asked)
    assert not running.done()
    forgetting.stop()
    await running

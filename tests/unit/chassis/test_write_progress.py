"""Who waits for writes goes on when they are durable, whatever is put behind them, and hears where that is in doubt."""

import asyncio

from chassis.write_progress import WriteProgress


async def _waiting(progress: WriteProgress) -> "asyncio.Task[bool]":
    waiting = asyncio.create_task(progress.all_durable())
    await asyncio.sleep(0)
    return waiting


async def test_nothing_put_is_all_durable() -> None:
    assert await WriteProgress().all_durable()


async def test_what_is_put_later_is_not_waited_for() -> None:
    progress = WriteProgress()
    progress.put(2)
    waiting = await _waiting(progress)
    progress.put()
    progress.settled(1)
    await asyncio.sleep(0)
    assert not waiting.done()
    progress.settled(1)
    assert await waiting


async def test_doubt_is_told_to_all_who_wait_until_something_is_settled() -> None:
    progress = WriteProgress()
    progress.put()
    waiting = await _waiting(progress)
    progress.doubt()
    assert not await waiting
    assert not await progress.all_durable()
    progress.settled(1)
    assert await progress.all_durable()
    progress.put()
    waiting = await _waiting(progress)
    progress.settled(1)
    assert await waiting


async def test_doubt_of_nothing_keeps_nobody() -> None:
    progress = WriteProgress()
    progress.doubt()
    assert await progress.all_durable()

"""A coroutine that was begun before it is awaited goes on as if it had not been."""

import asyncio
from collections.abc import Awaitable

import pytest

from chassis.eager import first_step


async def _ends_at_once() -> str:
    return "done"


async def _waits(answer: "asyncio.Future[str]", heard: list[str]) -> str:
    heard.append("begun")
    try:
        heard.append(await answer)
        await asyncio.sleep(0)
    except asyncio.CancelledError:
        heard.append("cancelled")
        raise
    return heard[-1] + "!"


def test_what_waits_for_nothing_has_ended() -> None:
    assert first_step(_ends_at_once()) == ("done", None)


def test_what_it_raises_at_once_goes_through() -> None:
    async def fails() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        first_step(fails())


async def test_what_waits_goes_on_where_it_was_left() -> None:
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    heard: list[str] = []
    rest = first_step(_waits(answer, heard)).rest
    assert isinstance(rest, Awaitable)
    assert heard == ["begun"]
    task = asyncio.create_task(rest)
    answer.set_result("here")
    assert await task == "here!"


async def test_what_it_waits_for_may_fail_and_it_may_be_cancelled() -> None:
    loop = asyncio.get_running_loop()
    failing: asyncio.Future[str] = loop.create_future()
    rest = first_step(_waits(failing, [])).rest
    assert rest is not None
    failing.set_exception(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        await rest

    heard: list[str] = []
    rest = first_step(_waits(loop.create_future(), heard)).rest
    assert rest is not None
    task = asyncio.create_task(rest)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert heard == ["begun", "cancelled"]

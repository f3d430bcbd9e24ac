"""Waiting for a condition with a deadline: the only way a test waits."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

_POLL_SECONDS = 0.02
_MOST_SECONDS = 0.5
_REST = 3
"""Times as long as a look took, before the next: who waits leaves the processor to those that are waited for."""

T = TypeVar("T")


@overload
async def eventually(
    condition: Callable[[], Awaitable[T]], within: float = ..., *, what: str | Callable[[], str] = ...
) -> T: ...


@overload
async def eventually(condition: Callable[[], T], within: float = ..., *, what: str | Callable[[], str] = ...) -> T: ...


async def eventually(
    condition: Callable[[], object], within: float = 20.0, *, what: str | Callable[[], str] = ""
) -> object:
    """Return the first true value that the condition gives, plain or awaited; fail after `within` seconds.

    `what` says what was waited for; a callable is asked at the end, so that it can say how far things came.
    """
    limit = time.monotonic() + within
    while True:
        began = time.monotonic()
        found = condition()
        value = await found if inspect.isawaitable(found) else found
        if value:
            return value
        if time.monotonic() > limit:
            raise AssertionError(_told(what, within))
        await asyncio.sleep(_rest(time.monotonic() - began))


async def hold(seconds: float) -> None:
    """Let a fault last, or keep the pace of a load; never to wait for something, which is what `eventually` is for."""
    await asyncio.sleep(seconds)


def eventually_blocking(condition: Callable[[], T], within: float = 20.0, *, what: str | Callable[[], str] = "") -> T:
    """Do what `eventually` does, for tests without an event loop."""
    limit = time.monotonic() + within
    while not (value := condition()):
        if time.monotonic() > limit:
            raise AssertionError(_told(what, within))
        time.sleep(_POLL_SECONDS)
    return value


def _rest(took_seconds: float) -> float:
    return min(max(_POLL_SECONDS, _REST * took_seconds), _MOST_SECONDS)


def _told(what: str | Callable[[], str], within: float) -> str:
    said = what() if callable(what) else what
    return f"not within {within:g} s: {said or 'what the test waited for'}"

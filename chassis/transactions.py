"""One thread for a database: what waits for it together shares a transaction, so that one write to disk serves all."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from chassis.clock import REAL_TIME
from chassis.errors import RetryableError
from chassis.sql_errors import is_full, said_by, unanswered

T = TypeVar("T")
C = TypeVar("C")

_FULL_SECONDS = 15.0
"""Longer than the longest back-off."""
_TOGETHER = 128
"""More would make the first of them wait for the last without saving anything."""


@dataclass(frozen=True, slots=True)
class _Call:
    """Work somebody waits for."""

    work: Callable[[Any], Any]
    done: "asyncio.Future[Any]"


@dataclass(frozen=True, slots=True)
class _Settled:
    """What became of a call."""

    done: "asyncio.Future[Any]"
    result: Any = None
    error: BaseException | None = None


class Transactions(Generic[C]):
    """Runs work on a database that blocks; of one event loop. `begin` opens a transaction, `named` is its place.

    Calls take effect in the order they were made. Where one of a group fails the group is undone and each is done
    again alone, so that a failure is nobody else's; work must therefore touch nothing but the connection.
    """

    def __init__(self, begin: Callable[[], AbstractContextManager[C]], named: str) -> None:
        self._begin = begin
        self._named = named
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")
        self._waiting: deque[_Call] = deque()
        self._refused: tuple[str, float, bool] | None = None
        """What was wrong when it last did not answer, since when, and whether its disk was full."""
        self._answered_at = REAL_TIME.monotonic()

    @property
    def failed(self) -> str | None:
        """What is wrong, when the database did not answer the last time; a full disk for as long as writes back off.

        A full disk answers who reads: that says nothing.
        """
        if self._refused is None:
            return None
        told, at, full = self._refused
        is_over = self._answered_at > at + (_FULL_SECONDS if full else 0)
        return None if is_over else told

    async def run(self, work: Callable[[C], T]) -> T:
        """Return what the work returns, once it is durable.

        Raises RetryableError if the database does not answer (its cause is what the driver said), and what work raises.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._waiting.append(_Call(work, done))
        if len(self._waiting) == 1:
            # Else the turn that the first one asked for has not begun, and takes this one too.
            self._thread.submit(self._turn, loop)
        return await done

    async def close(self, disconnect: Callable[[], None]) -> None:
        """Finish what is under way, then disconnect."""
        await asyncio.get_running_loop().run_in_executor(self._thread, disconnect)
        self._thread.shutdown(wait=False)

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        while group := self._next_group():
            settled = self._settled(group)
            try:
                loop.call_soon_threadsafe(_tell, settled)
            except RuntimeError:
                return  # The loop is closed: nobody waits any more.

    def _next_group(self) -> list[_Call]:
        group: list[_Call] = []
        while self._waiting and len(group) < _TOGETHER:
            group.append(self._waiting.popleft())
        return group

    def _settled(self, group: Sequence[_Call]) -> list[_Settled]:
        try:
            results = self._together(group)
        except RetryableError as error:
            return [_Settled(call.done, error=error) for call in group]
        except Exception as error:  # noqa: BLE001 - whoever waits for the call gets it
            if len(group) == 1:
                return [_Settled(group[0].done, error=error)]
            return [settled for call in group for settled in self._settled([call])]
        return [_Settled(call.done, result) for call, result in zip(group, results, strict=True)]

    def _together(self, group: Sequence[_Call]) -> list[object]:
        try:
            with self._begin() as connection:
                results = [call.work(connection) for call in group]
        except Exception as error:
            original = unanswered(error)
            if original is None:
                raise
            # Only the driver's class and SQLSTATE: its text can quote the row.
            told = f"{self._named} does not answer ({said_by(original)})"
            self._refused = (told, REAL_TIME.monotonic(), is_full(original))
            raise RetryableError(told) from original
        self._answered_at = REAL_TIME.monotonic()
        return results


def _tell(settled: Sequence[_Settled]) -> None:
    for each in settled:
        if each.done.done():
            continue  # Whoever asked was cancelled.
        if each.error is not None:
            each.done.set_exception(each.error)
        else:
            each.done.set_result(each.result)

"""One thread for a database: what waits for it together shares a transaction, so that one write to disk serves all."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from chassis.errors import RetryableError

T = TypeVar("T")

_TOGETHER = 128
"""More would make the first of them wait for the last without saving anything."""


@dataclass(frozen=True, slots=True)
class _Call:
    """Work somebody waits for."""

    work: Callable[[Connection], Any]
    done: "asyncio.Future[Any]"


@dataclass(frozen=True, slots=True)
class _Settled:
    """What became of a call."""

    done: "asyncio.Future[Any]"
    result: Any = None
    error: BaseException | None = None


class Transactions:
    """Runs work on a database that blocks; of one event loop.

    Calls take effect in the order they were made. Where one of a group fails the group is undone and each is done
    again alone, so that a failure is nobody else's; work must therefore touch nothing but the connection.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._waiting: deque[_Call] = deque()
        self.failed: str | None = None
        """What is wrong, when the database did not answer the last time."""

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Return what the work returns, once it is durable; raises RetryableError if the database does not answer."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._waiting.append(_Call(work, done))
        if len(self._waiting) == 1:
            # Else the turn that the first one asked for has not begun, and takes this one too.
            self._thread.submit(self._turn, loop)
        return await done

    async def close(self) -> None:
        """Finish what is under way and disconnect."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._engine.dispose)
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
            with self._engine.begin() as connection:
                results = [call.work(connection) for call in group]
        except (OperationalError, InterfaceError) as error:
            # Only the driver's class and SQLSTATE: its text can quote the row.
            self.failed = f"the ledger does not answer ({_named(error)})"
            raise RetryableError(self.failed) from error
        self.failed = None
        return results


def _tell(settled: Sequence[_Settled]) -> None:
    for each in settled:
        if each.done.done():
            continue  # Whoever asked was cancelled.
        if each.error is not None:
            each.done.set_exception(each.error)
        else:
            each.done.set_result(each.result)


def _named(error: DBAPIError) -> str:
    state = getattr(error.orig, "sqlstate", None)
    return f"{type(error.orig).__name__} {state}" if state else type(error.orig).__name__

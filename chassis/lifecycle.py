"""From start to stop: components run together, a signal ends them in order, a watchdog ends what hangs."""

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType
from typing import Protocol, Self, TypeVar

import uvloop

from chassis.errors import StartUpError
from chassis.logs import configure_logging
from chassis.settings import ServiceSettings, read_settings

T = TypeVar("T")
SettingsT = TypeVar("SettingsT", bound=ServiceSettings)

_GRACE_SECONDS = 9.0
"""After a signal; what is then not ended never will be, and the promise is ten seconds."""

log = logging.getLogger(__name__)


class Component(Protocol):
    """Something that runs as long as the service does."""

    async def run(self) -> None:
        """Run until stopped; what it raises ends the service, and so does returning before it was stopped."""
        ...

    def stop(self) -> None:
        """Ask it to end soon; safe to repeat."""
        ...


class Lifecycle:
    """Holds what a service is made of, in the order it was built; ends it in the reverse order."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._ending = asyncio.Event()
        self._failure: BaseException | None = None
        self._is_built = False

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End everything, last started first."""
        self._ending.set()
        await self._stack.aclose()

    async def enter(self, resource: AbstractAsyncContextManager[T]) -> T:
        """Enter a resource now and leave it when all that was started later has ended."""
        return await self._stack.enter_async_context(resource)

    def start(self, name: str, component: Component) -> None:
        """Run a component from now on, until the service ends."""
        task = asyncio.create_task(component.run(), name=name)
        task.add_done_callback(self._ended)

        async def end() -> None:
            component.stop()
            await asyncio.wait({task})

        self._stack.push_async_callback(end)

    def built(self) -> None:
        """Say that all parts have been started."""
        self._is_built = True

    def check(self) -> str | None:
        """Tell /readyz what is wrong: while parts are still to come, nobody asks them yet."""
        return None if self._is_built else "still starting"

    def end(self) -> None:
        """Ask the service to end; safe to repeat."""
        self._ending.set()

    async def until_ended(self) -> None:
        """Return when it was asked to end, or when a component has ended by itself."""
        await self._ending.wait()

    def raise_failure(self) -> None:
        """Raise what the first component to fail raised, if one did."""
        if self._failure is not None:
            raise self._failure

    def _ended(self, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if error is None and not self._ending.is_set():
            error = RuntimeError(f"{task.get_name()} ended by itself")
        if error is not None and self._failure is None:
            self._failure = error
        self._ending.set()


def run_service(name: str, kind: type[SettingsT], build: Callable[[Lifecycle, SettingsT], Awaitable[None]]) -> int:
    """Run a service until SIGTERM or SIGINT and return its exit code; `build` (bootstrap's) starts its parts.

    0 after a signal, 1 when a part failed (logged), 2 for a StartUpError (one line on stderr).
    """
    watchdog = threading.Timer(_GRACE_SECONDS, _end_hard)
    watchdog.daemon = True
    try:
        settings = read_settings(kind)
        configure_logging(name, settings.log_level)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings, build, watchdog))
    except StartUpError as error:
        sys.stderr.write(f"{name}: {error}\n")
        return 2
    except Exception:
        log.exception("%s failed", name)
        return 1
    finally:
        watchdog.cancel()
    return 0


async def _serve(
    settings: SettingsT, build: Callable[[Lifecycle, SettingsT], Awaitable[None]], watchdog: threading.Timer
) -> None:
    async with Lifecycle() as life:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, life.end)
        try:
            await _until_over(life, asyncio.create_task(_built(build, life, settings)))
        finally:
            log.info("ending")
            watchdog.start()
    life.raise_failure()


async def _until_over(life: Lifecycle, building: "asyncio.Task[None]") -> None:
    ending = asyncio.create_task(life.until_ended())
    await asyncio.wait({building, ending}, return_when=asyncio.FIRST_COMPLETED)
    if not building.done():
        building.cancel()
        await asyncio.wait({building})
    # A part that failed while others waited for it tells more than what they then raise.
    life.raise_failure()
    if not building.cancelled():
        building.result()
    await ending


async def _built(
    build: Callable[[Lifecycle, SettingsT], Awaitable[None]], life: Lifecycle, settings: SettingsT
) -> None:
    await build(life, settings)
    life.built()
    # What is there now stays: the collector need not go through it again and again.
    gc.freeze()


def _end_hard() -> None:
    log.error("not ended in %s s: ending hard", _GRACE_SECONDS)
    sys.stdout.flush()
    os._exit(1)

"""Asks now and then whether something we stand on answers, for /readyz."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta

from chassis.errors import RetryableError


class Probe:
    """Pings `name` every few seconds; a component of a Lifecycle. An answer later than `patience` is none."""

    def __init__(
        self,
        name: str,
        ping: Callable[[], Awaitable[None]],
        *,
        every: timedelta = timedelta(seconds=5),
        patience: timedelta = timedelta(seconds=5),
    ) -> None:
        self._name = name
        self._ping = ping
        self._every = every
        self._patience = patience
        self._stopping = asyncio.Event()
        self._problem: str | None = f"{name} was not asked yet"

    def check(self) -> str | None:
        """Tell /readyz what is wrong."""
        return self._problem

    async def run(self) -> None:
        """Ask until stopped; what the ping raises other than RetryableError ends the service."""
        while not self._stopping.is_set():
            try:
                async with asyncio.timeout(self._patience.total_seconds()):
                    await self._ping()
                self._problem = None
            except (RetryableError, TimeoutError):
                self._problem = f"{self._name} does not answer"
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._every.total_seconds()):
                    await self._stopping.wait()

    def stop(self) -> None:
        """Ask it to end; safe to repeat."""
        self._stopping.set()

"""Forgets the messages that led to nothing, once nobody can send them again."""

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

from chassis.errors import RetryableError

_PORTION = 1_000
"""Rows a statement deletes: some milliseconds, which the store's one thread can spare between two batches."""

log = logging.getLogger(__name__)


class Causes(Protocol):
    """What was applied and led to no event; `chassis.event_store.EventStore` is one."""

    async def purge_causes(self, older_than: timedelta, limit: int) -> int:
        """Forget the oldest noted longer ago, at most `limit`; return how many. Raises RetryableError."""
        ...


class CausePurge:
    """Looks every hour; a component of a Lifecycle. Replicas that do it side by side do no harm.

    `kept_for` is how long a repeat may come: as long as upstream's topic keeps what it was caused by.
    """

    def __init__(self, causes: Causes, kept_for: timedelta, every: timedelta = timedelta(hours=1)) -> None:
        self._causes = causes
        self._kept_for = kept_for
        self._every = every
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Purge now and then until stopped."""
        while not self._stopping.is_set():
            try:
                await self._purge()
            except RetryableError as error:
                log.warning("old causes are not forgotten yet: %s", error)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every.total_seconds()):
                    await self._stopping.wait()

    def stop(self) -> None:
        """Ask it to end; safe to repeat."""
        self._stopping.set()

    async def _purge(self) -> None:
        while not self._stopping.is_set():
            if await self._causes.purge_causes(self._kept_for, _PORTION) < _PORTION:
                return

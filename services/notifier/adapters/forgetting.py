"""Keeps the ledger from growing for ever: what was said long ago is removed, a little at a time."""

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta

from chassis.errors import RetryableError
from services.notifier.ports import Ledger

_AT_ONCE = 500
"""Others wait for the database meanwhile."""
_PAUSE_SECONDS = 0.5
_LOOK_SECONDS = 3600.0

log = logging.getLogger(__name__)


class Forgetting:
    """A component. Several replicas on one ledger may do it at the same time."""

    def __init__(self, ledger: Ledger, older_than: timedelta) -> None:
        self._ledger = ledger
        self._older_than = older_than
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Look every hour until stopped."""
        while not self._stopping.is_set():
            removed = await self._forget()
            await self._sleep(_PAUSE_SECONDS if removed == _AT_ONCE else _LOOK_SECONDS)

    def stop(self) -> None:
        """Ask it to end; safe to repeat."""
        self._stopping.set()

    async def _forget(self) -> int:
        try:
            removed = await self._ledger.forget(self._older_than, _AT_ONCE)
        except RetryableError as error:
            log.warning("old notices are removed later: %s", error)
            return 0
        if removed:
            log.info("old notices were removed from the ledger", extra={"count": removed})
        return removed

    async def _sleep(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

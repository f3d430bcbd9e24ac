"""Writes the rows of a Faust app to their changelogs: what comes within a moment, in one go.

Faust's own way makes a message, a future and a callback of each row, and a batch of it by a lock and a task.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from chassis.backoff import backoff_seconds
from chassis.errors import RetryableError
from chassis.producer import Appended, Producer
from chassis.records import Outgoing
from chassis.settings import KafkaSettings
from chassis.write_progress import WriteProgress

_LINGER_SECONDS = 0.1
"""How long a row waits for others; nobody waits for it but who flushes."""

log = logging.getLogger(__name__)


class ChangelogWriter:
    """Rows in the order in which they were put: none goes past one that could not be written yet."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._listeners: dict[str, Callable[[Appended], None]] = {}
        self._waiting: list[Outgoing] = []
        self._progress = WriteProgress()
        self._something = asyncio.Event()
        self._flushing = asyncio.Event()

    def tell(self, topic: str, listener: Callable[[Appended], None]) -> None:
        """Have what is written to a changelog told, in order."""
        self._listeners[topic] = listener

    def put(self, row: Outgoing) -> None:
        """Have the row written; a row without a value deletes its key."""
        self._progress.put()
        self._waiting.append(row)
        self._something.set()

    async def flush(self) -> bool:
        """Wait until all that was put by now is written and return True; False where no more is written."""
        self._flushing.set()
        return await self._progress.all_durable()

    async def run(self) -> None:
        """Write until cancelled; raises what makes writing impossible."""
        try:
            async with Producer(self._settings, "changelog") as producer:
                while True:
                    await self._something.wait()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._flushing.wait(), _LINGER_SECONDS)
                    self._flushing.clear()
                    self._something.clear()
                    rows, self._waiting = self._waiting, []
                    await self._write(producer, rows)
                    self._progress.settled(len(rows))
        finally:
            self._progress.doubt()

    async def _write(self, producer: Producer, rows: list[Outgoing]) -> None:
        attempt = 0
        while True:
            try:
                appended = await producer.append(rows)
            except RetryableError as error:
                attempt += 1
                log.warning("writing rows again: %s", error, extra={"attempt": attempt})
                await asyncio.sleep(backoff_seconds(attempt))
            else:
                break
        for one in appended:
            self._listeners[one.partition.topic](one)

"""Publishes what is stored: the rows of each held partition, in order, remembering how far.

Rows may go out again after a takeover or a crash, never out of order from one holder and never not at all.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from typing import Protocol

from chassis.backoff import backoff_seconds
from chassis.errors import LostOwnershipError, RetryableError
from chassis.event_store import OutboxRow, StoredEvent
from chassis.records import Outgoing

log = logging.getLogger(__name__)


class OutboxStore(Protocol):
    """Where the rows lie; `chassis.event_store.EventStore` is one."""

    async def outbox(self, partition: int, after: int, limit: int) -> list[OutboxRow]:
        """Return the next rows of a partition behind a row, in the order of commits."""
        ...

    async def published(self, partition: int) -> int:
        """Return the last row known to be published."""
        ...

    async def remember_published(self, partition: int, row: int) -> None:
        """Remember the last row that is published."""
        ...


class BatchSender(Protocol):
    """Where the rows go; `chassis.producer.Producer` is one."""

    async def send_batch(self, records: Sequence[Outgoing]) -> None:
        """Write all and return when they are acknowledged; raises RetryableError."""
        ...


class OutboxRelay:
    """Relays the outbox of the partitions it is told to hold; a component of a Lifecycle.

    `to_records` says what a stored event is on the wire (none, one, several records). A store or broker that does
    not answer is tried again with a back-off, without end.
    """

    def __init__(
        self,
        store: OutboxStore,
        sender: BatchSender,
        to_records: Callable[[int, StoredEvent], Sequence[Outgoing]],
        *,
        poll: timedelta = timedelta(seconds=1),
        batch_size: int = 500,
    ) -> None:
        self._store = store
        self._sender = sender
        self._to_records = to_records
        self._poll = poll
        self._batch_size = batch_size
        self._relayed: dict[int, int | None] = {}
        """Held partitions, and the last row that was relayed of each; None where the store is yet to be asked."""
        self._due: set[int] = set()
        self._woken = asyncio.Event()
        self._stopping = asyncio.Event()
        self._failures = 0

    def hold(self, partitions: Collection[int]) -> None:
        """Relay these from now on, from the row that is remembered; repeating it is harmless."""
        for partition in partitions:
            self._relayed.setdefault(partition, None)
            self.wake(partition)

    def release(self, partitions: Collection[int]) -> None:
        """Leave these to who holds them now."""
        for partition in partitions:
            self._relayed.pop(partition, None)
            self._due.discard(partition)

    def wake(self, partition: int) -> None:
        """Say that something was stored for a partition."""
        self._due.add(partition)
        self._woken.set()

    @property
    def has_work(self) -> bool:
        """Tell whether something may be stored that is not relayed yet."""
        return bool(self._due)

    @property
    def stuck(self) -> str | None:
        """Say what is not well, in a few words, for /readyz; None when all is."""
        return None if self._failures < 3 else f"the outbox could not be relayed {self._failures} times in a row"

    async def run(self) -> None:
        """Relay until stopped; what was being sent is finished and remembered before it returns."""
        while not self._stopping.is_set():
            await self._wait()
            try:
                await self._relay_due()
            except (RetryableError, LostOwnershipError) as error:
                self._failures += 1
                if isinstance(error, LostOwnershipError):
                    # Others may have gone on, so how far it is relayed is asked anew.
                    self._relayed = dict.fromkeys(self._relayed)
                self._due.update(self._relayed)
                log.warning("outbox waits: %s", error)
                await self._pause(backoff_seconds(self._failures))
            else:
                self._failures = 0

    def stop(self) -> None:
        """Ask it to end; what is stored by then is still relayed once."""
        self._stopping.set()
        self._woken.set()

    async def _relay_due(self) -> None:
        while self._due:
            partition = self._due.pop()
            if partition in self._relayed and await self._relay_some(partition):
                self._due.add(partition)

    async def _relay_some(self, partition: int) -> bool:
        """Relay one batch; return whether there may be more."""
        after = self._relayed[partition]
        if after is None:
            after = await self._store.published(partition)
        rows = await self._store.outbox(partition, after, self._batch_size)
        if not rows:
            self._note(partition, after)
            return False
        await self._sender.send_batch([record for row in rows for record in self._to_records(partition, row.event)])
        self._note(partition, rows[-1].row)
        await self._store.remember_published(partition, rows[-1].row)
        return len(rows) == self._batch_size

    def _note(self, partition: int, row: int) -> None:
        if partition in self._relayed:
            self._relayed[partition] = row

    async def _wait(self) -> None:
        """Return when something was stored, or when it is time to look whether something was."""
        try:
            await asyncio.wait_for(self._woken.wait(), self._poll.total_seconds())
        except TimeoutError:
            self._due.update(self._relayed)
        if not self._stopping.is_set():
            self._woken.clear()

    async def _pause(self, seconds: float) -> None:
        """Back off, then look at once; a stop does not wait for it."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
        self._woken.set()

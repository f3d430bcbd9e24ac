"""Publishes what is stored: the rows of each held partition, in order, remembering how far.

Rows may go out again after a takeover or a crash, never out of order from one holder and never not at all.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from chassis.backoff import backoff_seconds
from chassis.errors import LostOwnershipError, RetryableError
from chassis.event_store import OutboxRow, StoredEvent
from chassis.records import Outgoing

_FAREWELL_SECONDS = 2.0

log = logging.getLogger(__name__)


class OutboxStore(Protocol):
    """Where the rows lie; `chassis.event_store.EventStore` is one."""

    async def outbox(self, after: Mapping[int, int], limit: int) -> list[OutboxRow]:
        """Return of each partition the next rows behind a row, in the order of commits."""
        ...

    async def published(self, partitions: Collection[int]) -> Mapping[int, int]:
        """Return the last row of each that is known to be published."""
        ...

    async def remember_published(self, rows: Mapping[int, int]) -> None:
        """Remember the last row of each that is published."""
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
        self._turn = asyncio.Lock()
        self._woken = asyncio.Event()
        self._stopping = asyncio.Event()
        self._failures = 0

    def hold(self, partitions: Collection[int]) -> None:
        """Relay these from now on, from the row that is remembered; repeating it is harmless."""
        for partition in partitions:
            self._relayed.setdefault(partition, None)
            self.wake(partition)

    async def release(self, partitions: Collection[int]) -> None:
        """Leave these to who holds them now, after one last time: what is sent is remembered, or they send it again.

        A database or broker that is silent is not waited for long.
        """
        with contextlib.suppress(RetryableError, LostOwnershipError, TimeoutError):
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await self._relay_some(set(partitions) & self._relayed.keys())
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
        while due := self._due & self._relayed.keys():
            self._due -= due
            self._due |= await self._relay_some(due)

    async def _relay_some(self, partitions: set[int]) -> set[int]:
        """Relay a batch of each of these, all at once; return those of which there may be more."""
        async with self._turn:
            return await self._relay_in_turn(partitions)

    async def _relay_in_turn(self, partitions: Collection[int]) -> set[int]:
        await self._ask_where_unknown(partitions)
        after = {partition: row for partition in partitions if (row := self._relayed.get(partition)) is not None}
        rows = await self._store.outbox(after, self._batch_size) if after else []
        if not rows:
            return set()
        await self._sender.send_batch([record for row in rows for record in self._to_records(row.partition, row.event)])
        last = {row.partition: row.row for row in rows}
        self._note(last)
        await self._store.remember_published(last)
        full = Counter(row.partition for row in rows)
        return {partition for partition, count in full.items() if count == self._batch_size}

    async def _ask_where_unknown(self, partitions: Collection[int]) -> None:
        unknown = [partition for partition in partitions if self._relayed.get(partition, 0) is None]
        if unknown:
            self._note(await self._store.published(unknown))

    def _note(self, rows: Mapping[int, int]) -> None:
        """Note how far partitions are relayed that are still held."""
        self._relayed |= {partition: row for partition, row in rows.items() if partition in self._relayed}

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

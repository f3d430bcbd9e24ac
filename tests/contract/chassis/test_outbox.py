"""What the relay promises of the rows that are stored, whatever the database, the broker or a takeover does."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID, uuid5

import pytest

from chassis.errors import LostOwnershipError, RetryableError
from chassis.event_store import EventStore, OutboxRow, StoredEvent
from chassis.outbox import OutboxRelay
from chassis.records import Outgoing
from tests.harness.waiting import eventually

NAMESPACE = UUID("6f1c1f4a-5d0e-5b0a-9c55-0e5ca1011000")
LONG = timedelta(hours=1)


class RecordingSender:
    """Keeps what it is given; fails as often as it is told to, before or after the broker took the records."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.fails_before = 0
        self.fails_after = 0
        self.frozen = asyncio.Event()
        self.frozen.set()
        self.waiting = False

    async def send_batch(self, records: Sequence[Outgoing]) -> None:
        await asyncio.sleep(0)
        if self.fails_before:
            self.fails_before -= 1
            raise RetryableError("the broker is away")
        self.sent += [record.value or b"" for record in records]
        if self.fails_after:
            self.fails_after -= 1
            raise RetryableError("the acknowledgement was lost")


def events(name: str, count: int, start: int = 1) -> list[StoredEvent]:
    stream = uuid5(NAMESPACE, name)
    return [StoredEvent(stream, v, "escalon.test.Happened", f"{name}{v}".encode()) for v in range(start, start + count)]


def values(name: str, count: int) -> list[bytes]:
    return [event.value for event in events(name, count)]


def to_records(partition: int, event: StoredEvent) -> list[Outgoing]:
    return [Outgoing("out", event.stream_id.bytes, event.value, partition=partition)]


@asynccontextmanager
async def relaying(
    store: EventStore, sender: RecordingSender, *, poll: timedelta = LONG, batch_size: int = 500
) -> AsyncIterator[OutboxRelay]:
    relay = OutboxRelay(store, sender, to_records, poll=poll, batch_size=batch_size)
    running = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        relay.stop()
        await running


async def test_what_is_stored_goes_out_in_order_once_the_relay_is_woken(store: EventStore) -> None:
    sender = RecordingSender()
    async with relaying(store, sender, batch_size=4) as relay:
        relay.hold([3])
        await store.append(3, events("a", 10))
        relay.wake(3)
        await eventually(lambda: len(sender.sent) == 10)
    assert sender.sent == values("a", 10)
    assert await store.outbox(await store.published([3]), 10) == []


async def test_what_was_stored_before_the_partition_was_held_goes_out(store: EventStore) -> None:
    await store.append(3, events("a", 2))
    sender = RecordingSender()
    async with relaying(store, sender) as relay:
        relay.hold([3])
        await eventually(lambda: sender.sent == values("a", 2))


async def test_without_a_wake_up_the_relay_looks_by_itself(store: EventStore) -> None:
    sender = RecordingSender()
    async with relaying(store, sender, poll=timedelta(milliseconds=20)) as relay:
        relay.hold([3])
        await store.append(3, events("a", 1))
        await eventually(lambda: sender.sent == values("a", 1))


async def test_partitions_that_are_not_held_are_left_alone(store: EventStore) -> None:
    await store.append(4, events("b", 1))
    sender = RecordingSender()
    async with relaying(store, sender) as relay:
        relay.hold([3, 5])
        await relay.release([5])
        await store.append(5, events("c", 1))
        relay.wake(4)
        relay.wake(5)
        await store.append(3, events("a", 1))
        relay.wake(3)
        await eventually(lambda: sender.sent == values("a", 1))
    assert sender.sent == values("a", 1)


async def test_a_takeover_sends_again_only_what_was_not_remembered(store: EventStore, store_url: str) -> None:
    await store.append(3, events("a", 3))
    first, second = RecordingSender(), RecordingSender()
    async with relaying(store, first) as relay:
        relay.hold([3])
        await eventually(lambda: len(first.sent) == 3)
    await store.append(3, events("a", 2, start=4))
    successor = EventStore(store_url)
    try:
        async with relaying(successor, second) as relay:
            relay.hold([3])
            await eventually(lambda: len(second.sent) == 2)
    finally:
        await successor.close()
    assert first.sent + second.sent == values("a", 5)


class FrozenSender(RecordingSender):
    """Is frozen when it is to send, and wakes up when others may have gone on."""

    async def send_batch(self, records: Sequence[Outgoing]) -> None:
        if not self.frozen.is_set():
            self.waiting = True
            await self.frozen.wait()
            raise LostOwnershipError("the group was silent")
        await super().send_batch(records)


class SlowSender(RecordingSender):
    """Has the records, and says so only when it is told to."""

    async def send_batch(self, records: Sequence[Outgoing]) -> None:
        await super().send_batch(records)
        self.waiting = True
        await self.frozen.wait()


async def test_what_is_being_sent_when_a_partition_goes_is_remembered_before_the_next_holder_asks(
    store: EventStore,
) -> None:
    sender = SlowSender()
    await store.append(3, events("a", 3))
    async with relaying(store, sender) as relay:
        sender.frozen.clear()
        relay.hold([3])
        await eventually(lambda: sender.sent)
        releasing = asyncio.create_task(relay.release([3]))
        await asyncio.sleep(0)
        sender.frozen.set()
        await releasing
        assert await store.outbox(await store.published([3]), 10) == []
    assert sender.sent == values("a", 3)


async def test_a_broker_that_is_away_loses_nothing_and_changes_no_order(store: EventStore) -> None:
    sender = RecordingSender()
    sender.fails_before = 2
    async with relaying(store, sender) as relay:
        relay.hold([3])
        await store.append(3, events("a", 3))
        relay.wake(3)
        await eventually(lambda: sender.sent == values("a", 3))
        assert relay.stuck is None or sender.fails_before == 0


async def test_a_lost_acknowledgement_sends_the_same_rows_again(store: EventStore) -> None:
    sender = RecordingSender()
    sender.fails_after = 1
    await store.append(3, events("a", 3))
    async with relaying(store, sender) as relay:
        relay.hold([3])
        await eventually(lambda: sender.sent == values("a", 3) * 2)


class ForgetfulStore(EventStore):
    """Cannot be written to for once when it is to remember what was published."""

    fails = 1

    async def remember_published(self, rows: Mapping[int, int]) -> None:
        if self.fails:
            self.fails -= 1
            raise RetryableError("the database is away")
        await super().remember_published(rows)


async def test_what_could_not_be_remembered_is_not_sent_again(store: EventStore, store_url: str) -> None:
    sender, forgetful = RecordingSender(), ForgetfulStore(store_url)
    await store.append(3, events("a", 3))
    try:
        async with relaying(forgetful, sender) as relay:
            relay.hold([3])
            await eventually(lambda: forgetful.fails == 0)
            await store.append(3, events("a", 1, start=4))
            relay.wake(3)
            await eventually(lambda: len(sender.sent) >= 4)
    finally:
        await forgetful.close()
    assert sender.sent == values("a", 4)


async def test_who_was_frozen_asks_anew_what_was_relayed_meanwhile(store: EventStore) -> None:
    sender = FrozenSender()
    sender.frozen.clear()
    rows = [row.row for row in await _stored(store, 3)]
    async with relaying(store, sender) as relay:
        relay.hold([3])
        await eventually(lambda: sender.waiting)
        await store.remember_published({3: rows[1]})
        sender.frozen.set()
        await eventually(lambda: sender.sent)
    assert sender.sent == values("a", 3)[2:]


async def _stored(store: EventStore, count: int) -> list[OutboxRow]:
    await store.append(3, events("a", count))
    return list(await store.outbox({3: 0}, count))


async def test_a_stop_still_relays_what_is_stored(store: EventStore) -> None:
    sender = RecordingSender()
    async with relaying(store, sender) as relay:
        relay.hold([3])
        await eventually(lambda: not relay.has_work)
        await store.append(3, events("a", 2))
        relay.wake(3)
    assert sender.sent == values("a", 2)


async def test_a_bug_in_what_a_row_becomes_stops_the_relay(store: EventStore) -> None:
    def broken(_partition: int, _event: StoredEvent) -> list[Outgoing]:
        raise KeyError("bug")

    await store.append(3, events("a", 1))
    relay = OutboxRelay(store, RecordingSender(), broken)
    relay.hold([3])
    with pytest.raises(KeyError, match="bug"):
        await relay.run()
    assert await store.published([3]) == {3: 0}

"""Faust's consumer with a short fetch wait, noting when its group last answered, and losing nothing in a rebalance."""

from collections.abc import Mapping
from typing import Any

import faust
from aiokafka import AIOKafkaConsumer
from faust.transport.drivers import aiokafka as driver
from faust.transport.producer import ProducerBuffer
from faust.types import TP, FutureMessage, Message, TransportT

from chassis.group_membership import GroupMembership

_FETCH_WAIT_MS = 100
"""Faust's own is 1500. A broker answers one fetch of a client at a time, so what is new on one partition waits until
the fetch of those that have nothing new is over."""


class StreamApp(faust.App):
    """A Faust app that knows whether it is still in its group. `membership` is set before it starts."""

    membership: GroupMembership

    def _new_transport(self) -> TransportT:
        return PromptTransport(self.conf.broker_consumer, self)


class PromptConsumerThread(driver.AIOKafkaConsumerThread):
    """Reads with a short wait, and notes what the group answers."""

    async def on_start(self) -> None:
        """Begin to read."""
        await super().on_start()
        coordinator: Any = self._ensure_consumer()._coordinator  # noqa: SLF001  nothing else tells of heartbeats
        assert isinstance(self.app, StreamApp)  # noqa: S101  only StreamApp makes this transport
        self.app.membership.watch(coordinator)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Go back to where the group is: to the beginning where it has committed nothing yet.

        Faust throws away what it has fetched during a rebalance and goes back for it; aiokafka then stays where it is
        in a partition of which nothing is committed, and what was thrown away is never read.
        """
        committed = await super().seek_to_committed()
        own = self.app.tables.changelog_topics
        unread = {partition for partition, offset in committed.items() if offset is None and partition.topic not in own}
        await self.call_thread(self._seek_to_beginning, unread)
        return committed

    async def _seek_to_beginning(self, partitions: set[TP]) -> None:
        consumer = self._ensure_consumer()
        held = partitions & consumer.assignment()
        if held:
            await consumer.seek_to_beginning(*held)

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = _FETCH_WAIT_MS  # noqa: SLF001  Faust has no setting for it
        return consumer


class PromptConsumer(driver.Consumer):
    """A consumer with such a thread."""

    def ack(self, message: Message) -> bool:
        """Acknowledge a message unless its partition was taken away: Faust acknowledges those that it skips for it."""
        is_ours = message.generation_id == self.app.consumer_generation_id
        return is_ours and self.app.flow_control.is_active() and super().ack(message)

    def _new_consumer_thread(self) -> PromptConsumerThread:
        return PromptConsumerThread(self, loop=self.loop, beacon=self.beacon)


class CountingBuffer(ProducerBuffer):
    """What waits to be produced, with what is being handed over just now."""

    _in_hand = 0

    @property
    def size(self) -> int:
        """Return how many messages the producer has not got yet."""
        return super().size + self._in_hand

    async def _send_pending(self, fut: FutureMessage) -> None:
        self._in_hand += 1
        try:
            await super()._send_pending(fut)
        finally:
            self._in_hand -= 1


class ThoroughProducer(driver.Producer):
    """A producer that is flushed when all is sent: offsets are committed then, and partitions given away."""

    def __init__(self, transport: TransportT, **options: Any) -> None:
        super().__init__(transport, **options)
        self.buffer = CountingBuffer(loop=self.loop, beacon=self.beacon)
        self.buffer.app = self.app

    async def flush(self) -> None:
        """Wait until all is sent; Faust's own gives up after a tenth of a second in which nothing moves."""
        while self.buffer.size:
            await self.buffer.flush()
        await super().flush()


class PromptTransport(driver.Transport):
    """A transport with such a consumer and producer."""

    Consumer = PromptConsumer
    Producer = ThoroughProducer

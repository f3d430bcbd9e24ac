"""Faust's consumer with a short fetch wait, and noting when its group last answered."""

from typing import Any

import faust
from aiokafka import AIOKafkaConsumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TransportT

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

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = _FETCH_WAIT_MS  # noqa: SLF001  Faust has no setting for it
        return consumer


class PromptConsumer(driver.Consumer):
    """A consumer with such a thread."""

    def _new_consumer_thread(self) -> PromptConsumerThread:
        return PromptConsumerThread(self, loop=self.loop, beacon=self.beacon)


class PromptTransport(driver.Transport):
    """A transport with such a consumer."""

    Consumer = PromptConsumer

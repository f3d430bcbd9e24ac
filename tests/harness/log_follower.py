"""The log as an outsider reads it: every record of a topic is read once, however often a test looks."""

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition

from chassis.settings import KafkaSettings
from chassis.startup import check_kafka
from schemas.catalogue import Topic
from schemas.codec import Codec, SchemaBook
from schemas.errors import WireError
from schemas.message import Message

_FETCH_WAIT_MS = 20
"""A broker answers a connection in order: to ask for the ends waits for the fetch before it."""


class LogFollower:
    """Keeps a place in each topic it was asked for, and what it has read there."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._codec = Codec(SchemaBook())
        self._consumers: dict[str, Any] = {}
        self._read: dict[str, list[Message]] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def events(self, topic: Topic) -> list[Message]:
        """Return every event of the topic that the broker has by now; what cannot be read is left out."""
        consumer = self._consumers.get(topic.name) or await self._begin(topic)
        partitions = list(consumer.assignment())
        ends = await consumer.end_offsets(partitions)
        behind = [place for place, end in ends.items() if await consumer.position(place) < end]
        consumer.resume(*behind)
        while any([await consumer.position(place) < ends[place] for place in behind]):
            for records in (await consumer.getmany(timeout_ms=100)).values():
                self._read[topic.name] += [one for record in records if (one := self._decoded(record.value))]
        # Or it would fetch fifty times a second what is not there, and both of us would be busy with that.
        consumer.pause(*behind)
        return list(self._read[topic.name])

    async def _begin(self, topic: Topic) -> Any:
        (count,) = (await check_kafka(self._settings, (topic.name,))).values()
        partitions = [KafkaPartition(topic.name, number) for number in range(count)]
        consumer: Any = AIOKafkaConsumer(
            bootstrap_servers=self._settings.bootstrap_servers,
            enable_auto_commit=False,
            fetch_max_wait_ms=_FETCH_WAIT_MS,
        )
        await consumer.start()
        self._stack.push_async_callback(consumer.stop)
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        consumer.pause(*partitions)
        self._consumers[topic.name] = consumer
        self._read[topic.name] = []
        return consumer

    def _decoded(self, value: bytes | None) -> Message | None:
        try:
            return None if value is None else self._codec.decode(value)
        except WireError:
            return None

"""A consumer at work on a real Kafka, with a handler that a test can tell what to do."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer

from chassis.consumer import Consumer, Hooks, Subscription
from chassis.dead_letters import dead_letter_topic
from chassis.errors import RejectedMessageError
from chassis.producer import Producer
from chassis.records import Batch, Outgoing, Record
from chassis.settings import KafkaSettings
from tests.harness.topics import create_topics
from tests.harness.waiting import eventually

SERVICE = "desk"

Handler = Callable[[Batch[str]], Awaitable[None]]


@dataclass
class Workbench:
    """Where a test keeps what it needs; `seen` is every message the handler was given and kept, in order."""

    settings: KafkaSettings
    producer: Producer
    topic: str
    group: str
    seen: list[str] = field(default_factory=list)
    batches: list[Batch[str]] = field(default_factory=list)

    @property
    def subscription(self) -> Subscription:
        """Return a plain subscription to the topic."""
        return Subscription(service=SERVICE, group=self.group, topics=(self.topic,))

    async def publish(self, *values: str, key: str = "k") -> None:
        """Publish texts of one key."""
        await self.producer.send_batch([Outgoing(self.topic, key.encode(), value.encode()) for value in values])

    async def keep(self, batch: Batch[str]) -> None:
        """Keep what came: the plainest handler."""
        self.batches.append(batch)
        self.seen += [item.message for item in batch.items]

    def consumer(
        self,
        handler: Handler | None = None,
        subscription: Subscription | None = None,
        hooks: Hooks | None = None,
    ) -> Consumer[str]:
        """Return a consumer, not running yet."""
        return Consumer(
            self.settings, subscription or self.subscription, decode_text, handler or self.keep, self.producer, hooks
        )

    async def dead_letters(self, count: int) -> list[Record]:
        """Return the first `count` dead letters, once they are there."""
        return await read(self.settings, dead_letter_topic(self.topic, SERVICE), count)


def decode_text(record: Record) -> str | None:
    """Decode UTF-8 that begins with a letter; "skip" is for others; all else is garbage."""
    text = (record.value or b"").decode(errors="replace")
    if text == "skip":
        return None
    if not text[:1].isalpha():
        raise RejectedMessageError("not a text that begins with a letter", offset=record.offset)
    return text


@asynccontextmanager
async def a_workbench(kafka: str, unique: str, partitions: int = 1) -> AsyncIterator[Workbench]:
    """Give a workbench with a topic and its dead-letter topic."""
    settings = KafkaSettings(bootstrap_servers=kafka, session_timeout_ms=6000)
    topic = f"{unique}.words"
    await create_topics(kafka, topic, dead_letter_topic(topic, SERVICE), partitions=partitions)
    async with Producer(settings, "test") as producer:
        yield Workbench(settings, producer, topic, f"{unique}.group")


@asynccontextmanager
async def running(consumer: Consumer[str]) -> AsyncIterator["asyncio.Task[None]"]:
    """Run a consumer for the block; what it raises is raised at the end of the block."""
    task = asyncio.create_task(consumer.run())
    try:
        await eventually(lambda: task.done() or consumer.check() is None, what="the consumer got its partitions")
        yield task
    finally:
        consumer.stop()
        await task


async def read(settings: KafkaSettings, topic: str, count: int) -> list[Record]:
    """Return the first `count` records of a topic, partition by partition as they come."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=settings.bootstrap_servers, auto_offset_reset="earliest")
    await consumer.start()
    found: list[Record] = []
    try:
        async with asyncio.timeout(20):
            while len(found) < count:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [
                        Record(r.topic, r.partition, r.offset, r.key, r.value, tuple(r.headers), r.timestamp)
                        for r in records
                    ]
    finally:
        await consumer.stop()
    return found


def header(record: Record, name: str) -> bytes:
    """Return a header's value; there must be exactly one."""
    (value,) = [value for key, value in record.headers if key == name]
    return value

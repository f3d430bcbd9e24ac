"""What every command needs of Kafka: where it is, the codec, a producer, and topics read as a log."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.errors import KafkaError
from pydantic import Field
from pydantic_settings import BaseSettings

from chassis.errors import RejectedMessageError
from chassis.kafka_client import connection_options, not_reached
from chassis.producer import Producer
from chassis.records import Outgoing, Record
from chassis.schema_registry import SchemaRegistry
from chassis.settings import KafkaSettings, read_settings
from chassis.startup import check_kafka
from schemas.catalogue import SCHEMAS, Topic, topic_of
from schemas.codec import Codec, SchemaBook
from schemas.envelope import headers_of
from schemas.errors import UnresolvedSchemaError, WireError
from schemas.message import Message
from wire.kafka_wire import announcement, learn_schema

CLIENT_ID = "escalon-ops"
_POLL_MS = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """A record with the event it holds; `message` is None for what this version cannot read."""

    record: Record
    message: Message | None


def kafka_settings() -> KafkaSettings:
    """Return where Kafka is, from the environment; raises StartUpError naming what is missing."""
    return read_settings(KafkaSettings)


async def read_topics(settings: KafkaSettings, topics: Iterable[str], *, follow: bool = False) -> AsyncIterator[Record]:
    """Yield every record of the topics, partition by partition in order; to the present end, or for ever.

    Joins no group and commits nothing. Raises StartUpError when no broker answers or a topic is not there.
    """
    counts = await check_kafka(settings, tuple(topics))
    partitions = [KafkaPartition(topic, number) for topic in sorted(counts) for number in range(counts[topic])]
    consumer: Any = AIOKafkaConsumer(**connection_options(settings, CLIENT_ID), enable_auto_commit=False)
    try:
        await consumer.start()
    except KafkaError as error:
        await consumer.stop()
        raise not_reached(settings, error) from error
    try:
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        while follow or await _behind(consumer, ends):
            for batch in (await consumer.getmany(timeout_ms=_POLL_MS)).values():
                for record in batch:
                    yield _record(record)
    finally:
        await consumer.stop()


class EventLog:
    """Events of topics, decoded with the schemas their writers published, on `schemas.v1` or in a registry."""

    def __init__(self, settings: KafkaSettings, registry: SchemaRegistry | None = None) -> None:
        self._settings = settings
        self._registry = registry
        self.codec = Codec(SchemaBook())

    async def entries(self, *topics: Topic, follow: bool = False) -> AsyncIterator[Entry]:
        """Yield every record with its event; see `read_topics`."""
        async for record in read_topics(self._settings, [SCHEMAS.name]):
            self._learn(record)
        names = [topic.name for topic in topics]
        async for record in read_topics(self._settings, [*names, *([SCHEMAS.name] if follow else [])], follow=follow):
            if record.topic == SCHEMAS.name:
                self._learn(record)
            else:
                yield Entry(record, await self.decoded(record))

    def _learn(self, record: Record) -> None:
        # What is no schema is not ours to mend here: the events that need it are told as unreadable.
        with suppress(RejectedMessageError):
            learn_schema(self.codec.book, record)

    async def decoded(self, record: Record) -> Message | None:
        """Return the record's event, None for what cannot be read; raises RetryableError if a registry is away."""
        try:
            return None if record.value is None else self.codec.decode(record.value)
        except UnresolvedSchemaError:
            return await self.decoded(record) if await self._looked_up() else None
        except WireError:
            return None

    async def _looked_up(self) -> bool:
        """Ask the registry for the ids that were met; tell whether there was anything to ask."""
        wanted = tuple(self.codec.book.wanted_ids) if self._registry is not None else ()
        for registry_id in wanted:
            schema = None if self._registry is None else await self._registry.schema(registry_id)
            if schema is None:
                self.codec.book.refuse(registry_id)
            else:
                self.codec.book.learn(schema, registry_id)
        return bool(wanted)


class _RegistrySettings(BaseSettings):
    url: str | None = Field(None, validation_alias="SCHEMA_REGISTRY_URL")


def open_log() -> EventLog:
    """Return the log of the installation that the environment names."""
    url = read_settings(_RegistrySettings).url
    return EventLog(kafka_settings(), None if url is None else SchemaRegistry(url))


@asynccontextmanager
async def publisher(settings: KafkaSettings) -> AsyncIterator["Publisher"]:
    """Give something that publishes events; raises StartUpError when no broker answers."""
    await check_kafka(settings, ())
    async with Producer(settings, CLIENT_ID) as producer:
        yield Publisher(settings, producer)


class Publisher:
    """Publishes events, their schemas first."""

    def __init__(self, settings: KafkaSettings, producer: Producer) -> None:
        self._settings = settings
        self._producer = producer
        self._codec = Codec(SchemaBook())
        self._announced: set[str] = set()

    async def publish(self, messages: Iterable[tuple[str, Message]]) -> int:
        """Publish events under their keys and return how many; each topic's schemas go before its first event.

        Raises StartUpError when a topic is not there: a producer would wait for it for long, and name it to nobody.
        """
        outgoing = []
        for key, message in messages:
            topic = topic_of(type(message))
            await self._announce(topic)
            value = self._codec.encode(message)
            outgoing.append(Outgoing(topic.name, key.encode(), value, headers=headers_of(message)))
        await self._producer.send_batch(outgoing)
        return len(outgoing)

    async def _announce(self, topic: Topic) -> None:
        if topic.name not in self._announced:
            await check_kafka(self._settings, (topic.name, SCHEMAS.name))
            await self._producer.send_batch(announcement(self._codec.book, (topic,)))
            self._announced.add(topic.name)


async def _behind(consumer: Any, ends: dict[KafkaPartition, int]) -> bool:
    for partition, end in ends.items():
        if await consumer.position(partition) < end:
            return True
    return False


def _record(record: Any) -> Record:
    return Record(
        record.topic, record.partition, record.offset, record.key, record.value, tuple(record.headers), record.timestamp
    )

"""A company's own programs beside ours: Confluent's client, its serializer and its deserializer."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from confluent_kafka import Consumer, Producer
from confluent_kafka.schema_registry import (
    SchemaRegistryClient,
    topic_record_subject_name_strategy,  # several event types share a topic
)
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from schemas.avro_schema import schema_json
from schemas.catalogue import Topic, topic_of
from schemas.message import Message
from tests.harness.waiting import eventually


@dataclass(frozen=True, slots=True)
class Read:
    """A record as Confluent's deserializer gives it."""

    topic: str
    key: str
    type: str
    value: dict[str, Any]


class ConfluentWriter:
    """Publishes events in Confluent's framing, and registers their schemas."""

    def __init__(self, bootstrap: str, registry_url: str) -> None:
        self._client = SchemaRegistryClient({"url": registry_url})
        self._producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random"})

    async def tell(self, message: Message) -> None:
        """Write an event where it belongs; returns when the broker has it."""
        await asyncio.to_thread(self._tell, message)

    def _tell(self, message: Message) -> None:
        serialize = AvroSerializer(
            self._client,
            schema_json(type(message)),
            lambda one, _: msgspec.to_builtins(one, builtin_types=(datetime, bytes)),
            {"subject.name.strategy": topic_record_subject_name_strategy},
        )
        topic = topic_of(type(message)).name
        value = serialize(message, SerializationContext(topic, MessageField.VALUE))
        self._producer.produce(topic, key=message.meta.correlation_id.encode(), value=value)
        assert self._producer.flush(30) == 0


class ConfluentReader:
    """Reads topics from their beginning as a program of the company would."""

    def __init__(self, consumer: Any, registry_url: str) -> None:
        self.read: list[Read] = []
        self._consumer = consumer
        self._decode = AvroDeserializer(SchemaRegistryClient({"url": registry_url}))

    async def until(self, name: str, ticket: str, within: float = 30.0) -> Read:
        """Return the first event of that name about the ticket."""

        async def found() -> Read | None:
            await asyncio.to_thread(self._poll)
            return next((one for one in self.read if one.key == ticket and one.type.endswith(f".{name}")), None)

        one = await eventually(found, within, what=lambda: f"{name} of {ticket}, read: {self.read[-5:]}")
        assert one is not None
        return one

    def _poll(self) -> None:
        for record in self._consumer.consume(500, timeout=0.2):
            assert record.error() is None, record.error()
            if record.value()[:1] != b"\x00":
                continue  # What a test itself wrote, in the other framing.
            value = self._decode(record.value(), SerializationContext(record.topic(), MessageField.VALUE))
            kind = dict(record.headers())["ce_type"].decode()
            self.read.append(Read(record.topic(), record.key().decode(), kind, value))


@contextmanager
def a_confluent_reader(bootstrap: str, registry_url: str, group: str, *topics: Topic) -> Iterator[ConfluentReader]:
    """Give a reader that has a group of its own."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic.name for topic in topics])
    try:
        yield ConfluentReader(consumer, registry_url)
    finally:
        consumer.close()

"""What stands around one of our services on a broker: writes what its neighbours would, hears what it says."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, Self, TypeVar

from aiokafka import AIOKafkaConsumer

from chassis.producer import Producer
from chassis.records import Outgoing
from chassis.settings import KafkaSettings
from ops.topics import apply_topics
from policy.model import Policy
from policy.publication import canonical_json
from policy.roster import Roster
from schemas.catalogue import Topic, dead_letter_topic, topic_of
from schemas.codec import Codec, SchemaBook
from schemas.envelope import headers_of
from schemas.ids import derived_id
from schemas.message import Actor, ActorKind, Message, Meta
from schemas.reference_data import PolicyPublished, RosterPublished

T = TypeVar("T", bound=Message)


@dataclass(frozen=True, slots=True)
class Heard(Generic[T]):
    """What the service said, where."""

    partition: int
    message: T


class Desk(Generic[T]):
    """Creates the topics, publishes by the catalogue, and reads the topic of one service from its beginning."""

    def __init__(self, bootstrap: str, service: str, listens_to: Topic, kind: type[T]) -> None:
        self.settings = KafkaSettings(bootstrap_servers=bootstrap)
        self.codec = Codec(SchemaBook())
        self.records: list[Heard[T]] = []
        self._service = service
        self._topic = listens_to
        self._kind = kind
        self._producer = Producer(self.settings, "desk")

    async def __aenter__(self) -> Self:
        await apply_topics(self.settings)
        await self._producer.__aenter__()
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.cancel()
        await asyncio.wait({self._listening})
        await self._producer.__aexit__(None, None, None)
        if not self._listening.cancelled():
            self._listening.result()

    @property
    def heard(self) -> list[T]:
        """Return all heard so far, repeats included."""
        return [record.message for record in self.records]

    async def tell(self, *messages: Message) -> None:
        """Write messages where they belong, keyed by their ticket; returns when the broker has them."""
        await self._producer.send_batch([self._record(message) for message in messages])

    async def tell_on(self, partition: int, message: Message) -> None:
        """Write a message on a partition, whatever its key."""
        record = self._record(message)
        await self._producer.send_batch([Outgoing(record.topic, record.key, record.value, record.headers, partition)])

    async def tell_bytes(self, topic: Topic, value: bytes | None, key: bytes | None = b"zendesk-eu/hostile") -> None:
        """Write whatever it is."""
        await self._producer.send_batch([Outgoing(topic.name, key, value)])

    async def publish_policy(self, policy: Policy | str, version: str) -> None:
        """Publish a policy, or what claims to be one, under a version."""
        document = policy if isinstance(policy, str) else canonical_json(policy)
        await self.tell(PolicyPublished(meta=a_meta(f"policy {version}", version), version=version, document=document))

    async def publish_roster(self, roster: Roster) -> None:
        """Publish who there is."""
        await self.tell(
            RosterPublished(meta=a_meta("roster", "roster"), version="1", document=canonical_json(roster)),
        )

    async def dead_letters(self, topic: Topic) -> int:
        """Return how many records of a topic the service put aside."""
        consumer: Any = AIOKafkaConsumer(
            dead_letter_topic(topic.name, self._service), bootstrap_servers=self.settings.bootstrap_servers
        )
        await consumer.start()
        try:
            return sum((await consumer.end_offsets(consumer.assignment())).values())
        finally:
            await consumer.stop()

    async def _listen(self) -> None:
        consumer: Any = AIOKafkaConsumer(
            self._topic.name, bootstrap_servers=self.settings.bootstrap_servers, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            async for record in consumer:
                message = self.codec.decode(record.value)
                assert isinstance(message, self._kind)
                assert record.key == message.meta.correlation_id.encode()
                self.records.append(Heard(record.partition, message))
        finally:
            await consumer.stop()

    def _record(self, message: Message) -> Outgoing:
        key = message.meta.correlation_id.encode()
        return Outgoing(topic_of(type(message)).name, key, self.codec.encode(message), headers_of(message))


def a_meta(what: str, key: str) -> Meta:
    """Return the identity of what an operator publishes now."""
    now = datetime.now(UTC)
    return Meta(
        id=derived_id("desk", what),
        correlation_id=key,
        occurred_at=now,
        recorded_at=now,
        actor=Actor(kind=ActorKind.PERSON, id="mia"),
        producer="desk",
    )

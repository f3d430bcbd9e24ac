"""The router as a process of its own on a real Kafka, and what a test says to it and hears from it."""

import asyncio
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from aiokafka import AIOKafkaConsumer

from chassis.producer import Producer
from chassis.records import Outgoing
from chassis.settings import KafkaSettings
from ops.topics import DEFAULT_PARTITIONS, apply_topics
from policy.publication import canonical_json
from schemas.catalogue import CLASSIFICATIONS, ESCALATIONS, dead_letter_topic, topic_of
from schemas.classifications import ClassifierProgressed
from schemas.codec import Codec, SchemaBook
from schemas.envelope import headers_of
from schemas.escalations import StreamEvent
from schemas.ids import derived_id
from schemas.message import Actor, ActorKind, Message, Meta
from schemas.reference_data import PolicyPublished, RosterPublished
from tests.unit.router.telling import VERSION, policy, roster

REPOSITORY = Path(__file__).parents[3]


class Desk:
    """Writes what the router's neighbours would and reads what it says, on one broker."""

    def __init__(self, bootstrap: str) -> None:
        self.settings = KafkaSettings(bootstrap_servers=bootstrap)
        self.codec = Codec(SchemaBook())
        self.heard: list[StreamEvent] = []
        self._producer = Producer(self.settings, "desk")

    async def __aenter__(self) -> Self:
        await apply_topics(self.settings)
        await self._producer.__aenter__()
        await self._publish()
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.cancel()
        await asyncio.wait({self._listening})
        await self._producer.__aexit__(None, None, None)

    def events(self, ticket: str) -> list[StreamEvent]:
        """Return all heard so far of one ticket, repeats included."""
        return [event for event in self.heard if event.meta.correlation_id == ticket]

    def names(self, ticket: str) -> list[str]:
        """Return the names of the events of one ticket in order, each id once."""
        once = {event.meta.id: type(event).__name__ for event in self.events(ticket)}
        return list(once.values())

    async def tell(self, *messages: Message) -> None:
        await self._producer.send_batch([self._record(message) for message in messages])

    async def tell_bytes(self, topic: str, value: bytes | None) -> None:
        await self._producer.send_batch([Outgoing(topic, b"zendesk-eu/hostile", value)])

    async def classifier_is_at(self, reached_at: datetime) -> None:
        """Say on every partition that all facts up to then are classified."""
        for partition in range(DEFAULT_PARTITIONS):
            meta = _meta(f"progress {partition} {reached_at}")
            progress = ClassifierProgressed(meta=meta, partition=partition, reached_at=reached_at)
            value = self.codec.encode(progress)
            await self._producer.send_batch(
                [Outgoing(CLASSIFICATIONS.name, b"progress", value, headers_of(progress), partition)]
            )

    async def dead_letters(self, topic: str) -> int:
        """Return how many records of a topic were put aside."""
        consumer: Any = AIOKafkaConsumer(
            dead_letter_topic(topic, "router"), bootstrap_servers=self.settings.bootstrap_servers
        )
        await consumer.start()
        try:
            return sum((await consumer.end_offsets(consumer.assignment())).values())
        finally:
            await consumer.stop()

    async def _publish(self) -> None:
        document, people = canonical_json(policy()), canonical_json(roster())
        await self.tell(
            PolicyPublished(meta=_meta("policy", VERSION), version=VERSION, document=document),
            RosterPublished(meta=_meta("roster", "roster"), version="1", document=people),
        )

    async def _listen(self) -> None:
        consumer: Any = AIOKafkaConsumer(
            ESCALATIONS.name, bootstrap_servers=self.settings.bootstrap_servers, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            async for record in consumer:
                message = self.codec.decode(record.value)
                assert isinstance(message, StreamEvent)
                assert record.key == message.meta.correlation_id.encode()
                self.heard.append(message)
        finally:
            await consumer.stop()

    def _record(self, message: Message) -> Outgoing:
        key = message.meta.correlation_id.encode()
        return Outgoing(topic_of(type(message)).name, key, self.codec.encode(message), headers_of(message))


class RouterProcess:
    """A running `python -m services.router`."""

    def __init__(self, bootstrap: str, store_url: str, log: Path, port: int, replica: str) -> None:
        environment = os.environ | {
            "ESCALON_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "ESCALON_ROUTER_STORE_URL": store_url,
            "ESCALON_HEALTH_PORT": str(port),
            "ESCALON_REPLICA_ID": replica,
            "ESCALON_KAFKA_SESSION_TIMEOUT_MS": "6000",
        }
        self._port = port
        self._log = log
        with self._log.open("ab") as written:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "services.router"],
                cwd=REPOSITORY,
                env=environment,
                stdout=written,
                stderr=subprocess.STDOUT,
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def is_ready(self) -> bool:
        assert self._child.poll() is None, self.log
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/readyz", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def metrics(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=1) as answer:
            return str(answer.read().decode())

    def kill(self) -> None:
        """End it as a crash would."""
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGKILL)
            self._child.wait()

    def terminate(self, within: timedelta) -> int:
        """Ask it to end and return its exit code; raises TimeoutExpired."""
        self._child.terminate()
        return self._child.wait(within.total_seconds())

    def exit_code(self, within: timedelta) -> int:
        """Return the exit code of one that ends by itself; raises TimeoutExpired."""
        return self._child.wait(within.total_seconds())


@contextmanager
def a_router(bootstrap: str, store_url: str, log: Path, port: int, *, replica: str = "0") -> Iterator[RouterProcess]:
    """Give a running router; it is gone when the block ends."""
    process = RouterProcess(bootstrap, store_url, log, port, replica)
    try:
        yield process
    finally:
        process.kill()


def _meta(what: str, key: str = "progress") -> Meta:
    now = datetime.now(UTC)
    return Meta(
        id=derived_id("desk", what),
        correlation_id=key,
        occurred_at=now,
        recorded_at=now,
        actor=Actor(kind=ActorKind.PERSON, id="mia"),
        producer="desk",
    )

"""A helpdesk at a real Kafka: publishes ticket events, hears what the classifier says of them, runs it as a process."""

import asyncio
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from aiokafka import AIOKafkaConsumer

from chassis.errors import StartUpError
from chassis.producer import Producer
from chassis.records import Outgoing
from chassis.settings import KafkaSettings
from ops.topics import apply_topics
from policy.publication import canonical_json
from schemas.catalogue import CLASSIFICATIONS, POLICIES, SCHEMAS, TICKETS, dead_letter_topic, topic_of
from schemas.classifications import ClassifierProgressed, TicketClassified
from schemas.codec import Codec, SchemaBook
from schemas.envelope import headers_of
from schemas.message import Actor, ActorKind, Message, Meta
from schemas.reference_data import PolicyPublished
from schemas.tickets import Ticket, TicketUpdated
from tests.harness.policies import judging_policy
from tests.harness.tickets import a_meta

REPOSITORY = Path(__file__).parents[3]
POLICY = judging_policy()


@dataclass(frozen=True, slots=True)
class Heard:
    """What the classifier said, where."""

    partition: int
    message: Message


class Helpdesk:
    """Writes what a helpdesk and operators would, and reads `classifications.v1` from its beginning."""

    def __init__(self, bootstrap: str) -> None:
        self.settings = KafkaSettings(bootstrap_servers=bootstrap)
        self.codec = Codec(SchemaBook())
        self.heard: list[Heard] = []
        self.acknowledged_at: dict[str, datetime] = {}
        """When the broker had each event at the latest, by its id."""
        self._producer = Producer(self.settings, "helpdesk")

    async def __aenter__(self) -> Self:
        await self._create_topics()
        await self._producer.__aenter__()
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.cancel()
        await asyncio.wait({self._listening})
        await self._producer.__aexit__(None, None, None)

    async def _create_topics(self) -> None:
        """Create them all; right after that the broker may not know them yet."""
        for last in (False, False, False, True):
            try:
                await apply_topics(self.settings)
            except StartUpError:
                if last:
                    raise
            else:
                return

    def classified(self, ticket: str | None = None) -> list[TicketClassified]:
        """Return all verdicts heard so far, of one ticket or of all."""
        found = (heard.message for heard in self.heard)
        return [one for one in found if isinstance(one, TicketClassified) and ticket in (None, one.ticket.key)]

    def progress(self, partition: int) -> list[ClassifierProgressed]:
        """Return the progress told of a partition."""
        found = (heard.message for heard in self.heard if heard.partition == partition)
        return [one for one in found if isinstance(one, ClassifierProgressed)]

    async def publish(self, *messages: Message) -> None:
        await self._producer.send_batch([self._outgoing(message) for message in messages])
        now = datetime.now(UTC)
        self.acknowledged_at |= {message.meta.id: now for message in messages}

    async def update(self, ticket: Ticket, numbers: Sequence[int]) -> None:
        """Publish an update of the ticket for each number, which becomes part of its id."""
        now = datetime.now(UTC)
        await self.publish(
            *(
                TicketUpdated(meta=a_meta(f"{ticket.key}-{number}", ticket, ActorKind.PERSON, now), ticket=ticket)
                for number in numbers
            )
        )

    async def publish_policy(self, document: str | None = None, version: str = POLICY.version) -> None:
        now = datetime.now(UTC)
        meta = Meta(
            id=f"policy-{version}",
            correlation_id=version,
            occurred_at=now,
            recorded_at=now,
            actor=Actor(kind=ActorKind.PERSON, id="mia"),
            producer="operators",
        )
        text = document or canonical_json(POLICY.policy)
        await self.publish(PolicyPublished(meta=meta, version=version, document=text))

    async def publish_bytes(self, key: bytes | None, value: bytes | None) -> None:
        await self._producer.send_batch([Outgoing(TICKETS.name, key, value)])

    async def publish_schema(self, mark: bytes, schema_json: str) -> None:
        await self._producer.send_batch([Outgoing(SCHEMAS.name, mark, schema_json.encode())])

    async def dead_letters(self) -> int:
        """Return how many records of `tickets.v1` were put aside."""
        topic = dead_letter_topic(TICKETS.name, "classifier")
        consumer: Any = AIOKafkaConsumer(topic, bootstrap_servers=self.settings.bootstrap_servers)
        await consumer.start()
        try:
            return sum((await consumer.end_offsets(consumer.assignment())).values())
        finally:
            await consumer.stop()

    async def _listen(self) -> None:
        consumer: Any = AIOKafkaConsumer(
            CLASSIFICATIONS.name, bootstrap_servers=self.settings.bootstrap_servers, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            async for record in consumer:
                self.heard.append(Heard(record.partition, self.codec.decode(record.value)))
        finally:
            await consumer.stop()

    def _outgoing(self, message: Message) -> Outgoing:
        topic = topic_of(type(message)).name
        key = message.meta.correlation_id.encode()
        if topic == POLICIES.name and isinstance(message, PolicyPublished):
            key = message.version.encode()
        return Outgoing(topic, key, self.codec.encode(message), headers_of(message))


class ClassifierProcess:
    """A running `python -m services.classifier`."""

    def __init__(self, bootstrap: str, log: Path, port: int, since: datetime | None) -> None:
        environment = os.environ | {"ESCALON_KAFKA_BOOTSTRAP_SERVERS": bootstrap, "ESCALON_HEALTH_PORT": str(port)}
        if since is not None:
            environment["ESCALON_SINCE"] = since.isoformat()
        self._port = port
        self._log = log
        with log.open("ab") as lines:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "services.classifier"],
                cwd=REPOSITORY,
                env=environment,
                stdout=lines,
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


@contextmanager
def a_classifier(bootstrap: str, log: Path, port: int, since: datetime | None = None) -> Iterator[ClassifierProcess]:
    """Give a running classifier; it is gone when the block ends."""
    process = ClassifierProcess(bootstrap, log, port, since)
    try:
        yield process
    finally:
        process.kill()

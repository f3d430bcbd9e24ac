"""The notifier as a process of its own on a real Kafka, and what a test says to it and hears from it."""

import asyncio
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import msgspec
from aiokafka import AIOKafkaConsumer

from chassis.producer import Producer
from chassis.records import Outgoing
from chassis.settings import KafkaSettings
from ops.topics import apply_topics
from policy.publication import canonical_json
from schemas.catalogue import ESCALATIONS, NOTIFICATIONS, dead_letter_topic, topic_of
from schemas.codec import Codec, SchemaBook
from schemas.envelope import headers_of
from schemas.escalations import EscalationEvent
from schemas.ids import derived_id
from schemas.message import Actor, ActorKind, Message, Meta
from schemas.notifications import NoticeOutcome
from schemas.reference_data import PolicyPublished, RosterPublished
from services.notifier.adapters.sink import SinkRow
from tests.harness.notices import VERSION, a_context, a_policy, a_roster

REPOSITORY = Path(__file__).parents[3]


class Desk:
    """Writes what the router would and reads what the notifier says, on one broker."""

    def __init__(self, bootstrap: str) -> None:
        self.settings = KafkaSettings(bootstrap_servers=bootstrap)
        self.codec = Codec(SchemaBook())
        self.heard: list[NoticeOutcome] = []
        self._producer = Producer(self.settings, "desk")

    async def __aenter__(self) -> Self:
        await apply_topics(self.settings)
        await self._producer.__aenter__()
        await self.publish_policy(VERSION)
        people = RosterPublished(meta=_meta("roster", "roster"), version="1", document=canonical_json(a_roster()))
        await self.tell(people)
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.cancel()
        await asyncio.wait({self._listening})
        await self._producer.__aexit__(None, None, None)

    def outcomes(self, ticket: str) -> list[NoticeOutcome]:
        """Return all heard so far of one ticket, repeats included."""
        return [outcome for outcome in self.heard if outcome.ticket == ticket]

    def told(self, ticket: str) -> list[tuple[str, str]]:
        """Return kind and recipient of each outcome of one ticket, each id once."""
        once = {outcome.meta.id: (outcome.kind.value, outcome.recipient) for outcome in self.outcomes(ticket)}
        return sorted(once.values())

    async def publish_policy(self, version: str) -> None:
        """Publish the tests' policy under a version."""
        document = canonical_json(a_policy())
        await self.tell(PolicyPublished(meta=_meta(version, version), version=version, document=document))

    async def tell(self, *messages: Message) -> None:
        """Write messages where they belong."""
        await self._producer.send_batch([self._record(message) for message in messages])

    async def tell_bytes(self, value: bytes | None) -> None:
        """Write nonsense on `escalations.v1`."""
        await self._producer.send_batch([Outgoing(ESCALATIONS.name, b"zendesk-eu/hostile", value)])

    async def dead_letters(self) -> int:
        """Return how many records were put aside."""
        topic = dead_letter_topic(ESCALATIONS.name, "notifier")
        consumer: Any = AIOKafkaConsumer(topic, bootstrap_servers=self.settings.bootstrap_servers)
        await consumer.start()
        try:
            return sum((await consumer.end_offsets(consumer.assignment())).values())
        finally:
            await consumer.stop()

    async def _listen(self) -> None:
        consumer: Any = AIOKafkaConsumer(
            NOTIFICATIONS.name, bootstrap_servers=self.settings.bootstrap_servers, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            async for record in consumer:
                message = self.codec.decode(record.value)
                assert isinstance(message, NoticeOutcome)
                assert record.key == message.ticket.encode()
                self.heard.append(message)
        finally:
            await consumer.stop()

    def _record(self, message: Message) -> Outgoing:
        key = message.meta.correlation_id.encode()
        return Outgoing(topic_of(type(message)).name, key, self.codec.encode(message), headers_of(message))


class NotifierProcess:
    """A running `python -m services.notifier`."""

    def __init__(self, bootstrap: str, home: Path, port: int, more: Mapping[str, str]) -> None:
        environment = os.environ | {
            "ESCALON_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "ESCALON_KAFKA_SESSION_TIMEOUT_MS": "6000",
            "ESCALON_NOTIFIER_LEDGER_URL": f"sqlite:///{home}/ledger.db",
            "ESCALON_NOTIFIER_SINK_FILE": f"{home}/sink.jsonl",
            "ESCALON_HEALTH_PORT": str(port),
            **more,
        }
        self._port = port
        self._log = home / "log"
        with self._log.open("ab") as written:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "services.notifier"],
                cwd=REPOSITORY,
                env=environment,
                stdout=written,
                stderr=subprocess.STDOUT,
            )

    @property
    def log(self) -> str:
        """Return all it has said."""
        return self._log.read_text()

    def is_ready(self) -> bool:
        """Tell whether it says so."""
        assert self._child.poll() is None, self.log
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/readyz", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def metrics(self) -> str:
        """Return what it measures."""
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
def a_notifier(
    bootstrap: str, home: Path, port: int, more: Mapping[str, str] | None = None
) -> Iterator[NotifierProcess]:
    """Give a running notifier that keeps its state in `home`; it is gone when the block ends."""
    process = NotifierProcess(bootstrap, home, port, more or {})
    try:
        yield process
    finally:
        process.kill()


def about(event: EscalationEvent, ticket: str, *, version: str = VERSION) -> EscalationEvent:
    """Return the event as one of this ticket, with an id of its own."""
    meta = msgspec.structs.replace(
        event.meta, id=derived_id(event.meta.id, ticket), correlation_id=ticket, policy_version=version
    )
    owner = event.escalation.owner
    return msgspec.structs.replace(event, meta=meta, escalation=a_context(owner=owner, ticket=ticket))


def sunk(home: Path) -> list[SinkRow]:
    """Return what the sink's file has."""
    file = home / "sink.jsonl"
    lines = file.read_bytes().splitlines() if file.exists() else []
    return [msgspec.json.decode(line, type=SinkRow) for line in lines]


def _meta(what: str, key: str) -> Meta:
    now = datetime.now(UTC)
    return Meta(
        id=derived_id("desk", what),
        correlation_id=key,
        occurred_at=now,
        recorded_at=now,
        actor=Actor(kind=ActorKind.PERSON, id="mia"),
        producer="desk",
    )

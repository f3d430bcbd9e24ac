"""The sla_monitor as a process of its own on a real Kafka, and what a test says to it and hears from it."""

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

from chassis.errors import StartUpError
from chassis.producer import Producer
from chassis.records import Outgoing
from chassis.settings import KafkaSettings
from ops.topics import apply_topics
from policy.publication import canonical_json
from schemas.catalogue import ESCALATIONS, POLICIES, SLA
from schemas.codec import Codec, SchemaBook
from schemas.envelope import headers_of
from schemas.escalations import EscalationEvent
from schemas.message import Actor, ActorKind, Message, Meta
from schemas.reference_data import PolicyPublished
from schemas.sla import PromiseScheduled, SlaFinding
from tests.unit.sla_monitor.telling import VERSION, default_policy

REPOSITORY = Path(__file__).parents[3]


class Desk:
    """Writes what the router would and reads what the monitor says, on one broker."""

    def __init__(self, bootstrap: str) -> None:
        self.settings = KafkaSettings(bootstrap_servers=bootstrap)
        self.codec = Codec(SchemaBook())
        self.heard: list[SlaFinding] = []
        self._producer = Producer(self.settings, "desk")

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

    def findings(self, ticket: str | None = None) -> list[SlaFinding]:
        """Return all heard so far but promises, of one ticket or of all."""
        return [
            finding
            for finding in self.heard
            if not isinstance(finding, PromiseScheduled) and ticket in (None, finding.ticket)
        ]

    async def publish_policy(self) -> None:
        now = datetime.now(UTC)
        meta = Meta(
            id="policy-1",
            correlation_id=VERSION,
            occurred_at=now,
            recorded_at=now,
            actor=Actor(kind=ActorKind.PERSON, id="mia"),
            producer="operators",
        )
        await self._write(
            POLICIES.name,
            VERSION.encode(),
            PolicyPublished(meta=meta, version=VERSION, document=canonical_json(default_policy())),
        )

    async def tell(self, *events: EscalationEvent) -> None:
        for event in events:
            await self._write(ESCALATIONS.name, event.escalation.ticket.encode(), event)

    async def tell_bytes(self, key: bytes | None, value: bytes | None) -> None:
        await self._producer.send_batch([Outgoing(ESCALATIONS.name, key, value)])

    async def dead_letters(self) -> int:
        """Return how many records of `escalations.v1` were put aside."""
        topic = f"{ESCALATIONS.name}.sla_monitor.dead-letter"
        consumer: Any = AIOKafkaConsumer(topic, bootstrap_servers=self.settings.bootstrap_servers)
        await consumer.start()
        try:
            return sum((await consumer.end_offsets(consumer.assignment())).values())
        finally:
            await consumer.stop()

    async def _listen(self) -> None:
        consumer: Any = AIOKafkaConsumer(
            SLA.name, bootstrap_servers=self.settings.bootstrap_servers, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            async for record in consumer:
                message = self.codec.decode(record.value)
                assert isinstance(message, SlaFinding)
                self.heard.append(message)
        finally:
            await consumer.stop()

    async def _write(self, topic: str, key: bytes, message: Message) -> None:
        await self._producer.send_batch([Outgoing(topic, key, self.codec.encode(message), headers_of(message))])


class MonitorProcess:
    """A running `python -m services.sla_monitor`."""

    def __init__(self, bootstrap: str, storage: Path, port: int) -> None:
        environment = os.environ | {
            "ESCALON_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "ESCALON_SLA_MONITOR_STORAGE": str(storage),
            "ESCALON_HEALTH_PORT": str(port),
        }
        self._port = port
        self._log = storage.parent / "sla_monitor.log"
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "services.sla_monitor"],
                cwd=REPOSITORY,
                env=environment,
                stdout=log,
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
def a_monitor(bootstrap: str, storage: Path, port: int) -> Iterator[MonitorProcess]:
    """Give a running monitor; it is gone when the block ends."""
    process = MonitorProcess(bootstrap, storage, port)
    try:
        yield process
    finally:
        process.kill()

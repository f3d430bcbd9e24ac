"""A whole installation on a broker of its own: topics, the default policy and roster, all four services."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chassis.clock import REAL_TIME, SharedClock
from chassis.settings import KafkaSettings
from ops.connection import publisher
from ops.event_file import FileEvent
from ops.local.kafka import LocalKafka
from ops.local.procedure import publish_procedure
from ops.local.run_file import CLOCK_FILE
from ops.topics import apply_topics
from schemas.catalogue import SERVICES, Topic
from schemas.message import Message
from tests.harness import ports
from tests.harness.kafka import a_local_kafka
from tests.harness.log_follower import LogFollower
from tests.harness.policies import DEFAULT
from tests.harness.service_process import REPOSITORY, ServiceProcess
from tests.harness.waiting import eventually

CLI_SECONDS = 180


class Installation:
    """What a test sees of it: processes by name, the log as an outsider reads it, the command line."""

    def __init__(self, broker: LocalKafka, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.broker = broker
        """A broker of the installation's own, to be stopped, killed and started again; its address stays."""
        bootstrap = broker.bootstrap_servers
        self.settings = KafkaSettings(bootstrap_servers=bootstrap)
        self.folder = folder
        self.follower = LogFollower(self.settings)
        self.services: dict[str, ServiceProcess] = {}
        self.environment = {
            "ESCALON_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "ESCALON_KAFKA_SESSION_TIMEOUT_MS": "6000",
            "ESCALON_ROUTER_STORE_URL": f"sqlite:///{folder / 'router.db'}",
            "ESCALON_NOTIFIER_LEDGER_URL": f"sqlite:///{folder / 'ledger.db'}",
            "ESCALON_NOTIFIER_SINK_FILE": str(folder / "sink.jsonl"),
            **(environment or {}),
        }

    def start(
        self,
        name: str,
        replica: str = "0",
        *,
        program: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> ServiceProcess:
        """Start a replica of a service, the first under the service's own name; not yet ready when this returns.

        `program` is what Python runs instead of `-m services.<name>`.
        """
        called = replica_name(name, replica)
        settings = {
            **self.environment,
            "ESCALON_REPLICA_ID": replica,
            "ESCALON_SLA_MONITOR_STORAGE": str(self.folder / f"{called}-state"),
            **(environment or {}),
        }
        arguments = tuple(program) or ("-m", f"services.{name}")
        service = ServiceProcess(called, arguments, settings, self.folder / f"{called}.log", ports.free_port())
        self.services[called] = service
        return service

    async def ready(self) -> None:
        """Wait until every service that runs is ready."""
        for service in self.services.values():
            if not service.is_paused:
                await eventually(service.is_ready, 180, what=f"{service.name} is ready")

    async def restart(self, name: str, replica: str = "0") -> None:
        """Kill a service as a crash would, and start it again."""
        self.services[replica_name(name, replica)].kill()
        self.start(name, replica)
        await self.ready()

    async def revive(self) -> None:
        """Start what a test before this one left dead because it failed, and wait until every service is ready."""
        for name, service in tuple(self.services.items()):
            if not service.is_alive():
                self.start(*name.split("-"))
        await self.ready()

    def escalon(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command line and return what it said."""
        return subprocess.run(
            [sys.executable, "-m", "ops", *arguments],
            cwd=REPOSITORY,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=CLI_SECONDS,
            check=False,
        )

    async def lines(self, *arguments: str) -> list[Any]:
        """Run a reading command with --json and return its lines."""
        said = await asyncio.to_thread(self.escalon, *arguments, "--json")
        assert said.returncode == 0, said.stderr
        return [json.loads(line) for line in said.stdout.splitlines()]

    async def send(self, *drafts: Message, by: str | None = None) -> list[Message]:
        """Publish events as happening now, and return them with their identity."""
        events = sealed(drafts, by)
        await self.send_again(events)
        return [message for _, message in events]

    async def send_again(self, events: Iterable[tuple[str, Message]]) -> None:
        """Publish events, by their keys, that have their identity already."""
        async with publisher(self.settings) as out:
            await out.publish(events)

    async def log(self, *topics: Topic) -> list[Message]:
        """Return every event of the topics so far."""
        return [event for topic in topics for event in await self.follower.events(topic)]

    def logs(self) -> str:
        """Return everything the services have written."""
        return "\n".join(service.log for service in self.services.values())


def sealed(drafts: Iterable[Message], by: str | None = None) -> list[tuple[str, Message]]:
    """Give events their identity, as happening now, each with its key."""
    now = datetime.now(UTC)
    events = [FileEvent(line=0, at=None, arrives=None, by=by, id=None, draft=draft) for draft in drafts]
    return [(event.key, event.sealed(now)) for event in events]


def replica_name(service: str, replica: str) -> str:
    """Return what a replica is called among `Installation.services`."""
    return service if replica == "0" else f"{service}-{replica}"


@asynccontextmanager
async def a_prepared_installation(
    folder: Path, environment: Mapping[str, str] | None = None, policy: Path = DEFAULT
) -> AsyncIterator[Installation]:
    """Give a broker with topics, policy and roster, no service started yet; all is gone when the block ends."""
    with ExitStack() as stack:
        broker = await asyncio.to_thread(stack.enter_context, a_local_kafka())
        here = Installation(broker, folder, environment)
        await apply_topics(here.settings)
        clock_file = here.environment.get(CLOCK_FILE)
        # Not by the command line: two processes take seconds of the processor before each of so many tests.
        await publish_procedure(here.settings, SharedClock(Path(clock_file)) if clock_file else REAL_TIME, policy)
        try:
            async with here.follower:
                yield here
        finally:
            for service in here.services.values():
                service.kill()


@asynccontextmanager
async def an_installation(
    folder: Path, environment: Mapping[str, str] | None = None, policy: Path = DEFAULT
) -> AsyncIterator[Installation]:
    """Give an installation that is ready; all of it is gone when the block ends."""
    async with a_prepared_installation(folder, environment, policy) as here:
        for name in SERVICES:
            here.start(name)
        await here.ready()
        yield here

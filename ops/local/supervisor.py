"""Keeps the processes of a local installation: starts them, brings back what ends by itself, ends all in time."""

import asyncio
import urllib.request
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from chassis.clock import REAL_TIME
from chassis.errors import StartUpError
from ops.local.kafka import LocalKafka
from ops.local.process import ServerCommand, ServerProcess
from ops.view.dashboard import Light

_LOOK_SECONDS = 0.25
_ANSWER_SECONDS = 2.0
_READY_LIMIT_SECONDS = 90.0
_RESTARTS, _RESTART_WINDOW_SECONDS = 5, 120.0
"""What ends more often than that in the window will not heal by itself."""
_SERVICE_GRACE = timedelta(seconds=5)
"""All of it is ended in ten seconds, and Kafka ends last."""
_KAFKA_GRACE_SECONDS = 4.0


class Kept(Protocol):
    """A process that is kept running."""

    @property
    def name(self) -> str:
        """Return what people call it."""
        ...

    def start(self) -> None:
        """Start it; blocks, and may be called again when it has ended. Raises StartUpError."""
        ...

    def is_running(self) -> bool:
        """Tell whether it has not ended."""
        ...

    def is_ready(self) -> bool:
        """Tell whether it does its work; blocks for a moment."""
        ...

    @property
    def log(self) -> Path:
        """Return the file it writes to."""
        ...

    def last_words(self) -> str:
        """Return what it said last, for the one line that tells why it ended."""
        ...


class KeptBroker:
    """Apache Kafka."""

    name = "kafka"

    def __init__(self, kafka: LocalKafka) -> None:
        self._kafka = kafka

    def start(self) -> None:
        """Start it and return when it takes connections."""
        self._kafka.start()

    def is_running(self) -> bool:
        """Tell whether it has not ended."""
        return self._kafka.pid is not None

    def is_ready(self) -> bool:
        """Tell whether it runs: it listens before `start` returns."""
        return self.is_running()

    def stop(self) -> None:
        """Let it close its files; blocks."""
        self._kafka.stop()

    def kill(self) -> None:
        """End it as a power cut would."""
        self._kafka.kill()

    @property
    def log(self) -> Path:
        """Return the file it writes to."""
        return self._kafka.place.log

    def last_words(self) -> str:
        """Return where it writes."""
        return f"see {self.log}"


@dataclass(frozen=True, slots=True)
class ServiceCommand:
    """How one of our services is run."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    directory: Path
    health_port: int


class KeptService:
    """One of our services, as a process."""

    def __init__(self, command: ServiceCommand) -> None:
        self._command = command
        self._process: ServerProcess | None = None

    @property
    def name(self) -> str:
        """Return its name."""
        return self._command.name

    @property
    def environment(self) -> Mapping[str, str]:
        """Return what it is told."""
        return self._command.environment

    @property
    def pid(self) -> int | None:
        """Return its process id while it runs."""
        return self._process.pid if self._process is not None and self._process.is_running() else None

    def start(self) -> None:
        """Start it; it is not ready yet."""
        command = self._command
        self._process = ServerProcess(
            ServerCommand(
                command.arguments, log=command.log, directory=command.directory, environment=command.environment
            )
        )

    def is_running(self) -> bool:
        """Tell whether it has not ended."""
        return self._process is not None and self._process.is_running()

    def is_ready(self) -> bool:
        """Ask its /readyz."""
        url = f"http://127.0.0.1:{self._command.health_port}/readyz"
        try:
            with urllib.request.urlopen(url, timeout=_ANSWER_SECONDS):
                return self.is_running()
        except OSError:
            return False

    def stop(self, grace: timedelta) -> None:
        """Ask it to end and kill it after the grace."""
        if self._process is not None:
            self._process.stop(grace)

    @property
    def log(self) -> Path:
        """Return the file it writes to."""
        return self._command.log

    def last_words(self) -> str:
        """Return what it wrote last, and where the rest is."""
        words = self._process.last_words(1) if self._process is not None else ""
        return f"{words[-300:]} ({self.log})"


class Supervisor:
    """Keeps a broker and services; `say` is told in a line what happened to them."""

    def __init__(self, broker: KeptBroker, services: Sequence[KeptService], say: Callable[[str], None]) -> None:
        self._broker = broker
        self._services = tuple(services)
        self._all: tuple[Kept, ...] = (broker, *services)
        self._say = say
        self._ended: dict[str, deque[float]] = {one.name: deque() for one in self._all}
        self._ready: dict[str, bool] = {}
        self._starting: asyncio.Task[None] | None = None

    @property
    def lights(self) -> tuple[Light, ...]:
        """Return which of them do their work."""
        return tuple(Light(one.name, self._ready.get(one.name, False)) for one in self._all)

    async def start_broker(self) -> None:
        """Start Kafka; raises StartUpError."""
        self._starting = asyncio.create_task(asyncio.to_thread(self._broker.start))
        # Shielded: a thread cannot be cancelled; `stop` waits for it.
        await asyncio.shield(self._starting)
        self._ready[self._broker.name] = True

    async def start_services(self) -> None:
        """Start the services and return when all are ready; raises StartUpError saying why one is not."""
        for service in self._services:
            service.start()
        limit = REAL_TIME.monotonic() + _READY_LIMIT_SECONDS
        while waiting := [one for one in self._services if not await self._looked_at(one)]:
            for one in waiting:
                if not one.is_running():
                    raise StartUpError(f"{one.name} ended while starting: {one.last_words()}")
            if REAL_TIME.monotonic() > limit:
                names = ", ".join(one.name for one in waiting)
                raise StartUpError(f"not ready in {_READY_LIMIT_SECONDS:g} s: {names}; {waiting[0].last_words()}")
            await asyncio.sleep(_LOOK_SECONDS)

    async def keep(self) -> None:
        """Bring back what ends by itself, for ever; raises StartUpError for what ends again and again."""
        while True:
            for one in self._all:
                if not one.is_running():
                    await self._bring_back(one)
                await self._looked_at(one)
            await asyncio.sleep(_LOOK_SECONDS)

    async def stop(self) -> None:
        """End all of them, the services first and together; within ten seconds. Safe to repeat."""
        await asyncio.gather(*(asyncio.to_thread(one.stop, _SERVICE_GRACE) for one in self._services))
        self._ready.clear()
        if self._starting is not None and not self._starting.done():
            await self._give_up_starting(self._starting)
        stopping = asyncio.create_task(asyncio.to_thread(self._broker.stop))
        _, late = await asyncio.wait({stopping}, timeout=_KAFKA_GRACE_SECONDS)
        if late:
            self._broker.kill()
        await stopping

    async def _give_up_starting(self, starting: "asyncio.Task[None]") -> None:
        while not starting.done():
            self._broker.kill()
            await asyncio.wait({starting}, timeout=_LOOK_SECONDS)
        starting.exception()

    async def _looked_at(self, one: Kept) -> bool:
        self._ready[one.name] = await asyncio.to_thread(one.is_ready)
        return self._ready[one.name]

    async def _bring_back(self, one: Kept) -> None:
        now = REAL_TIME.monotonic()
        ended = self._ended[one.name]
        ended.append(now)
        while now - ended[0] > _RESTART_WINDOW_SECONDS:
            ended.popleft()
        if len(ended) > _RESTARTS:
            raise StartUpError(f"{one.name} ended {len(ended)} times in a row: {one.last_words()}")
        self._ready[one.name] = False
        self._say(f"{one.name} ended by itself and is started again ({one.log})")
        if isinstance(one, KeptBroker):
            await self.start_broker()
        else:
            one.start()

"""A service of two parts and no use, run as a process by test_lifecycle.py in one of several moods."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry, Counter

from chassis.health import HealthServer
from chassis.lifecycle import Lifecycle, run_service
from chassis.settings import ServiceSettings

log = logging.getLogger("services.desk")


class Part:
    """Runs until stopped, or as its mood is."""

    def __init__(self, mood: str) -> None:
        self._mood = mood
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Run, end, fail or hang."""
        match self._mood:
            case "failing":
                raise ValueError("hunter2")
            case "ending":
                return
            case _:
                await self._stopping.wait()
        if self._mood == "hanging":
            await asyncio.Event().wait()

    def stop(self) -> None:
        """Ask it to end."""
        self._stopping.set()


@asynccontextmanager
async def _resource(name: str) -> AsyncIterator[str]:
    yield name
    log.info("left the %s", name)


async def build(life: Lifecycle, settings: ServiceSettings) -> None:
    """Start the parts, as a bootstrap does."""
    registry = CollectorRegistry()
    Counter("escalon_desk_starts", "Starts.", registry=registry).inc()
    health = HealthServer("desk", registry, settings.health_host, settings.health_port, life.check)
    life.start("health", health)
    await life.enter(_resource("first"))
    life.start("part", Part(sys.argv[1]))
    await life.enter(_resource("second"))
    if sys.argv[1] == "slow-start":
        await asyncio.Event().wait()


if __name__ == "__main__":
    sys.exit(run_service("desk", ServiceSettings, build))

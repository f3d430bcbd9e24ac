"""The router as a process of its own on a real Kafka, and what a test says to it and hears from it."""

from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Self

from ops.topics import DEFAULT_PARTITIONS
from schemas.catalogue import ESCALATIONS
from schemas.classifications import ClassifierProgressed
from schemas.escalations import StreamEvent
from tests.harness.desk import Desk, a_meta
from tests.harness.service_process import ServiceProcess, a_service
from tests.unit.router.telling import VERSION, policy, roster


class RouterDesk(Desk[StreamEvent]):
    """Writes what the router's neighbours would and reads what it says, on one broker."""

    def __init__(self, bootstrap: str) -> None:
        super().__init__(bootstrap, "router", ESCALATIONS, StreamEvent)

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        await self.publish_policy(policy(), VERSION)
        await self.publish_roster(roster())
        return self

    def events(self, ticket: str) -> list[StreamEvent]:
        """Return all heard so far of one ticket, repeats included."""
        return [event for event in self.heard if event.meta.correlation_id == ticket]

    def names(self, ticket: str) -> list[str]:
        """Return the names of the events of one ticket in order, each id once."""
        once = {event.meta.id: type(event).__name__ for event in self.events(ticket)}
        return list(once.values())

    async def classifier_is_at(self, reached_at: datetime) -> None:
        """Say on every partition that all facts up to then are classified."""
        for partition in range(DEFAULT_PARTITIONS):
            meta = a_meta(f"progress {partition} {reached_at}", "progress")
            progress = ClassifierProgressed(meta=meta, partition=partition, reached_at=reached_at)
            await self.tell_on(partition, progress)


def a_router(
    bootstrap: str, store_url: str, log: Path, port: int, *, replica: str = "0", accept_empty_store: bool = True
) -> AbstractContextManager[ServiceProcess]:
    """Give a running router; it is gone when the block ends. Tests share a broker, so its log is rarely empty."""
    environment = {
        "ESCALON_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "ESCALON_ROUTER_STORE_URL": store_url,
        "ESCALON_REPLICA_ID": replica,
        "ESCALON_ROUTER_ACCEPT_EMPTY_STORE": str(accept_empty_store),
    }
    return a_service("router", environment, log, port)

"""The sla_monitor as a process of its own on a real Kafka, and what a test says to it and hears from it."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self

from schemas.catalogue import SLA
from schemas.sla import PromiseScheduled, SlaFinding
from tests.harness.desk import Desk
from tests.harness.service_process import ServiceProcess, a_service
from tests.unit.sla_monitor.telling import VERSION, default_policy


class MonitorDesk(Desk[SlaFinding]):
    """Writes what the router would and reads what the monitor says, on one broker."""

    def __init__(self, bootstrap: str) -> None:
        super().__init__(bootstrap, "sla_monitor", SLA, SlaFinding)

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        await self.publish_policy(default_policy(), VERSION)
        return self

    def findings(self, ticket: str | None = None) -> list[SlaFinding]:
        """Return all heard so far but promises, of one ticket or of all."""
        return [
            finding
            for finding in self.heard
            if not isinstance(finding, PromiseScheduled) and ticket in (None, finding.ticket)
        ]


def a_monitor(bootstrap: str, storage: Path, port: int) -> AbstractContextManager[ServiceProcess]:
    """Give a running monitor; it is gone when the block ends."""
    environment = {"ESCALON_KAFKA_BOOTSTRAP_SERVERS": bootstrap, "ESCALON_SLA_MONITOR_STORAGE": str(storage)}
    return a_service("sla_monitor", environment, storage.parent / "sla_monitor.log", port)

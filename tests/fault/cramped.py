"""An installation whose services with state have a small disk each, for tests that let things run out."""

from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from schemas.catalogue import ESCALATIONS, NOTIFICATIONS, SLA
from schemas.escalations import EscalationOpened
from schemas.notifications import NoticeDelivered
from schemas.sla import PromiseScheduled
from tests.fault.small_disk import SmallDisk, a_small_disk
from tests.harness.installation import Installation, a_prepared_installation
from tests.harness.load import an_outage
from tests.harness.service_process import ServiceProcess
from tests.harness.waiting import eventually

AT_ONCE = 12
PATIENCE_SECONDS = 120.0
_MEGABYTES = {"router": 8, "notifier": 8, "sla_monitor": 48}


class CrampedPlace:
    """An installation each of whose services with state has a small disk of its own."""

    def __init__(self, here: Installation, disks: Mapping[str, SmallDisk]) -> None:
        self.here = here
        self.disks = disks

    def start(self, name: str) -> ServiceProcess:
        """Start a service, on its disk if it has one."""
        disk = self.disks.get(name)
        if disk is None:
            return self.here.start(name)
        rows = {"ESCALON_SLA_MONITOR_STORAGE": str(disk.place / "rows")}
        return self.here.start(name, program=disk.program(name), environment=rows)

    async def send(self, prefix: str) -> set[str]:
        """Publish some tickets that need everybody, and return their keys."""
        sent = await self.here.send(*(an_outage(f"{prefix}-{number}") for number in range(AT_ONCE)))
        return {message.meta.correlation_id for message in sent}

    async def opened(self) -> set[str]:
        """Return the tickets with an escalation; fails if one has two."""
        found = [one.escalation.ticket for one in await self.here.log(ESCALATIONS) if isinstance(one, EscalationOpened)]
        assert len(found) == len(set(found))
        return set(found)

    async def told(self) -> set[str]:
        """Return the tickets whose owner was told of them."""
        log = await self.here.log(NOTIFICATIONS)
        return {one.ticket for one in log if isinstance(one, NoticeDelivered) and one.audience.value == "owner"}

    async def promised(self) -> set[str]:
        """Return the tickets whose next promise was said."""
        return {one.ticket for one in await self.here.log(SLA) if isinstance(one, PromiseScheduled)}

    async def ready(self) -> None:
        """Wait until every service is ready."""
        for service in self.here.services.values():
            await eventually(service.is_ready, PATIENCE_SECONDS, what=f"{service.name} is ready")


@asynccontextmanager
async def a_cramped_place(folder: Path) -> AsyncIterator[CrampedPlace]:
    """Give an installation that is ready; all of it is gone when the block ends."""
    with ExitStack() as stack:
        disks = {name: stack.enter_context(a_small_disk(folder / name, size)) for name, size in _MEGABYTES.items()}
        environment = {
            "ESCALON_ROUTER_STORE_URL": f"sqlite:///{disks['router'].place / 'router.db'}",
            "ESCALON_NOTIFIER_LEDGER_URL": f"sqlite:///{disks['notifier'].place / 'ledger.db'}",
            "ESCALON_NOTIFIER_SINK_FILE": str(disks["notifier"].place / "sink.jsonl"),
        }
        async with a_prepared_installation(folder, environment) as here:
            place = CrampedPlace(here, disks)
            for name in ("classifier", *disks):
                place.start(name)
            await place.ready()
            yield place

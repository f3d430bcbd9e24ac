"""Two and three replicas of each service share the work while they join, leave, die and freeze."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import URL

from schemas.catalogue import CLASSIFICATIONS, ESCALATIONS, NOTIFICATIONS, SERVICES, SLA
from schemas.message import Message
from schemas.notifications import NoticeDelivered
from tests.fault.path_log import Sent, check_stored, check_streams, owners_of, repeats, send_acts, wait_until_done
from tests.fault.path_positions import PathPositions
from tests.harness.installation import Installation, a_prepared_installation, replica_name
from tests.harness.load import steady_load
from tests.harness.postgres import a_database
from tests.harness.service_process import ServiceProcess
from tests.harness.settings import HarnessSettings
from tests.harness.verification import stopped_cleanly, verified
from tests.harness.waiting import eventually

pytestmark = pytest.mark.timeout(900)

_A_SECOND = 4 if HarnessSettings().rounds == 1 else 6
_REPLICAS = 3
"""Of each service; two at first."""
_WRITING = {
    "classifier": "before-send",
    "router": "before-store",
    "sla_monitor": "before-send",
    "notifier": "before-record",
}
"""Where a replica freezes that is to wake up late with something to write (tests.fault.crashing)."""
_WRITES = {"classifier": CLASSIFICATIONS, "router": ESCALATIONS, "sla_monitor": SLA, "notifier": NOTIFICATIONS}
_REFUSED = ("a batch was dropped", "findings were dropped")
"""What a replica logs that wakes up late, instead of writing what it has in hand."""
_STOOD_STILL = "the recovery of the rows stands still"
"""What a sla_monitor says when it ends to be started again (services.sla_monitor.adapters.recovery_alarm)."""
_LOST_IN_A_TABLE = "events of a ticket never came"
"""What the sla_monitor logs where a row it took over is older than the events it gets."""
_WORK = {
    "classifier": "escalon_consumer_records_total",
    "router": "escalon_router_events_total",
    "sla_monitor": "escalon_sla_monitor_events_total",
    "notifier": "escalon_notifier_planned_notices_total",
}


class Fleet:
    """The replicas of all services, and what was done to them."""

    def __init__(self, here: Installation, positions: PathPositions, rng: random.Random) -> None:
        self.here = here
        self.positions = positions
        self.done: Counter[str] = Counter()
        self.in_flight: Counter[str] = Counter()
        """Records of a service's inputs that waited when one of its replicas was hit."""
        self._rng = rng
        self._replicas: dict[str, set[str]] = {service: set() for service in SERVICES}

    async def join(self, service: str) -> None:
        """Start one more replica."""
        replica = min(set(map(str, range(_REPLICAS))) - self._replicas[service])
        self.here.start(service, replica)
        self._replicas[service].add(replica)
        self.done["join"] += 1

    async def leave(self, service: str) -> None:
        """Ask a replica to end, which it does in peace; have it come again once the others have its partitions."""
        process = await self._hit(service, "leave")
        assert await asyncio.to_thread(process.terminate, timedelta(seconds=20)) == 0, process.log[-2000:]
        self._forget(process)
        await self._until_without_it(service)
        await self.join(service)

    async def kill(self, service: str) -> None:
        """Kill a replica and leave its partitions to the others; then have it come again."""
        process = await self._hit(service, "kill")
        process.kill()
        self._forget(process)
        await self._until_without_it(service)
        await self.join(service)

    async def pause(self, service: str) -> None:
        """Freeze a replica until the group has given its partitions away, and let it wake up late."""
        process = await self._hit(service, "pause")
        process.pause()
        await self._until_without_it(service)
        process.resume()

    async def freeze_writing(self, service: str) -> ServiceProcess:
        """Have a replica freeze by itself right before it writes, and the others do its work; return it."""
        process = await self._hit(service, "freeze")
        bites = self.here.folder / f"{process.name}.bites"
        bites.write_text("")
        process.kill()
        program = ("-m", "tests.fault.crashing", service, _WRITING[service], "1", str(bites), "SIGSTOP")
        frozen = self.here.start(service, process.name.partition("-")[2] or "0", program=program)
        await eventually(bites.read_text, 120, what=lambda: f"{process.name} freezes: {frozen.log[-2000:]}")
        await self._until_without_it(service)
        await self.positions.done(service)
        await self.positions.said()
        return frozen

    async def ready(self) -> None:
        """Wait until every replica is; twelve that start at once take their time."""
        for name in tuple(self.here.services):
            await eventually(partial(self._is_ready, name), 240, what=f"{name} is ready")

    def _is_ready(self, name: str) -> bool:
        """Tell whether it is; start it again where it has ended over a recovery in which Faust waits without end."""
        process = self.here.services[name]
        if process.is_alive():
            return process.is_ready()
        assert _STOOD_STILL in process.log, process.log[-3000:]
        service, _, replica = name.partition("-")
        self.here.start(service, replica or "0")
        self.done["started again"] += 1
        return False

    async def _hit(self, service: str, what: str) -> ServiceProcess:
        """Return a replica of a service that has work in hand, when all are in its group."""
        assert len(self._replicas[service]) == _REPLICAS
        await eventually(lambda: self._all_joined(service), 120, what=f"all replicas of {service} are in its group")
        self.in_flight[service] += await eventually(
            lambda: self.positions.waiting(service), 120, what=f"{service} has work"
        )
        self.done[what] += 1
        return self.here.services[replica_name(service, self._rng.choice(sorted(self._replicas[service])))]

    async def _all_joined(self, service: str) -> bool:
        return await self.positions.members(service) == len(self._replicas[service])

    async def _until_without_it(self, service: str) -> None:
        async def given_away() -> bool:
            return await self.positions.members(service) == _REPLICAS - 1

        await eventually(given_away, 120, what=f"the group of {service} goes on without it")

    def _forget(self, process: ServiceProcess) -> None:
        del self.here.services[process.name]
        service, _, replica = process.name.partition("-")
        self._replicas[service].discard(replica or "0")

    async def worked(self) -> dict[str, int]:
        """Return how much each replica has handled since it was started."""
        return {
            process.name: await asyncio.to_thread(_measured, process, _WORK[service])
            for service, replicas in self._replicas.items()
            for process in (self.here.services[replica_name(service, replica)] for replica in sorted(replicas))
        }

    async def all_work(self) -> dict[str, int] | None:
        """Return how much each replica has handled once it is something, None as long as one has nothing."""
        worked = await self.worked()
        return worked if all(worked.values()) else None

    def said(self, *lines: str) -> int:
        """Return how often any replica, also one that is gone, has logged one of these."""
        logs = [log.read_text(encoding="utf-8") for log in self.here.folder.glob("*.log")]
        return sum(log.count(line) for log in logs for line in lines)


def _measured(process: ServiceProcess, metric: str) -> int:
    try:
        told = process.metrics().splitlines()
    except OSError:
        return 0
    lines = [line for line in told if line.startswith((f"{metric} ", f"{metric}{{"))]
    return int(sum(float(line.rpartition(" ")[2]) for line in lines))


@pytest_asyncio.fixture
async def fleet(tmp_path: Path, postgres_server: URL) -> AsyncIterator[Fleet]:
    """Two replicas of each service, which are ready."""
    with a_database(postgres_server) as store, a_database(postgres_server) as ledger:
        environment = {"ESCALON_ROUTER_STORE_URL": store, "ESCALON_NOTIFIER_LEDGER_URL": ledger}
        async with a_prepared_installation(tmp_path, environment) as here, PathPositions(here) as positions:
            found = Fleet(here, positions, random.Random(4711))
            for service in SERVICES * 2:
                await found.join(service)
            await found.ready()
            yield found


@pytest.mark.expects_errors
async def test_replicas_that_come_and_go_lose_and_double_nothing(fleet: Fleet) -> None:
    here, sent, acted = fleet.here, Sent(), set[str]()
    rng = random.Random(4711)
    async with steady_load(here, _A_SECOND, "replicas") as load:
        for service in SERVICES:
            await fleet.join(service)
        await fleet.ready()
        shared = await eventually(fleet.all_work, 120, what="each replica has work")
        for _ in range(HarnessSettings().rounds):
            for strike in _strikes(fleet, rng):
                await _act(here, sent, load, acted)
                await strike()
            for service in SERVICES:
                await _wake_late(fleet, service)
    await _act(here, sent, load, acted)
    await fleet.ready()
    sent.opened(one.meta.correlation_id for one in load)

    await wait_until_done(here, sent, within=180)
    await fleet.positions.quiet()
    await check_streams(here, sent.tickets)
    await check_stored(here)
    await verified(here)
    twice = await _sent_twice(here)
    print(
        f"\n{len(sent.tickets)} tickets, {len(acted)} of them accepted and replied to, while replicas did"
        f" {dict(fleet.done)}; records in flight then: {dict(fleet.in_flight)}; {fleet.said(*_REFUSED)} batches of late"
        f" wakers refused; {twice} notices sent twice, all marked; work by replica when all were there: {shared}"
    )
    assert set(fleet.in_flight) == set(SERVICES)
    assert fleet.said(_LOST_IN_A_TABLE) == 0
    await stopped_cleanly(here)


def _strikes(fleet: Fleet, rng: random.Random) -> list[Callable[[], Awaitable[None]]]:
    """Return one blow for each service, of each kind one, in an order of its own."""
    services = rng.sample(SERVICES, 4)
    blows = rng.sample((fleet.leave, fleet.kill, fleet.pause, fleet.pause), 4)
    return [partial(blow, service) for blow, service in zip(blows, services, strict=True)]


async def _act(here: Installation, sent: Sent, load: list[Message], acted: set[str]) -> None:
    """Have the owners of all that is open accept it and the customers write, beside what happens to the replicas."""
    known = {one.meta.correlation_id for one in load} - acted
    open_now = known & set(await owners_of(here))
    await send_acts(here, sent, open_now)
    acted |= open_now


async def _wake_late(fleet: Fleet, service: str) -> None:
    """Freeze a replica with something to write until others have written it: it wakes up and writes nothing."""
    frozen = await fleet.freeze_writing(service)
    refused, twice = fleet.said(*_REFUSED), repeats(await fleet.here.log(_WRITES[service]))
    frozen.resume()
    await eventually(
        lambda: fleet.said(*_REFUSED) > refused, 120, what=lambda: f"{service} drops: {frozen.log[-3000:]}"
    )
    await fleet.ready()
    # Who takes partitions over says again, under the same ids, what was not committed: that is no late writer.
    wrote = 0 if service == "sla_monitor" else repeats(await fleet.here.log(_WRITES[service])) - twice
    assert wrote == 0, f"{service} wrote what others had written"


async def _sent_twice(here: Installation) -> int:
    """Return how many notices the receiver got twice: a crash between send and record, each marked as such."""
    lines = (here.folder / "sink.jsonl").read_text(encoding="utf-8").splitlines()
    arrived = Counter(json.loads(line)["key"].partition(":")[0] for line in lines)
    marked = {
        one.notice_id
        for one in await here.log(NOTIFICATIONS)
        if isinstance(one, NoticeDelivered) and one.possible_repeat
    }
    twice = {key for key, count in arrived.items() if count > 1}
    assert max(arrived.values()) <= 2
    assert twice <= marked
    return len(twice)

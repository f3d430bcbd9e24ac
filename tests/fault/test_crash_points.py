"""Each service killed at each point of its work, with tickets, commands and replies in flight.

Promised: nothing is lost, an escalation has one owner, and an event is stored once. On a topic a row may come again
only right after its own writer crashed, under the same id and with the same content; readers drop what they have seen.
"""

import asyncio
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
import pytest_asyncio

from schemas.catalogue import CLASSIFICATIONS, ESCALATIONS, NOTIFICATIONS, SLA
from tests.fault.crashing import POINTS
from tests.fault.path_log import (
    Sent,
    check_sink,
    check_stored,
    check_streams,
    owners_of,
    repeats,
    send_acts,
    send_tickets,
    wait_until_done,
)
from tests.harness.installation import Installation, an_installation
from tests.harness.load import steady_load
from tests.harness.policies import a_patient_policy
from tests.harness.settings import HarnessSettings

pytestmark = [pytest.mark.timeout(1800), pytest.mark.asyncio(loop_scope="module")]

_TICKETS = 16
_TICKETS_A_SECOND = 2
_A_SECOND_AROUND_COMMITS = 25
"""A commit comes when a service has done what waited: so many come then that the path is never empty. They come only
once the service has begun, or the services behind it would have work for long after."""
_PATIENCE = timedelta(seconds=180)
_WRITES = {"classifier": CLASSIFICATIONS, "router": ESCALATIONS, "sla_monitor": SLA, "notifier": NOTIFICATIONS}


@dataclass(slots=True)
class Fire:
    """The installation all tests share, and what was sent to it so far."""

    here: Installation
    sent: Sent = field(default_factory=Sent)
    waiting: list[str] = field(default_factory=list)
    """Tickets nobody has acted on yet."""
    names: "count[int]" = field(default_factory=count)

    async def send(self) -> None:
        """Open tickets, and have the owners and customers of those that have owners act."""
        owned = await owners_of(self.here)
        acting = [ticket for ticket in self.waiting if ticket in owned][:_TICKETS]
        await send_acts(self.here, self.sent, acting)
        opened = await send_tickets(self.here, self.sent, f"crash-{next(self.names)}", _TICKETS)
        self.waiting = [ticket for ticket in self.waiting if ticket not in acting] + opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fire(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fire]:
    """One installation for the module, with escalations that have owners."""
    folder = tmp_path_factory.mktemp("installation")
    async with an_installation(folder, policy=a_patient_policy(folder)) as here:
        fire = Fire(here)
        await fire.send()
        await wait_until_done(fire.here, fire.sent)
        yield fire


@pytest.mark.parametrize("service", POINTS)
async def test_a_service_killed_at_each_point_of_its_work_loses_and_doubles_nothing(fire: Fire, service: str) -> None:
    here = fire.here
    await here.revive()
    written = {name: len(await here.log(topic)) for name, topic in _WRITES.items()}
    for further in range(HarnessSettings().rounds):
        for point in POINTS[service]:
            await _crash(fire, service, point, POINTS[service][point].nth + 2 * further)
    here.services[service].kill()
    here.start(service)
    await here.ready()
    # Behind all that the service reads again: when these are done it has caught up.
    await fire.send()

    await wait_until_done(here, fire.sent, within=240)

    again = {name: repeats((await here.log(topic))[written[name] :]) for name, topic in _WRITES.items()}
    print(f"{service}: records that came again by writer {again}")
    assert again[service] > 0
    assert not any(times for name, times in again.items() if name != service), again
    await check_streams(here, fire.sent.tickets)
    await check_stored(here)
    check_sink(here)


async def _crash(fire: Fire, service: str, point: str, nth: int) -> None:
    """Kill the service, let work queue up, and start it again such that it ends at the point."""
    here, bites = fire.here, fire.here.folder / "bites"
    here.services[service].kill()
    await fire.send()
    bites.write_text("")
    program = ("-m", "tests.fault.crashing", service, point, str(nth), str(bites))
    crashing = here.start(service, program=program)
    a_second, begins = (_A_SECOND_AROUND_COMMITS, crashing.answers) if "commit" in point else (_TICKETS_A_SECOND, _now)
    async with steady_load(here, a_second, f"meanwhile-{next(fire.names)}", begins=begins) as meanwhile:
        code = await asyncio.to_thread(crashing.exit_code, _PATIENCE)
    bitten, bitten_at = bites.read_text().splitlines(), datetime.fromtimestamp(bites.stat().st_mtime, UTC)
    fire.sent.opened(one.meta.correlation_id for one in meanwhile if one.meta.recorded_at <= bitten_at)
    in_flight = len(await fire.sent.missing(here, by=bitten_at))
    fire.sent.opened(one.meta.correlation_id for one in meanwhile)
    print(f"{bitten} at passing {nth}, {in_flight} steps in flight")
    assert (code, bitten) == (-signal.SIGKILL, [f"bit {service} {point}"]), here.services[service].log
    assert in_flight > 0


def _now() -> bool:
    return True

"""Each service killed at each point of its work, with tickets, commands and replies in flight.

Promised: nothing is lost, an escalation has one owner, and an event is stored once. On a topic a row may come again
only right after its own writer crashed, under the same id and with the same content; readers drop what they have seen.
"""

import asyncio
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

import pytest
import pytest_asyncio

from schemas.catalogue import CLASSIFICATIONS, ESCALATIONS, NOTIFICATIONS, SLA
from tests.fault.crashing import POINTS
from tests.fault.path_log import Sent, check_sink, check_stored, check_streams, repeats, send_acts, send_tickets
from tests.harness.installation import Installation, an_installation
from tests.harness.settings import HarnessSettings
from tests.harness.waiting import eventually

pytestmark = [pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="module")]

_TICKETS = 24
_TICKETS_AFTER = 8
_PATIENCE = timedelta(seconds=90)
_COMES_AGAIN = {
    ("classifier", "sent"),
    ("classifier", "before-commit"),
    ("router", "published"),
    ("notifier", "published"),
}
"""Where the writer did not get to remember that it had written."""
_WRITES = {"classifier": CLASSIFICATIONS, "router": ESCALATIONS, "sla_monitor": SLA, "notifier": NOTIFICATIONS}


@dataclass(slots=True)
class Fire:
    """The installation all tests share, and what was sent to it so far."""

    here: Installation
    sent: Sent = field(default_factory=Sent)
    owned: list[str] = field(default_factory=list)
    """Escalations nobody has accepted yet: the next test's commands and replies are about them."""
    names: "count[int]" = field(default_factory=count)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fire(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fire]:
    """One installation for the module, with escalations that have owners."""
    async with an_installation(tmp_path_factory.mktemp("installation")) as here:
        fire = Fire(here)
        fire.owned = await send_tickets(here, fire.sent, "first", _TICKETS)
        await _all_done(fire)
        yield fire


@pytest.mark.parametrize(("service", "point"), [(name, point) for name, points in POINTS.items() for point in points])
async def test_a_service_killed_at_a_point_of_its_work_loses_and_doubles_nothing(
    fire: Fire, service: str, point: str
) -> None:
    for further in range(HarnessSettings().rounds):
        await _crash(fire, service, point, POINTS[service][point].nth + 2 * further)


async def _crash(fire: Fire, service: str, point: str, nth: int) -> None:
    here, number = fire.here, next(fire.names)
    written = {name: len(await here.log(topic)) for name, topic in _WRITES.items()}
    here.services[service].kill()
    await send_acts(here, fire.sent, fire.owned)
    fire.owned = await send_tickets(here, fire.sent, f"{service}-{point}-{number}", _TICKETS)
    bites = here.folder / "bites"
    bites.write_text("")
    program = ("-m", "tests.fault.crashing", service, point, str(nth), str(bites))
    code = await asyncio.to_thread(here.start(service, program=program).exit_code, _PATIENCE)
    in_flight = len(await fire.sent.missing(here))
    here.start(service)
    await here.ready()
    # Behind what the service reads again: when these are done it has caught up.
    fire.owned += await send_tickets(here, fire.sent, f"{service}-{point}-{number}-after", _TICKETS_AFTER)
    await _all_done(fire)

    bitten = bites.read_text().splitlines()
    again = {name: repeats((await here.log(topic))[written[name] :]) for name, topic in _WRITES.items()}
    print(f"{bitten} at passing {nth}, {in_flight} steps in flight, records that came again: {again}")
    assert (code, bitten) == (-signal.SIGKILL, [f"bit {service} {point}"]), here.services[service].log
    assert in_flight > 0
    assert not any(times for name, times in again.items() if name != service), again
    assert again[service] > 0 or (service, point) not in _COMES_AGAIN
    await check_streams(here, fire.sent.tickets)
    await check_stored(here)
    check_sink(here)


async def _all_done(fire: Fire) -> None:
    missing = fire.sent.wanted

    async def nothing_is_missing() -> bool:
        nonlocal missing
        missing = await fire.sent.missing(fire.here)
        return not missing

    def what() -> str:
        examples = sorted((key, kind.__name__) for key, kind in missing)[:8]
        return f"all steps are on record; missing {len(missing)}: {examples}"

    await eventually(nothing_is_missing, _PATIENCE.total_seconds(), what=what)

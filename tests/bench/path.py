"""The whole path under a stream of tickets: what arrived, what came of it, how far behind each service is."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NamedTuple

from schemas.catalogue import CLASSIFICATIONS, ESCALATIONS, NOTIFICATIONS, TICKETS
from schemas.tickets import TicketOpened
from tests.bench.arrivals import arrive, encoded, mixed, put, soon
from tests.bench.measuring import firsts, metric, note, resident_mib, settled, written_to
from tests.harness.installation import Installation

_SAMPLES = 36
_PATIENCE_SECONDS = 900


class Sample(NamedTuple):
    """One look at a service."""

    second: float
    lag: float
    resident_mib: float


async def load(
    here: Installation, prefix: str, a_second: float, seconds: float, make: Callable[[str], TicketOpened] = mixed
) -> dict[str, list[Sample]]:
    """Have tickets `<prefix>-<n>` arrive for so long, and return what was seen of each service meanwhile."""
    ahead = 2 + seconds * a_second * 0.0005
    begins_at = soon(ahead)
    tickets = await asyncio.to_thread(encoded, prefix, int(a_second * seconds), begins_at, a_second, make)
    samples: dict[str, list[Sample]] = {name: [] for name in here.services}
    looking = asyncio.create_task(_look(here, samples, max(0.5, seconds / _SAMPLES)))
    late = await arrive(here, tickets, begins_at, a_second)
    looking.cancel()
    with suppress(asyncio.CancelledError):
        await looking
    note(f"{len(tickets)} tickets at {a_second:g}/s; the generator was at most {late:.2f} s late")
    return samples


async def warmed_up(here: Installation, tickets: int = 200) -> None:
    """Have every service work a little, so that what is measured is not the first message."""
    await put(here, encoded("warm", tickets, soon(0), 1_000))
    await at_rest(here)


async def at_rest(here: Installation) -> None:
    """Wait until no service is behind and no notice has come for three seconds."""
    deadline = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
    behind = 1.0
    while behind:
        assert asyncio.get_running_loop().time() < deadline, f"{behind:.0f} records are still waiting"
        await settled(here, NOTIFICATIONS)
        written = await written_to(here, ESCALATIONS)
        behind = sum(_lag(name, service.metrics(), written) for name, service in here.services.items())


async def waits(here: Installation, tickets: Iterable[str]) -> list[float]:
    """Return how many seconds each ticket took to its first delivered notice; none may be without one."""
    sent = await firsts(here, TICKETS, "TicketOpened")
    told = await firsts(here, NOTIFICATIONS, "NoticeDelivered")
    chosen = list(tickets)
    lost = [key for key in chosen if key not in told]
    assert not lost, f"{len(lost)} of {len(chosen)} tickets led to no notice, {lost[0]} is one"
    return [(told[key] - sent[key]) / 1000 for key in chosen]


async def nothing_is_lost(here: Installation) -> None:
    """Assert that every ticket was judged exactly once by its id."""
    sent = await firsts(here, TICKETS, "TicketOpened")
    judged = await firsts(here, CLASSIFICATIONS, "TicketClassified")
    assert judged.keys() == sent.keys()


async def _look(here: Installation, samples: dict[str, list[Sample]], stride_seconds: float) -> None:
    began = asyncio.get_running_loop().time()
    while True:
        for name, service in here.services.items():
            written = await written_to(here, ESCALATIONS)
            said = await asyncio.to_thread(service.metrics)
            second = asyncio.get_running_loop().time() - began
            samples[name].append(Sample(second, _lag(name, said, written), resident_mib(service.pid)))
        await asyncio.sleep(stride_seconds)


def _lag(name: str, said: str, escalations: int) -> float:
    """Return how many records a service has not handled; the monitor says only how many it has read."""
    if name == "sla_monitor":
        return escalations - metric(said, "escalon_sla_monitor_events_total")
    return metric(said, "escalon_consumer_lag_records")

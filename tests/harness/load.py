"""A steady stream of tickets from upstream, beside whatever a test does meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from chassis.errors import RetryableError, StartUpError
from ops.connection import Publisher, publisher
from schemas.message import Message
from schemas.tickets import Customer, Ticket, TicketFields, TicketOpened
from tests.harness.installation import Installation, sealed
from tests.harness.waiting import hold

_STRIDE_SECONDS = 0.02


def an_outage(number: str) -> TicketOpened:
    """Return a ticket that qualifies as P1 and has all four services at work."""
    return TicketOpened(
        ticket=Ticket(
            helpdesk="zendesk-eu",
            ticket_id=number,
            url=f"https://helpdesk.example/{number}",
            subject="Everything is down",
            description="Every page answers 503 for all our users.",
            customer=Customer(name="Carla Customer", email="carla@customer.example"),
            fields=TicketFields(service_down=True, agent_escalated=True),
        )
    )


@asynccontextmanager
async def steady_load(
    here: Installation, a_second: int, prefix: str, make: Callable[[str], Message] = an_outage
) -> AsyncIterator[list[Message]]:
    """Send tickets `<prefix>-<n>` at a rate while the block runs; gives what was acknowledged so far.

    A broker that is away is waited for: an event may then come twice, with the same identity, and none is left out.
    """
    sent: list[Message] = []
    ending = asyncio.Event()
    sending = asyncio.create_task(_send(here, a_second, prefix, make, sent, ending))
    try:
        yield sent
    finally:
        ending.set()
        await sending


async def _send(
    here: Installation,
    a_second: int,
    prefix: str,
    make: Callable[[str], Message],
    sent: list[Message],
    ending: asyncio.Event,
) -> None:
    began = asyncio.get_running_loop().time()
    async with publisher(here.settings) as out:
        while not ending.is_set():
            due = int((asyncio.get_running_loop().time() - began) * a_second) + 1
            events = sealed(make(f"{prefix}-{number}") for number in range(len(sent), due))
            if events:
                await _published(out, events)
                sent += [message for _, message in events]
            await hold(_STRIDE_SECONDS)


async def _published(out: Publisher, events: list[tuple[str, Message]]) -> None:
    """Publish the same events until the broker has them: upstream is at least once, too."""
    while True:
        try:
            await out.publish(events)
        except (RetryableError, StartUpError):
            await hold(_STRIDE_SECONDS)
        else:
            return

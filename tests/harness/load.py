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
    here: Installation,
    a_second: int,
    prefix: str,
    make: Callable[[str], Message] = an_outage,
    begins: Callable[[], bool] = lambda: True,
) -> AsyncIterator[list[Message]]:
    """Send tickets `<prefix>-<n>` at a rate from when `begins` is true; gives what was acknowledged so far.

    It ends with the block. A broker that is away is waited for: an event may then come twice, with the same identity,
    and none is left out.
    """
    sent: list[Message] = []
    ending = asyncio.Event()
    sending = asyncio.create_task(_send(here, _Pace(a_second, begins), lambda n: make(f"{prefix}-{n}"), sent, ending))
    try:
        yield sent
    finally:
        ending.set()
        await sending


class _Pace:
    """A rate from some moment on."""

    def __init__(self, a_second: int, begins: Callable[[], bool]) -> None:
        self._a_second = a_second
        self._begins = begins
        self._began: float | None = None

    def due(self) -> int:
        """Return how many are due by now."""
        now = asyncio.get_running_loop().time()
        if self._began is None and self._begins():
            self._began = now
        return 0 if self._began is None else int((now - self._began) * self._a_second) + 1


async def _send(
    here: Installation, pace: _Pace, make: Callable[[int], Message], sent: list[Message], ending: asyncio.Event
) -> None:
    async with publisher(here.settings) as out:
        while not ending.is_set():
            events = sealed(make(number) for number in range(len(sent), pace.due()))
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

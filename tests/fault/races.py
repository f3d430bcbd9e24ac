"""An installation whose business time the test turns, and what its log says of some tickets."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from ops.event_file import FileEvent
from schemas.catalogue import CLASSIFICATIONS, ESCALATIONS, NOTIFICATIONS, SERVICES, SLA
from schemas.escalations import OwnerAssigned, SlaRecord
from schemas.message import Message
from schemas.sla import ThresholdReached
from schemas.tickets import AgentReplied, Comment
from schemas.vocabulary import AuthorKind, ClockName
from tests.harness.installation import Installation, a_prepared_installation
from tests.harness.load import an_outage
from tests.harness.turned_clock import TurnedClock
from tests.harness.waiting import eventually

PATIENCE = 120.0
"""How long a test waits for what must come: machines that run it may be slow."""

MessageT = TypeVar("MessageT", bound=Message)
RecordT = TypeVar("RecordT", bound=SlaRecord)


class Races:
    """Tells the installation what happens now, by a clock that is turned, and reads what came of it."""

    def __init__(self, here: Installation, clock: TurnedClock) -> None:
        self.here = here
        self.clock = clock

    async def open(self, name: str, count: int) -> dict[str, str]:
        """Open so many P1 tickets; return the owner of each by its key, once they have one."""
        drafts = [an_outage(f"{name}-{number}") for number in range(count)]
        await self.tell(*drafts)
        tickets = [draft.ticket.key for draft in drafts]

        async def owners() -> dict[str, str] | None:
            assigned = await self.log(OwnerAssigned, tickets)
            found = {one.escalation.ticket: one.owner for one in assigned}
            return found if len(found) == count else None

        found = await eventually(owners, PATIENCE, what=f"{name}: every ticket has an owner")
        assert found is not None
        return found

    async def tell(self, *drafts: Message) -> None:
        """Publish events as happening now."""
        await self.tell_by((draft, None) for draft in drafts)

    async def tell_by(self, drafts: Iterable[tuple[Message, str | None]]) -> None:
        """Publish events as happening now, each with who did it."""
        now = self.clock.now()
        events = [FileEvent(line=0, at=None, arrives=None, by=by, id=None, draft=draft) for draft, by in drafts]
        await self.here.send_again([(event.key, event.sealed(now)) for event in events])

    async def log(self, kind: type[MessageT], tickets: Collection[str]) -> list[MessageT]:
        """Return what the services said of the tickets, each event once by its id, in order for each ticket."""
        told = await self.here.log(CLASSIFICATIONS, ESCALATIONS, SLA, NOTIFICATIONS)
        found = {one.meta.id: one for one in told if isinstance(one, kind) and one.meta.correlation_id in tickets}
        return list(found.values())

    async def until(
        self, kind: type[MessageT], tickets: Collection[str], counts: Callable[[MessageT], bool] = lambda _: True
    ) -> list[MessageT]:
        """Wait until there is such an event of every ticket; return them."""

        async def found() -> list[MessageT] | None:
            events = [one for one in await self.log(kind, tickets) if counts(one)]
            return events if {one.meta.correlation_id for one in events} == set(tickets) else None

        events = await eventually(found, PATIENCE, what=f"{kind.__name__} of every ticket")
        assert events is not None
        return events

    async def cycles(
        self, kind: type[RecordT], tickets: Collection[str], clock: ClockName, cycle: int = 1
    ) -> list[RecordT]:
        """Return the records of one cycle of a clock."""
        return [one for one in await self.log(kind, tickets) if (one.clock, one.cycle) == (clock, cycle)]

    async def passings(
        self, tickets: Collection[str], clock: ClockName, percent: int = 100, cycle: int = 1
    ) -> list[ThresholdReached]:
        """Return every time the sla_monitor said that a threshold was passed, repeats too."""
        wanted = (clock, cycle, percent)
        return [
            one
            for one in await self.here.log(SLA)
            if isinstance(one, ThresholdReached)
            and one.ticket in tickets
            and (one.clock, one.cycle, one.percent) == wanted
        ]

    async def until_said(self, tickets: Collection[str], clock: ClockName, percent: int = 100) -> int:
        """Wait until the sla_monitor said of every ticket that the threshold was passed; return how often it did."""

        async def said() -> int:
            found = await self.passings(tickets, clock, percent)
            return len(found) if {one.ticket for one in found} == set(tickets) else 0

        return await eventually(said, PATIENCE, what=f"{clock} {percent} % of every ticket is said")

    async def until_recorded(self, kind: type[RecordT], tickets: Collection[str], clock: ClockName) -> list[RecordT]:
        """Wait until the first cycle of the clock has that record for every ticket; return the records."""
        return await self.until(kind, tickets, lambda one: (one.clock, one.cycle) == (clock, 1))

    async def let_pass(self, by: timedelta) -> None:
        """Return when the business time has gone on by so much."""
        until = self.clock.now() + by
        await eventually(lambda: self.clock.now() >= until, PATIENCE, what=f"{by} pass")

    def kill(self, service: str) -> None:
        """End a service as a crash would."""
        self.here.services[service].kill()

    async def start(self, service: str, program: Sequence[str] = (), **environment: str) -> None:
        """Start a service that is down, and wait until it is ready."""
        process = self.here.start(service, program=program, environment=environment)
        await eventually(process.is_ready, PATIENCE, what=lambda: process.log)

    def metric(self, service: str, name: str) -> float:
        """Return the sum of a metric over its labels."""
        return sum(_values(self.here.services[service].metrics(), name))


def _values(text: str, name: str) -> Iterator[float]:
    for line in text.splitlines():
        if line.startswith((f"{name} ", f"{name}{{")):
            yield float(line.rpartition(" ")[2])


def a_reply(ticket: str, by: str, kind: AuthorKind = AuthorKind.PERSON, text: str = "We are on it.") -> AgentReplied:
    """Return a public message on a ticket of `Races.open`."""
    opened = an_outage(ticket.rpartition("/")[2]).ticket
    return AgentReplied(ticket=opened, comment=Comment(author_kind=kind, author_id=by, text=text))


def minutes(number: float) -> timedelta:
    """Return so many minutes."""
    return timedelta(minutes=number)


@asynccontextmanager
async def racing(folder: Path, environment: Mapping[str, str] | None = None) -> AsyncIterator[Races]:
    """Give an installation that is ready, on a clock of its own."""
    with TurnedClock(folder / "clock.json") as clock:
        async with a_prepared_installation(folder, {**clock.environment, **(environment or {})}) as here:
            for name in SERVICES:
                here.start(name)
            await here.ready()
            yield Races(here, clock)

"""What the handlers are promised of a batch of streams: in memory, on SQLite and on PostgreSQL."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from chassis.event_store import EventStore
from chassis.records import TopicPartition
from schemas.escalations import StreamEvent
from schemas.ids import TicketKey
from services.router.adapters.in_memory import InMemoryEscalationBatch
from services.router.domain.state import TicketState
from services.router.ports import EscalationBatch
from tests.contract.router.streams import Replica
from tests.unit.router.telling import TICKET, Told

SOURCE = TopicPartition("classifications.v1", 3)
Opening = Callable[[], Awaitable[EscalationBatch]]


class SqlStreams:
    """Opens batches as a router that has just started does, and commits the one before."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._position = 0

    async def __call__(self) -> EscalationBatch:
        replica = Replica(self._store)
        await replica.escalations.load([SOURCE])
        self._open = await replica.escalations.open(3, [TICKET])
        self._replica = replica
        return self._open

    async def commit(self) -> None:
        self._position += 1
        await self._replica.escalations.commit(self._open, SOURCE, self._position)


class MemoryStreams:
    """Opens the one batch there is."""

    def __init__(self) -> None:
        self._batch = InMemoryEscalationBatch()

    async def __call__(self) -> EscalationBatch:
        return self._batch

    async def commit(self) -> None:
        """Everything counts at once."""


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def streams(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStreams | MemoryStreams]:
    if request.param == "memory":
        yield MemoryStreams()
        return
    sqlite = f"sqlite:///{tmp_path / 'store.db'}"
    url = sqlite if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))
    async with EventStore(url) as store:
        yield SqlStreams(store)


def life() -> tuple[Sequence[StreamEvent], TicketState]:
    """Return what the opening of a ticket leads to, and the state after it."""
    told = Told()
    return told.fact(), told.state


async def test_a_ticket_without_a_stream_has_an_empty_state(streams: SqlStreams | MemoryStreams) -> None:
    assert (await streams()).load(TICKET) == TicketState(ticket=TICKET)


async def test_what_was_appended_is_what_the_next_message_of_the_batch_sees(
    streams: SqlStreams | MemoryStreams,
) -> None:
    events, state = life()
    opened = await streams()
    opened.append(TICKET, events, state)
    assert opened.load(TICKET) == state


async def test_a_later_batch_sees_what_was_committed(streams: SqlStreams | MemoryStreams) -> None:
    events, state = life()
    (await streams()).append(TICKET, events, state)
    await streams.commit()
    assert (await streams()).load(TICKET) == state


async def test_events_that_do_not_follow_on_are_a_bug(streams: SqlStreams | MemoryStreams) -> None:
    events, state = life()
    opened = await streams()
    with pytest.raises(ValueError, match="do not make"):
        opened.append(TICKET, events[1:], state)
    assert opened.load(TicketKey(TICKET)).version == 0


async def test_a_message_that_led_to_nothing_is_known_to_later_batches(streams: SqlStreams | MemoryStreams) -> None:
    opened = await streams()
    opened.note_applied(TICKET, "led-to-nothing")
    assert opened.load(TICKET).applied == {"led-to-nothing"}
    await streams.commit()
    assert (await streams()).load(TICKET) == TicketState(ticket=TICKET, applied=frozenset({"led-to-nothing"}))

"""Ticket streams in the event store, with the states of held partitions kept in memory.

The memory is right because one replica writes a partition; where that ever fails the store refuses the version,
and the partition's states are read again.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from chassis.event_store import AppliedCause, EventStore, InputMoved, StoredEvent, StoredStream
from chassis.records import TopicPartition
from schemas.codec import Codec
from schemas.escalations import StreamEvent
from schemas.ids import TicketKey, escalation_id
from services.router.domain.evolve import evolve, with_applied
from services.router.domain.state import TicketState
from services.router.metrics import RouterMetrics


class SqlEscalationBatch:
    """The streams one batch touches; `loaded` holds the state of each of them."""

    def __init__(self, partition: int, loaded: Mapping[TicketKey, TicketState]) -> None:
        self.partition = partition
        self.events: list[tuple[TicketKey, StreamEvent]] = []
        self.causes: list[tuple[TicketKey, str]] = []
        self.states = dict(loaded)
        self._first = {ticket: state.version for ticket, state in loaded.items()}
        self._count: dict[TicketKey, int] = {}

    def load(self, ticket: TicketKey) -> TicketState:
        """Return the state of the ticket's stream with what was appended; raises KeyError if it was not fetched."""
        return self.states[ticket]

    def append(self, ticket: TicketKey, events: Sequence[StreamEvent], state: TicketState) -> None:
        """Append sealed events; raises ValueError where they do not follow on what was loaded."""
        before = self.states[ticket].version
        if before + len(events) != state.version:
            raise ValueError(f"{len(events)} events after version {before} do not make {state.version}")
        self.events += [(ticket, event) for event in events]
        self.states[ticket] = state
        self._count[ticket] = self._count.get(ticket, 0) + len(events)

    def note_applied(self, ticket: TicketKey, message_id: str) -> None:
        """Remember a message that led to no event."""
        self.causes.append((ticket, message_id))
        self.states[ticket] = with_applied(self.states[ticket], message_id)

    def versions(self) -> Iterable[tuple[TicketKey, int, StreamEvent]]:
        """Return what was appended, in order, each with its version in its stream."""
        following = dict(self._first)
        for ticket, event in self.events:
            following[ticket] += 1
            yield ticket, following[ticket], event


class SqlEscalationStore:
    """Opens batches of streams and commits them with the position of the input they came from."""

    def __init__(self, store: EventStore, codec: Codec, metrics: RouterMetrics, *, cached_tickets: int) -> None:
        self._store = store
        self._codec = codec
        self._metrics = metrics
        self._room = cached_tickets
        self._cache: dict[int, OrderedDict[TicketKey, TicketState]] = {}
        self._stored: dict[TopicPartition, int] = {}

    async def load(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Return where each input is to be read from, as stored; from now on they are expected to be there."""
        names = {_name(source): source for source in partitions}
        found = {names[name]: position for name, position in (await self._store.positions(list(names))).items()}
        for source in partitions:
            self._stored.pop(source, None)
        self._stored.update(found)
        return found

    async def open(self, partition: int, tickets: Iterable[TicketKey]) -> SqlEscalationBatch:
        """Return a batch with the state of every one of these streams; what is not in memory comes by one query."""
        cache = self._cache.setdefault(partition, OrderedDict())
        wanted = dict.fromkeys(tickets)
        states = {ticket: cache[ticket] for ticket in wanted if ticket in cache}
        missing = [ticket for ticket in wanted if ticket not in states]
        if missing:
            states.update(await self._fold(missing))
        return SqlEscalationBatch(partition, states)

    async def commit(self, batch: SqlEscalationBatch, source: TopicPartition, moved_to: int) -> None:
        """Store the batch and the input's new position, all or nothing; forgets the partition where that fails.

        Raises LostOwnershipError (somebody else has moved on) or RetryableError.
        """
        events = [
            StoredEvent(_stream_id(ticket), version, event.wire_name(), self._codec.encode(event))
            for ticket, version, event in batch.versions()
        ]
        causes = [AppliedCause(_stream_id(ticket), cause) for ticket, cause in batch.causes]
        moved = InputMoved(_name(source), self._stored.get(source), moved_to)
        try:
            with self._metrics.commit_seconds.time():
                await self._store.append(batch.partition, events, moved, causes)
        except BaseException:
            self.forget([batch.partition])
            raise
        self._stored[source] = moved_to
        self._metrics.stored([event for _, event in batch.events])
        self.keep(batch)

    def keep(self, batch: SqlEscalationBatch) -> None:
        """Remember the states of a batch that is stored, or that changed nothing.

        Most tickets never get an event, and a closed escalation is hardly heard of: those are asked for again.
        """
        cache = self._cache.setdefault(batch.partition, OrderedDict())
        for ticket, state in batch.states.items():
            is_over = state.escalation is not None and state.escalation.is_closed
            if state.version and not is_over:
                cache[ticket] = state
                cache.move_to_end(ticket)
            else:
                cache.pop(ticket, None)
        while len(cache) > self._room:
            cache.popitem(last=False)
        self._count()

    def forget(self, partitions: Iterable[int]) -> None:
        """Drop the states of partitions that are held no longer, or may be wrong."""
        for partition in partitions:
            self._cache.pop(partition, None)
        self._count()

    async def _fold(self, tickets: Sequence[TicketKey]) -> dict[TicketKey, TicketState]:
        streams = await self._store.load(_stream_id(ticket) for ticket in tickets)
        self._metrics.loaded.inc(len(tickets))
        return {ticket: self._folded(ticket, streams.get(_stream_id(ticket), StoredStream())) for ticket in tickets}

    def _folded(self, ticket: TicketKey, stream: StoredStream) -> TicketState:
        state = TicketState(ticket=ticket, applied=frozenset(stream.causes))
        for stored in stream.events:
            event = self._codec.decode(stored.value)
            if not isinstance(event, StreamEvent):
                raise TypeError(f"{stored.name} is stored in a ticket's stream and is none of its events")
            state = evolve(state, event)
        return state

    def _count(self) -> None:
        self._metrics.cached.set(sum(len(cache) for cache in self._cache.values()))


def _stream_id(ticket: TicketKey) -> UUID:
    return UUID(escalation_id(ticket))


def _name(source: TopicPartition) -> str:
    return f"{source.topic}/{source.partition}"

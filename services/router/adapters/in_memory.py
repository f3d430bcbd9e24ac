"""The router's streams in memory: for stories, which play all services in one process, and for tests.

Policies and rosters are the registries of `wire.reference_data`, which hold no I/O.
"""

from collections.abc import Mapping, Sequence

from schemas.escalations import StreamEvent
from schemas.ids import TicketKey
from services.router.domain.evolve import with_applied
from services.router.domain.state import TicketState


class InMemoryEscalationBatch:
    """Streams that live as long as the object, going on from `states`; everything appended counts at once."""

    def __init__(self, states: Mapping[TicketKey, TicketState] | None = None) -> None:
        self.events: list[StreamEvent] = []
        """All events in the order they were appended, whatever their ticket."""
        self._states: dict[TicketKey, TicketState] = dict(states or {})

    def load(self, ticket: TicketKey) -> TicketState:
        """Return the state of the ticket's stream, or an empty one."""
        return self._states.get(ticket, TicketState(ticket=ticket))

    def append(self, ticket: TicketKey, events: Sequence[StreamEvent], state: TicketState) -> None:
        """Append sealed events; raises ValueError where they do not follow on what was loaded."""
        before = self.load(ticket)
        if before.version + len(events) != state.version:
            raise ValueError(f"{len(events)} events after version {before.version} do not make {state.version}")
        self.events.extend(events)
        self._states[ticket] = state

    def note_applied(self, ticket: TicketKey, message_id: str) -> None:
        """Remember a message that led to no event."""
        self._states[ticket] = with_applied(self.load(ticket), message_id)

    def take(self) -> list[StreamEvent]:
        """Return what was appended since the last call, for publishing."""
        taken, self.events = self.events, []
        return taken

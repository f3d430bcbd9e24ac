"""The router's ports in memory: for stories, which play all services in one process, and for tests."""

from collections.abc import Iterable, Sequence

from chassis.errors import RetryableError
from policy.model import Policy, VersionedPolicy
from policy.roster import Roster
from schemas.escalations import StreamEvent
from schemas.ids import PolicyVersion, TicketKey
from services.router.domain.state import TicketState


class InMemoryEscalationBatch:
    """Streams that live as long as the object; everything appended counts at once."""

    def __init__(self) -> None:
        self.events: list[StreamEvent] = []
        """All events in the order they were appended, whatever their ticket."""
        self._states: dict[TicketKey, TicketState] = {}

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

    def take(self) -> list[StreamEvent]:
        """Return what was appended since the last call, for publishing."""
        taken, self.events = self.events, []
        return taken


class InMemoryPolicies:
    """Versions of the procedure in a dictionary."""

    def __init__(self, versions: Iterable[VersionedPolicy] = ()) -> None:
        self._versions = {each.version: each.policy for each in versions}

    def add(self, version: PolicyVersion, policy: Policy) -> None:
        """Publish a version."""
        self._versions[version] = policy

    def get(self, version: PolicyVersion) -> Policy:
        """Return the version; raises RetryableError where it was not published."""
        if version not in self._versions:
            raise RetryableError(f"policy version {version} is not here yet")
        return self._versions[version]


class InMemoryRosters:
    """The roster in force."""

    def __init__(self, roster: Roster) -> None:
        self.roster = roster

    def current(self) -> Roster:
        """Return it."""
        return self.roster

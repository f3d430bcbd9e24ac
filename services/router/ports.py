"""What the router's handlers need of the world: the ticket streams of a poll, policies, the roster in force."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from chassis.errors import EscalonError
from policy.model import Policy
from policy.roster import Roster
from schemas.escalations import StreamEvent
from schemas.ids import PolicyVersion, TicketKey
from services.router.domain.state import TicketState


class EscalationBatch(Protocol):
    """The ticket streams that the messages of one poll touch, each with the events appended to it so far.

    What is appended becomes durable together, in one transaction with the position of the batch, or not at all.
    The streams are fetched before the handlers run, so that neither method waits for anything.
    """

    def load(self, ticket: TicketKey) -> TicketState:
        """Return the state of the ticket's stream; `TicketState(ticket=ticket)` where it has none yet."""
        ...

    def append(self, ticket: TicketKey, events: Sequence[StreamEvent], state: TicketState) -> None:
        """Append sealed events, numbered on from the loaded version; `state` is the state after them."""
        ...

    def note_applied(self, ticket: TicketKey, message_id: str) -> None:
        """Remember a message that was applied and led to no event: the ticket's later states know it.

        Else its repeat would be decided against a later state, and what was too early to matter would matter then.
        """
        ...


class Policies(Protocol):
    """Every version of the procedure."""

    def get(self, version: PolicyVersion) -> Policy:
        """Return the version; raises RetryableError where it is not here yet."""
        ...


class Rosters(Protocol):
    """People and who is on duty; the latest version."""

    def current(self) -> Roster:
        """Return the roster in force; raises RetryableError where there is none yet."""
        ...


class FindingHeldError(EscalonError):
    """A finding must wait until all that could refute it has been seen; nothing was appended for it.

    The stream turns it into `HeldError` with the number of records that were handled before.
    """

    def __init__(self, reason: str, *, retry_after: timedelta = timedelta(milliseconds=100)) -> None:
        super().__init__(reason)
        self.retry_after = retry_after

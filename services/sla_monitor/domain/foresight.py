"""What is worked out of tickets a moment before they fall due, so that many can fall due in the same instant."""

from datetime import datetime, timedelta
from typing import NamedTuple

from services.sla_monitor.domain.evaluation import Evaluation
from services.sla_monitor.domain.pinning import Pinned
from services.sla_monitor.domain.row import AnyRow

AHEAD = timedelta(seconds=3)
"""How long before it falls due a ticket is looked at."""


class Judgement(NamedTuple):
    """What a row comes to at an instant, and the policy versions that say so."""

    evaluation: Evaluation
    pins: Pinned


class Foresight:
    """Rows with what there will be to say of them when they fall due; good until the row changes."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[AnyRow, Judgement]] = {}

    def __contains__(self, ticket: str) -> bool:
        return ticket in self._known

    def put(self, row: AnyRow, at_due: Judgement) -> None:
        """Remember the row and what it comes to at the instant it falls due."""
        self._known[row.ticket] = (row, at_due)

    def forget(self, ticket: str) -> None:
        """Forget a ticket, as its row changes."""
        self._known.pop(ticket, None)

    def take(self, ticket: str, now: datetime) -> tuple[AnyRow | None, Judgement | None]:
        """Take out what is known; the judgement only where it still holds, as nothing more has fallen due since."""
        row, judgement = self._known.pop(ticket, (None, None))
        if judgement is not None and (next_at := judgement.evaluation.next_at) is not None and next_at <= now:
            return row, None
        return row, judgement

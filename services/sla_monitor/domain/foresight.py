"""What is worked out of tickets a moment before they fall due, so that many can fall due in the same instant."""

from datetime import datetime, timedelta

from services.sla_monitor.domain.evaluation import Evaluation
from services.sla_monitor.domain.row import AnyRow

AHEAD = timedelta(seconds=2)
"""How long before it falls due a ticket is looked at."""


class Foresight:
    """Rows with what there will be to say of them when they fall due; good until the row changes."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[AnyRow, Evaluation]] = {}

    def __contains__(self, ticket: str) -> bool:
        return ticket in self._known

    def put(self, row: AnyRow, at_due: Evaluation) -> None:
        """Remember the row and its evaluation as of the instant it falls due."""
        self._known[row.ticket] = (row, at_due)

    def forget(self, ticket: str) -> None:
        """Forget a ticket, as its row changes."""
        self._known.pop(ticket, None)

    def take(self, ticket: str, now: datetime) -> tuple[AnyRow | None, Evaluation | None]:
        """Take out what is known; the evaluation only where it still holds, as nothing more has fallen due since."""
        row, evaluation = self._known.pop(ticket, (None, None))
        if evaluation is not None and evaluation.next_at is not None and evaluation.next_at <= now:
            return row, None
        return row, evaluation

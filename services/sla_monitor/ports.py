"""What the sla_monitor needs of the world."""

from collections.abc import Sequence
from typing import Protocol

from policy.model import Policy
from schemas.ids import PolicyVersion
from schemas.sla import SlaFinding
from services.sla_monitor.domain.row import AnyRow


class Policies(Protocol):
    """Every version of the procedure that was published."""

    def get(self, version: PolicyVersion) -> Policy:
        """Return that version; raises chassis.errors.RetryableError for one that has not arrived yet."""
        ...


class Rows(Protocol):
    """What is remembered of each ticket of the partitions held."""

    def get(self, ticket: str, partition: int | None = None) -> AnyRow | None:
        """Return the ticket's row; None for one of which nothing is remembered. Without a partition, from any."""
        ...

    def put(self, ticket: str, row: AnyRow | None, partition: int) -> None:
        """Replace the row of a ticket whose events come in that partition; None forgets it."""
        ...


class Findings(Protocol):
    """Where findings go."""

    async def send(self, findings: Sequence[SlaFinding]) -> None:
        """Send them in order; returns when they are durable. Sending one again is harmless: it has the same id."""
        ...

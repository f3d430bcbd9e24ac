"""What the auditor needs from outside itself."""

from typing import Protocol

from policy.model import Policy
from schemas.ids import PolicyVersion
from services.auditor.domain.case import Case


class Policies(Protocol):
    """Every version of the procedure that was published."""

    def get(self, version: PolicyVersion) -> Policy:
        """Return that version; raises chassis.errors.RetryableError for one that has not arrived yet."""
        ...


class Cases(Protocol):
    """What is remembered of each ticket, as long as the process lives."""

    def get(self, ticket: str) -> Case | None:
        """Return the ticket's case; None for one of which nothing is remembered."""
        ...

    def put(self, ticket: str, case: Case | None) -> None:
        """Replace the ticket's case; None forgets it."""
        ...

    def lay_aside(self, ticket: str) -> None:
        """Keep a case small of which nothing is expected any more; `get` still returns it."""
        ...

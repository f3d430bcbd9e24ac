"""Cases in memory, which is where they are in production too: each start reads all events again."""

from services.auditor.domain.case import Case, Packed, packed, unpacked


class InMemoryCases:
    """Open cases as they are, those that were laid aside as bytes."""

    def __init__(self) -> None:
        self._open: dict[str, Case] = {}
        self._aside: dict[str, Packed] = {}

    def __len__(self) -> int:
        """Return how many cases are not laid aside."""
        return len(self._open)

    @property
    def laid_aside(self) -> int:
        """Return how many cases are laid aside."""
        return len(self._aside)

    def get(self, ticket: str) -> Case | None:
        """Return the ticket's case; None for one of which nothing is remembered."""
        found = self._open.get(ticket)
        if found is not None:
            return found
        stored = self._aside.get(ticket)
        return None if stored is None else unpacked(stored)

    def put(self, ticket: str, case: Case | None) -> None:
        """Replace the ticket's case; None forgets it."""
        self._aside.pop(ticket, None)
        if case is None:
            self._open.pop(ticket, None)
        else:
            self._open[ticket] = case

    def lay_aside(self, ticket: str) -> None:
        """Keep a case as bytes from now on, until it is put again."""
        case = self._open.pop(ticket, None)
        if case is not None:
            self._aside[ticket] = packed(case)

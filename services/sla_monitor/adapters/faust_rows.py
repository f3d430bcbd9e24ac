"""Rows in a Faust table: a store on disk that is a copy of a compacted changelog topic."""

from collections.abc import Iterator

import faust

from services.sla_monitor.domain.row import AnyRow, decode_row, encode_row


class FaustRows:
    """Rows as bytes by bytes: with any other type Faust recovers an empty table and only logs it.

    Rows can be put only while an event of their partition is being handled; they can be read at any time.
    """

    def __init__(self, app: faust.App, name: str) -> None:
        self._table = app.Table(name, key_type=bytes, value_type=bytes)

    def get(self, ticket: str) -> AnyRow | None:
        """Return the ticket's row; None for one of which nothing is remembered."""
        stored = self._table.get(ticket.encode())
        return None if stored is None else decode_row(stored)

    def put(self, ticket: str, row: AnyRow | None) -> None:
        """Replace the ticket's row; None forgets it."""
        key = ticket.encode()
        if row is not None:
            self._table[key] = encode_row(row)
        elif key in self._table:
            del self._table[key]

    def __iter__(self) -> Iterator[AnyRow]:
        """Iterate over the rows of all partitions that are assigned."""
        return (decode_row(stored) for stored in self._table.values())

"""Rows in a Faust table: a store on disk that is a copy of a compacted changelog topic."""

from collections.abc import Iterator

import faust

from chassis.errors import EscalonError
from chassis.stream_table import VersionedTable
from services.sla_monitor.domain.row import AnyRow, decode_row, encode_row, version_in

_IO_ERROR = "IO error"
"""How RocksDB begins what it says of a disk; rocksdict raises plain exceptions."""


class RowsNotWrittenError(EscalonError):
    """The disk did not take a row. RocksDB then takes none until it is opened again, so the service has to end."""


class FaustRows:
    """Rows as bytes by bytes: with any other type Faust recovers an empty table and only logs it."""

    def __init__(self, app: faust.App, name: str) -> None:
        self._place = app.conf.datadir
        self._table = VersionedTable(app, name, version_in)
        app.tables.add(self._table)

    def get(self, ticket: str, partition: int | None = None) -> AnyRow | None:
        """Return the ticket's row; None for one of which nothing is remembered. Without a partition, from any."""
        stored = self._table.read(ticket.encode(), partition)
        return None if stored is None else decode_row(stored)

    def put(self, ticket: str, row: AnyRow | None, partition: int) -> None:
        """Replace the row of a ticket whose events come in that partition; None forgets it.

        Also where there is none: a crash may have kept the deletion from the changelog.
        """
        try:
            self._table.put(partition, ticket.encode(), None if row is None else encode_row(row))
        except Exception as error:
            if _IO_ERROR not in str(error):
                raise
            raise RowsNotWrittenError(
                f"rows cannot be written to {self._place} ({_said(error)}): make room, then start again"
            ) from error

    def __iter__(self) -> Iterator[AnyRow]:
        """Iterate over the rows of all partitions that are assigned."""
        return (decode_row(stored) for stored in self._table.values())


def _said(error: Exception) -> str:
    """Return RocksDB's kind of error: all of its text is about files, and most of it is their names."""
    return ":".join(str(error).split(":")[:2])

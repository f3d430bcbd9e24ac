"""What Faust only logs about reading rows back, made an end of the service: it would go on without them, or wait."""

import logging
from typing import Self

from chassis.clock import REAL_TIME, Clock
from chassis.stream_rows import RowsNotRecoveredError

_PATIENCE_SECONDS = 60.0
"""Beside the half minute that Faust itself waits for a record before it says so, each five seconds from then on."""

log = logging.getLogger("faust.tables.recovery")


class RecoveryAlarm(logging.Handler):
    """Hears Faust's log; a context manager."""

    def __init__(self, clock: Clock = REAL_TIME) -> None:
        super().__init__(logging.WARNING)
        self._clock = clock
        self._lost = False
        self._silent_since: float | None = None

    def __enter__(self) -> Self:
        log.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        log.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Take note of a line."""
        line = record.getMessage()
        self._lost = self._lost or "Error in recovery" in line
        if "No event received for active tp" in line and self._silent_since is None:
            self._silent_since = self._clock.monotonic()

    def calm(self) -> None:
        """Say that the rows are there."""
        self._silent_since = None

    def raise_if_heard(self) -> None:
        """Raise RowsNotRecoveredError if rows were lost, or the recovery stands still, as after rebalances in a row."""
        if self._lost:
            raise RowsNotRecoveredError("rows could not be recovered from the changelog")
        if self._silent_since is not None and self._clock.monotonic() - self._silent_since >= _PATIENCE_SECONDS:
            raise RowsNotRecoveredError(
                "the recovery of the rows stands still: a partition has some left and gets none"
            )

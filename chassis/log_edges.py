"""What becomes of a position that is no longer in the log: said, and gone on behind only where that is right."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from chassis.clock import REAL_TIME
from chassis.errors import EscalonError
from chassis.metrics import ConsumerMetrics
from chassis.records import TopicPartition

_TOLD_SECONDS = 60.0
"""For how long /readyz tells of a gap; afterwards the metric and the log do."""

log = logging.getLogger(__name__)


class OutOfLogError(EscalonError):
    """The brokers do not have the positions at which these partitions are to be read."""

    def __init__(self, partitions: Sequence[TopicPartition]) -> None:
        super().__init__(", ".join(f"{topic}/{number} has no record at our position" for topic, number in partitions))
        self.partitions = tuple(partitions)


class LogCutError(EscalonError):
    """Going on would be wrong: what is missing makes a wrong state for ever, or the log is not the one we read."""


@dataclass(frozen=True, slots=True)
class LogEdges:
    """What there is of a partition: from `first` up to before `end`."""

    first: int
    end: int

    def hold(self, position: int) -> bool:
        """Tell whether the log can be read from there."""
        return self.first <= position <= self.end


class UnreadGaps:
    """Decides where to go on, and tells of what was lost: an ERROR in the log, a metric, /readyz for a minute."""

    def __init__(self, kept_for_ever: frozenset[str], metrics: ConsumerMetrics) -> None:
        self._kept_for_ever = kept_for_ever
        self._metrics = metrics
        self._told: tuple[str, float] | None = None

    def position_after(self, source: TopicPartition, position: int, edges: LogEdges) -> int:
        """Return where to go on: at the first record there is. Raises LogCutError."""
        check_edges(source, position, edges, kept_for_ever=source.topic in self._kept_for_ever)
        lost = edges.first - position
        self._metrics.deleted_unread.labels(source.topic).inc(lost)
        said = f"{lost} records of {_name(source)} were deleted before they were read, {position} to {edges.first - 1}"
        self._told = (said, REAL_TIME.monotonic())
        log.error("%s; going on behind them", said, extra={"topic": source.topic, "partition": source.partition})
        return edges.first

    def check(self) -> str | None:
        """Tell /readyz what was lost, for a minute."""
        told = self._told
        return told[0] if told is not None and REAL_TIME.monotonic() - told[1] < _TOLD_SECONDS else None


def check_edges(source: TopicPartition, position: int, edges: LogEdges, *, kept_for_ever: bool) -> None:
    """Raise LogCutError where a position beyond the log's end, or before its beginning, must stop a reader."""
    if position > edges.end:
        raise LogCutError(
            f"{_name(source)} ends at {edges.end}, and we have read up to {position}: the topic was made anew, or its"
            " brokers lost records. Nothing is read until somebody decides where to go on (docs/runbook.md)"
        )
    if position < edges.first and kept_for_ever:
        raise LogCutError(
            f"{_name(source)} begins at {edges.first}, and we have read up to {position}: {edges.first - position}"
            " records of a topic that is kept for ever were deleted unread. To go on without them would be a wrong"
            " state for ever (docs/runbook.md)"
        )


def _name(source: TopicPartition) -> str:
    return f"{source.topic}/{source.partition}"

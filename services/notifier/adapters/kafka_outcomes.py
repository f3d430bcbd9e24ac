"""Outcomes as records of `notifications.v1`, keyed by ticket."""

from collections.abc import Sequence

from chassis.dead_letters import RecordSink
from chassis.records import Outgoing
from schemas.catalogue import NOTIFICATIONS
from schemas.codec import Codec
from schemas.envelope import headers_of
from schemas.notifications import NoticeOutcome


class KafkaOutcomes:
    """Writes outcomes to `notifications.v1`."""

    def __init__(self, sink: RecordSink, codec: Codec) -> None:
        self._sink = sink
        self._codec = codec

    async def publish(self, outcomes: Sequence[NoticeOutcome]) -> None:
        """Return when they are durable; raises RetryableError."""
        await self._sink.send_batch([self._outgoing(outcome) for outcome in outcomes])

    def _outgoing(self, outcome: NoticeOutcome) -> Outgoing:
        value = self._codec.encode(outcome)
        return Outgoing(NOTIFICATIONS.name, outcome.ticket.encode(), value, headers_of(outcome))

"""Findings as records of `sla.v1`, keyed by the ticket."""

from collections.abc import Sequence

from chassis.producer import Producer
from chassis.records import Outgoing
from schemas.catalogue import SLA
from schemas.codec import Codec
from schemas.envelope import headers_of
from schemas.sla import SlaFinding


class KafkaFindings:
    """Sends each batch of findings in one go."""

    def __init__(self, producer: Producer, codec: Codec) -> None:
        self._producer = producer
        self._codec = codec

    async def send(self, findings: Sequence[SlaFinding]) -> None:
        """Send them in order; returns when all replicas have them. Raises RetryableError where the world may heal."""
        if findings:
            await self._producer.send_batch([self._outgoing(finding) for finding in findings])

    def _outgoing(self, finding: SlaFinding) -> Outgoing:
        key = finding.ticket.encode()
        return Outgoing(SLA.name, key, self._codec.encode(finding), headers_of(finding))

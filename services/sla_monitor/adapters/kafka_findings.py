"""Findings as records of `sla.v1`, keyed by the ticket."""

from collections.abc import Sequence

from chassis.producer import Producer
from chassis.records import Outgoing
from schemas.catalogue import SLA
from schemas.codec import Codec
from schemas.envelope import headers_of
from schemas.sla import SlaFinding

_AT_A_TIME = 500
"""Some 15 ms of encoding, while those before them are on their way."""


class KafkaFindings:
    """Sends each batch of findings in one go."""

    def __init__(self, producer: Producer, codec: Codec) -> None:
        self._producer = producer
        self._codec = codec

    async def send(self, findings: Sequence[SlaFinding]) -> None:
        """Send them in order; returns when all replicas have them. Raises what `Producer.append` does."""
        begins = range(0, len(findings), _AT_A_TIME)
        await self._producer.append(
            [self._outgoing(finding) for finding in findings[begin : begin + _AT_A_TIME]] for begin in begins
        )

    def _outgoing(self, finding: SlaFinding) -> Outgoing:
        key = finding.ticket.encode()
        return Outgoing(SLA.name, key, self._codec.encode(finding), headers_of(finding))

"""Writes records: idempotent, acknowledged by all replicas, a batch per partition."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from chassis.metrics import ProducerMetrics
from chassis.records import Outgoing
from chassis.settings import KafkaSettings


class Producer:
    """An idempotent producer; an async context manager.

    Order is kept among records of one partition. Repeating a send writes again: consumers drop what they have seen.
    """

    def __init__(self, settings: KafkaSettings, client_id: str, metrics: ProducerMetrics | None = None) -> None:
        self._settings = settings
        self._client_id = client_id
        self._metrics = metrics

    async def __aenter__(self) -> Self:
        """Connect; raises StartUpError if no broker answers."""
        raise NotImplementedError

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is pending and leave."""
        raise NotImplementedError

    async def send_batch(self, records: Sequence[Outgoing]) -> None:
        """Write all and return when all replicas have them; raises RetryableError where the world may heal."""
        raise NotImplementedError(records)

    async def partition_count(self, topic: str) -> int:
        """Return how many partitions a topic has; raises RetryableError while it is not known."""
        raise NotImplementedError(topic)

"""Where a first start begins: at what arrives from now on, or at what arrived since an instant."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from aiokafka import TopicPartition as KafkaPartition


async def first_offsets(
    kafka: Any, places: Collection[KafkaPartition], since: datetime | None
) -> dict[KafkaPartition, int]:
    """Ask by a started consumer of aiokafka for the offsets to begin at; raises its KafkaError.

    `since` is real time, as record timestamps are; None begins at the present ends.
    """
    ends: dict[KafkaPartition, int] = await kafka.end_offsets(places)
    if since is None:
        return ends
    since_ms = int(since.timestamp() * 1000)
    found: dict[KafkaPartition, Any] = await kafka.offsets_for_times(dict.fromkeys(places, since_ms))
    return {place: ends[place] if found[place] is None else found[place].offset for place in places}

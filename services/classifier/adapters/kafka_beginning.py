"""Where a first start begins that was told an instant: at the first record that arrived from then on."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.errors import KafkaError

from chassis.kafka_client import connection_options, outcome_of
from chassis.records import TopicPartition
from chassis.settings import KafkaSettings


class KafkaBeginning:
    """Positions of partitions that the group has never committed; the others are left to what it committed.

    `since` is real time, as record timestamps are.
    """

    def __init__(self, settings: KafkaSettings, group: str, since: datetime) -> None:
        self._settings = settings
        self._group = group
        self._since_ms = int(since.timestamp() * 1000)

    async def load(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Return where the partitions without a committed offset begin; raises RetryableError."""
        kafka: Any = AIOKafkaConsumer(
            **connection_options(self._settings, f"{self._group}-beginning"),
            group_id=self._group,
            enable_auto_commit=False,
        )
        try:
            await kafka.start()
            places = [KafkaPartition(*partition) for partition in partitions]
            new = [place for place in places if await kafka.committed(place) is None]
            kafka.assign(new)
            return await self._positions(kafka, new) if new else {}
        except KafkaError as error:
            raise outcome_of(error, "looking for the beginning") from error
        finally:
            await kafka.stop()

    async def _positions(self, kafka: Any, places: list[KafkaPartition]) -> dict[TopicPartition, int]:
        ends: dict[KafkaPartition, int] = await kafka.end_offsets(places)
        found: dict[KafkaPartition, Any] = await kafka.offsets_for_times(dict.fromkeys(places, self._since_ms))
        return {
            TopicPartition(place.topic, place.partition): ends[place] if found[place] is None else found[place].offset
            for place in places
        }

"""Where the notifier goes on: where its ledger says; where it says nothing, from now (or an instant) on.

A ledger that is new must not write to customers about what happened long ago.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.errors import KafkaError

from chassis.first_start import first_offsets
from chassis.kafka_client import connection_options, outcome_of
from chassis.records import TopicPartition
from chassis.settings import KafkaSettings
from services.notifier.ports import Ledger, Progress


class KafkaBeginning:
    """Positions out of the ledger; a partition it does not know begins now, which is stored before anything is read.

    `since` is real time, as record timestamps are.
    """

    def __init__(self, settings: KafkaSettings, ledger: Ledger, since: datetime | None) -> None:
        self._settings = settings
        self._ledger = ledger
        self._since = since

    async def load(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Return the next position of each partition; raises RetryableError."""
        stored = await self._ledger.positions()
        new = [place for place in partitions if place.partition not in stored]
        for place, position in (await self._begin(new) if new else {}).items():
            await self._ledger.record(Progress(partition=place, position=position, next_position=position), ())
            stored[place] = position
        return {place: stored[place.partition] for place in partitions}

    async def _begin(self, new: Collection[TopicPartition]) -> dict[int, int]:
        kafka: Any = AIOKafkaConsumer(
            **connection_options(self._settings, "notifier-beginning"), enable_auto_commit=False
        )
        try:
            await kafka.start()
            offsets = await first_offsets(kafka, [KafkaPartition(*place) for place in new], self._since)
            return {place.partition: offset for place, offset in offsets.items()}
        except KafkaError as error:
            raise outcome_of(error, "looking for the beginning") from error
        finally:
            await kafka.stop()

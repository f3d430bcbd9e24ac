"""Where the notifier goes on: where its ledger says; where it says nothing, from now (or an instant) on.

A ledger that is new must not write to customers about what happened long ago.
"""

import logging
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

log = logging.getLogger(__name__)


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
            places = [KafkaPartition(*place) for place in new]
            offsets = await first_offsets(kafka, places, self._since)
            _warn_of_what_is_not_told(offsets, await kafka.beginning_offsets(places))
            return {place.partition: offset for place, offset in offsets.items()}
        except KafkaError as error:
            raise outcome_of(error, "looking for the beginning") from error
        finally:
            await kafka.stop()


def _warn_of_what_is_not_told(offsets: Mapping[KafkaPartition, int], beginnings: Mapping[KafkaPartition, int]) -> None:
    """Say what an empty ledger beside a topic in use means: a first start of all has nothing to leave out."""
    left_out = sum(max(0, offset - beginnings[place]) for place, offset in offsets.items())
    if left_out:
        log.warning(
            "the ledger is new: %d earlier events of escalations.v1 are told to nobody; was one lost, restore it "
            "or set ESCALON_SINCE to the time of the loss before the first start (docs/runbook.md)",
            left_out,
            extra={"count": left_out},
        )

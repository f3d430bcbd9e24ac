"""Where a first start begins: at what arrives from now on, or from an instant on; decided once, and kept by Kafka.

It is committed before anything is read, so a crash at once after the first start loses nothing and judges nothing old.
"""

import asyncio
import logging
from collections.abc import Collection
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.errors import CommitFailedError, IllegalGenerationError, KafkaError, UnknownMemberIdError

from chassis.backoff import backoff_seconds
from chassis.errors import StartUpError
from chassis.first_start import first_offsets
from chassis.kafka_client import connection_options
from chassis.records import TopicPartition
from chassis.settings import KafkaSettings

_TRIES = 6
_ACTIVE = (CommitFailedError, IllegalGenerationError, UnknownMemberIdError)
"""How a broker refuses a commit from outside a group that has members: those have settled it, or are about to."""

log = logging.getLogger(__name__)


class KafkaBeginning:
    """The offsets of a group on partitions before its first start. `since` is real time, as record timestamps are."""

    def __init__(self, settings: KafkaSettings, group: str, places: Collection[TopicPartition]) -> None:
        self._settings = settings
        self._group = group
        self._places = [KafkaPartition(*place) for place in places]

    async def settle(self, since: datetime | None) -> None:
        """Commit where a group begins that never committed; leave any other as it is. Raises StartUpError.

        A partition that is added to the topic later has no offset and is read from its beginning.
        """
        failure: Exception | None = None
        for attempt in range(1, _TRIES + 1):
            try:
                if await self._settled(since):
                    return
            except KafkaError as error:
                failure = error
            await asyncio.sleep(backoff_seconds(attempt))
        told = "another member of the group holds it" if failure is None else type(failure).__name__
        raise StartUpError(f"where the first start begins could not be committed: {told}")

    async def _settled(self, since: datetime | None) -> bool:
        kafka: Any = AIOKafkaConsumer(
            **connection_options(self._settings, f"{self._group}-beginning"),
            group_id=self._group,
            enable_auto_commit=False,
        )
        try:
            await kafka.start()
            kafka.assign(self._places)
            committed = [await kafka.committed(place) for place in self._places]
            if any(offset is not None for offset in committed):
                return True
            await kafka.commit(await first_offsets(kafka, self._places, since))
        except _ACTIVE:
            return False
        finally:
            await kafka.stop()
        log.info("this is the first start: tickets are judged from %s on", since or "now")
        return True

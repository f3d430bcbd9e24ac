"""Whether what a group has committed is still in the log: for clients that would else begin somewhere in silence."""

from collections.abc import Collection
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.errors import KafkaError

from chassis.errors import StartUpError
from chassis.kafka_client import connection_options, farewell, not_reached
from chassis.log_edges import LogCutError, LogEdges, check_edges
from chassis.records import TopicPartition
from chassis.settings import KafkaSettings

_FAREWELL_SECONDS = 1.5


async def check_committed(settings: KafkaSettings, group: str, places: Collection[TopicPartition]) -> None:
    """Return if a group can go on in topics that are kept for ever; partitions it never committed begin as they do.

    Raises StartUpError where records it has not read were deleted, where the log ends before what it has read, and
    where no broker answers. Joins nothing, and may be done beside a group at work.
    """
    kafka: Any = AIOKafkaConsumer(
        **connection_options(settings, f"{group}-offsets"), group_id=group, enable_auto_commit=False
    )
    try:
        await kafka.start()
        wanted = [KafkaPartition(*place) for place in places]
        kafka.assign(wanted)
        committed = {place: await kafka.committed(place) for place in wanted}
        begins: dict[KafkaPartition, int] = await kafka.beginning_offsets(wanted)
        ends: dict[KafkaPartition, int] = await kafka.end_offsets(wanted)
    except KafkaError as error:
        raise not_reached(settings, error) from error
    finally:
        await farewell(kafka, _FAREWELL_SECONDS)
    try:
        for place, position in committed.items():
            if position is not None:
                edges = LogEdges(begins[place], ends[place])
                check_edges(TopicPartition(*place), position, edges, kept_for_ever=True)
    except LogCutError as error:
        raise StartUpError(str(error)) from error

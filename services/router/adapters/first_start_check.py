"""Refuses to begin with an empty store beside a log of escalations: the store was lost, or its address is wrong."""

from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from chassis.errors import StartUpError
from chassis.kafka_client import connection_options, farewell, not_reached
from chassis.settings import KafkaSettings
from schemas.catalogue import ESCALATIONS

_FAREWELL_SECONDS = 2.0


class Store(Protocol):
    """What may be empty; `chassis.event_store.EventStore` is one."""

    async def is_empty(self) -> bool:
        """Tell whether no event and no position is stored."""
        ...


async def check_first_start(settings: KafkaSettings, store: Store) -> None:
    """Return if the store has something, or if nothing was ever published; else raise StartUpError.

    With an empty store every open escalation would be forgotten, and tickets would be opened again with versions that
    readers have seen. The log is asked first: what is published was stored before, by whichever replica.
    """
    if await _is_published(settings) and await store.is_empty():
        raise StartUpError(
            f"the store is empty, but {ESCALATIONS.name} is not: check ESCALON_ROUTER_STORE_URL, or restore the store "
            "(docs/runbook.md, 'When something stored is lost'); to begin anew beside the old log, once, set "
            "ESCALON_ROUTER_ACCEPT_EMPTY_STORE=true"
        )


async def _is_published(settings: KafkaSettings) -> bool:
    kafka: Any = AIOKafkaConsumer(
        ESCALATIONS.name,
        **connection_options(settings, "first-start"),
        group_id=None,
        enable_auto_commit=False,
    )
    try:
        await kafka.start()
        places = sorted(kafka.assignment())
        begins, ends = await kafka.beginning_offsets(places), await kafka.end_offsets(places)
    except KafkaError as error:
        raise not_reached(settings, error) from error
    finally:
        await farewell(kafka, _FAREWELL_SECONDS)
    return any(ends[place] > begins[place] for place in places)

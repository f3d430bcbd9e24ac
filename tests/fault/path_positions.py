"""How far each service is in its inputs, and whether anything is still under way: asked of Kafka and the stores."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.admin import AIOKafkaAdminClient
from sqlalchemy import select

from chassis.event_store import EventStore
from schemas.catalogue import CLASSIFICATIONS, SERVICES, TOPICS, inputs_of
from services.notifier.adapters.sql_tables import NOTICES, connect
from tests.harness.installation import Installation
from tests.harness.waiting import eventually

Places = Mapping[KafkaPartition, int]

_MOST_ROWS = 100_000
_PATH = tuple(topic.name for topic in TOPICS if topic.readers and not topic.compacted)


class PathPositions:
    """Positions of an installation whose services are named after their groups; an async context manager."""

    def __init__(self, here: Installation) -> None:
        self._here = here
        self._admin: Any = None
        self._consumer: Any = None
        self._partitions: list[KafkaPartition] = []
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        servers = self._here.settings.bootstrap_servers
        self._admin = AIOKafkaAdminClient(bootstrap_servers=servers)
        self._consumer = AIOKafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False)
        self._stack.push_async_callback(self._admin.close)
        await self._admin.start()
        self._stack.push_async_callback(self._consumer.stop)
        await self._consumer.start()
        counts = {topic["topic"]: len(topic["partitions"]) for topic in await self._admin.describe_topics(list(_PATH))}
        self._partitions = [KafkaPartition(name, number) for name, count in counts.items() for number in range(count)]
        self._store = await self._stack.enter_async_context(
            EventStore(self._here.environment["ESCALON_ROUTER_STORE_URL"])
        )
        self._ledger = connect(self._here.environment["ESCALON_NOTIFIER_LEDGER_URL"])
        self._stack.callback(self._ledger.dispose)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def waiting(self, service: str) -> int:
        """Return how many records of its inputs a service has not committed yet."""
        ends = await self._ends()
        committed = await self._committed(service)
        return sum(end - min(committed.get(place, 0), end) for place, end in ends.items() if _reads(service, place))

    async def done(self, service: str, within: float = 480.0) -> None:
        """Wait until a service has committed all its inputs that are there now."""
        ends = {place: end for place, end in (await self._ends()).items() if _reads(service, place)}

        async def reached() -> bool:
            committed = await self._committed(service)
            return all(committed.get(place, 0) >= end for place, end in ends.items())

        await eventually(reached, within, what=f"{service} has done what there is")

    async def said(self, within: float = 480.0) -> None:
        """Wait until what is stored and not said by now is said: who took partitions over has repeated what he had to.

        What comes meanwhile is not waited for: under load there may be no moment without any.
        """
        unsaid = await self._unsaid()

        async def is_said() -> bool:
            return not unsaid & await self._unsaid()

        await eventually(is_said, within, what="outbox and ledger are through with what was there")

    async def members(self, service: str) -> int:
        """Return how many replicas a service's group knows."""
        (answer,) = await self._admin.describe_consumer_groups([service])
        (group,) = answer.to_object()["groups"]
        return len(group["members"])

    async def quiet(self, within: float = 480.0) -> None:
        """Wait until all that was sent is handled with all that followed from it.

        The second look includes all that the classifier wrote before it committed the first one's tickets; how far
        it is it says for ever, so the ends of its topic are reached but never stand still.
        """
        before: Places = {}
        while True:
            ends = await self._ends()
            await eventually(partial(self._has_reached, ends), within, what=self._told)
            await eventually(self._is_stored_and_said, within, what="outbox and ledger are through")
            still = {place: end for place, end in ends.items() if place.topic != CLASSIFICATIONS.name}
            if still == before:
                return
            before = still

    async def _has_reached(self, ends: Places) -> bool:
        for service in SERVICES:
            committed = await self._committed(service)
            if any(committed.get(place, 0) < end for place, end in ends.items() if _reads(service, place)):
                return False
        return True

    def _told(self) -> str:
        return f"every service has read all; {self._here.logs()[-3000:]}"

    async def _is_stored_and_said(self) -> bool:
        return not await self._unsaid()

    async def _unsaid(self) -> set[str]:
        """Return what the router and the notifier have stored and not said, by the numbers they gave it."""
        numbers = {place.partition for place in self._partitions if place.topic == CLASSIFICATIONS.name}
        rows = await self._store.outbox(await self._store.published(numbers), _MOST_ROWS)
        pending = select(NOTICES.c.number).where(~NOTICES.c.published)
        with self._ledger.connect() as connection:
            notices = connection.execute(pending).scalars().all()
        return {f"event {row.partition}/{row.row}" for row in rows} | {f"notice {number}" for number in notices}

    async def _ends(self) -> Places:
        ends: Places = await self._consumer.end_offsets(self._partitions)
        return ends

    async def _committed(self, service: str) -> Places:
        found = await self._admin.list_consumer_group_offsets(service)
        return {place: offset.offset for place, offset in found.items()}


def _reads(service: str, place: KafkaPartition) -> bool:
    return place.topic in {topic.name for topic in inputs_of(service)}

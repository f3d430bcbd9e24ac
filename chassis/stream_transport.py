"""Faust's consumer with a short fetch wait, noting when its group last answered and where it goes on reading.

And its producer, whose flush waits for the rows.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any

import faust
from aiokafka import AIOKafkaConsumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, AppT, TransportT
from faust.types.transports import TPorTopicSet
from mode.services import WaitArgT, WaitResults

from chassis.changelog_writer import ChangelogWriter
from chassis.eager import first_step
from chassis.group_membership import GroupMembership
from chassis.settings import KafkaSettings
from chassis.stream_positions import HandledPositions
from chassis.stream_rows import RowCounts

_FETCH_WAIT_MS = 100
"""Faust's own is 1500. A broker answers one fetch of a client at a time, so what is new on one partition waits until
the fetch of those that have nothing new is over."""


class StreamApp(faust.App):
    """A Faust app that knows whether it is still in its group, and how far its sources are handled.

    All of this is set before it starts.
    """

    kafka: KafkaSettings
    row_counts: RowCounts
    changelog: ChangelogWriter
    membership: GroupMembership
    positions: HandledPositions
    before_commit: list[Callable[[], Awaitable[bool]]]
    """What waits until that which follows from handled events is durable, or returns False: nothing is committed."""

    def _new_transport(self) -> TransportT:
        return PromptTransport(self.conf.broker_consumer, self)


class PromptConsumerThread(driver.AIOKafkaConsumerThread):
    """Reads with a short wait, and notes what the group answers."""

    async def on_start(self) -> None:
        """Begin to read."""
        await super().on_start()
        coordinator: Any = self._ensure_consumer()._coordinator  # noqa: SLF001  nothing else tells of heartbeats
        _stream_app(self.app).membership.watch(coordinator)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Go back to where the group is: to the beginning where it has committed nothing yet.

        Faust throws away what it has fetched during a rebalance and goes back for it; aiokafka then stays where it is
        in a partition of which nothing is committed, and what was thrown away is never read.
        """
        committed = await super().seek_to_committed()
        own = self.app.tables.changelog_topics
        sources = {partition: offset for partition, offset in committed.items() if partition.topic not in own}
        unread = [partition for partition, offset in sources.items() if offset is None]
        begins = await self.earliest_offsets(*unread) if unread else {}
        for partition in begins:
            self.seek(partition, begins[partition])
        known = {partition: offset for partition, offset in (sources | dict(begins)).items() if offset is not None}
        _stream_app(self.app).positions.begin({TP(*partition): offset for partition, offset in known.items()})
        return committed

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = _FETCH_WAIT_MS  # noqa: SLF001  Faust has no setting for it
        return consumer


class PromptConsumer(driver.Consumer):
    """A consumer with such a thread, which commits what the app's positions say is handled."""

    async def wait_first(self, *coros: WaitArgT, **options: Any) -> WaitResults:
        """Wait as Faust does, which makes four tasks to deliver a record; none where there is room for it."""
        delivery, *others = coros
        if not inspect.iscoroutine(delivery) or self.should_stop:
            return await super().wait_first(*coros, **options)
        result, rest = first_step(delivery)
        if rest is not None:
            found = await super().wait_first(rest, *others, **options)
            return found._replace(done=[delivery if one is rest else one for one in found.done])
        for other in others:
            if inspect.iscoroutine(other):
                other.close()
        return WaitResults([delivery], [result], stopped=False)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Commit, then forget where the partitions were: whoever has them next goes on."""
        await super().on_partitions_revoked(revoked)
        _stream_app(self.app).positions.forget(revoked)

    def _filter_tps_with_pending_acks(self, topics: TPorTopicSet | None = None) -> Iterator[TP]:
        """Return what may be committed: the source partitions, of which no acknowledgements are counted."""
        own = self.app.tables.changelog_topics
        held = (partition for partition in _stream_app(self.app).positions.following if partition.topic not in own)
        return (tp for tp in held if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        return _stream_app(self.app).positions.following.get(tp)

    async def _commit_tps(self, tps: Iterable[TP], start_new_transaction: bool) -> bool:
        """Commit what has been handled when its rows and what follows from it are durable; tell whether that was done.

        Of what was handled in an assignment that is over something may have been dropped. Refusing comes before Faust's
        own part, which takes offsets for committed whatever the broker says, and then drops what is read before them.
        """
        app = _stream_app(self.app)
        handled, assignment = self._filter_committable_offsets(tps), app.consumer_generation_id
        if not handled:
            return False
        for flush in (app.changelog.flush, *app.before_commit):
            if not await flush():
                return False
        return assignment == app.consumer_generation_id and await self._commit_offsets(handled, start_new_transaction)

    def _new_consumer_thread(self) -> PromptConsumerThread:
        return PromptConsumerThread(self, loop=self.loop, beacon=self.beacon)


def _stream_app(app: AppT) -> StreamApp:
    assert isinstance(app, StreamApp)  # noqa: S101  only StreamApp makes this transport
    return app


class ThoroughProducer(driver.Producer):
    """A producer whose flush waits for all rows: offsets are committed then, and partitions given away."""

    async def on_start(self) -> None:
        """Begin to write rows."""
        await super().on_start()
        self.add_future(_stream_app(self.app).changelog.run())

    async def flush(self) -> None:
        """Wait until all that was put by now is written."""
        await super().flush()
        await _stream_app(self.app).changelog.flush()


class PromptTransport(driver.Transport):
    """A transport with such a consumer and producer."""

    Consumer = PromptConsumer
    Producer = ThoroughProducer

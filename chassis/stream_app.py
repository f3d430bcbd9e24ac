"""Builds a Faust app the way it is known to work, each choice explained; the service adds agents and tables."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from aiokafka.errors import KafkaError
from faust.auth import Credentials, SASLCredentials, SSLCredentials
from faust.types import TP

from chassis.changelog_writer import ChangelogWriter
from chassis.errors import StartUpError
from chassis.group_membership import GroupMembership
from chassis.kafka_client import connection_options
from chassis.settings import KafkaSettings
from chassis.stream_loading import LoadingTables
from chassis.stream_positions import HandledPositions
from chassis.stream_rows import RowCounts
from chassis.stream_transport import StreamApp

_STOP_SECONDS = 6.0
_LOOK_SECONDS = 0.5

log = logging.getLogger(__name__)


def build_stream_app(
    settings: KafkaSettings, name: str, storage: Path, instance_id: str | None = None, partitions: int = 8
) -> StreamApp:
    """Return an app; declare a table as VersionedTable, topics with `raw` serializers.

    An agent goes through its stream by `follow_in_order` with the app's `positions`. Before it puts a row it asks
    `membership` whether the app is still in its group, and whether the event's `generation_id` is still the app's: a
    rebalance does not wait for it. `name` is the app's group and the prefix of its changelogs, which get `partitions`
    partitions: as many as the source.
    `storage` must last over restarts, or each start reads the whole changelog.
    """
    app = StreamApp(
        name,
        **_broker(settings),
        # A static member (KIP-345) killed and started again within the session causes no rebalance.
        consumer_group_instance_id=instance_id,
        consumer_auto_offset_reset="earliest",
        key_serializer="raw",
        value_serializer="raw",
        processing_guarantee="at_least_once",  # exactly_once writes some output outside the transaction
        datadir=str(storage),
        store="rocksdb://?driver=rocksdict",  # memory:// keeps the rows of partitions that were revoked
        table_standby_replicas=0,
        topic_disable_leader=True,
        topic_partitions=partitions,
        topic_replication_factor=settings.replication_factor,
        stream_buffer_maxsize=4096,
        # An agent that waits must not keep the group waiting: what it has in hand comes again.
        stream_wait_empty=False,
        # What an agent raises ends the app with the offset uncommitted, it does not skip the event.
        agent_supervisor="mode.CrashingSupervisor",
        web_enabled=False,
        worker_redirect_stdouts=False,
        TableManager=LoadingTables,  # which reads rows back in bulk
        autodiscover=False,
    )
    app.kafka, app.row_counts, app.changelog = settings, RowCounts(), ChangelogWriter(settings)
    app.membership = GroupMembership(settings.session_timeout_ms / 1000)
    app.positions, app.before_commit = HandledPositions(), []
    return app


def rows_are_there(app: StreamApp) -> bool:
    """Tell whether the app is at work: in its group, with the rows of its partitions read back."""
    return not app.rebalancing and not app.in_recovery and bool(app.tables.actives_ready)


class _Broker(TypedDict):
    broker: list[str]
    broker_credentials: Credentials | None
    broker_session_timeout: float
    broker_rebalance_timeout: float
    broker_heartbeat_interval: float
    broker_request_timeout: float
    broker_max_poll_records: int


def _broker(settings: KafkaSettings) -> _Broker:
    session = settings.session_timeout_ms / 1000
    return _Broker(
        broker=[f"kafka://{server.strip()}" for server in settings.bootstrap_servers.split(",")],
        broker_credentials=_credentials(settings),
        broker_session_timeout=session,
        broker_rebalance_timeout=max(session, 30.0),
        broker_heartbeat_interval=min(3.0, session / 3),
        # Faust refuses one that is shorter than the session.
        broker_request_timeout=max(session + 5.0, settings.request_timeout_ms / 1000),
        broker_max_poll_records=500,
    )


class StreamAppRunner:
    """Runs a Faust app without its own worker, so that signals, logs and the loop are the Lifecycle's; a component."""

    def __init__(self, app: StreamApp) -> None:
        self._app = app
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Run until stopped; raises what the app crashed of."""
        self._app.finalize()
        asked = asyncio.create_task(self._stopping.wait())
        work = asyncio.create_task(self._work())
        rereading = asyncio.create_task(self._read_again_what_was_lost())
        try:
            await asyncio.wait({asked, work, rereading}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            asked.cancel()
            rereading.cancel()
            await self._end(work)
        if self._app.crash_reason is not None:
            raise self._app.crash_reason
        for task in (work, rereading):
            if task.done() and not task.cancelled():
                task.result()

    def stop(self) -> None:
        """Ask it to end; safe to repeat."""
        self._stopping.set()

    async def _work(self) -> None:
        await self._app.start()
        await self._app.wait_until_stopped()

    async def _read_again_what_was_lost(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                if rows_are_there(self._app):
                    await self._go_back(self._app.positions.lost(await self._read()))
            except KafkaError as error:
                # The partitions are being given away: reading begins anew anyway.
                log.info("not looked for what was lost: %s", type(error).__name__)

    async def _read(self) -> dict[TP, int]:
        """Return the next offset to be read of every partition held."""
        consumer = self._app.consumer
        read = {partition: await consumer.position(partition) for partition in consumer.assignment()}
        return {partition: offset for partition, offset in read.items() if offset is not None}

    async def _go_back(self, lost: Mapping[TP, int]) -> None:
        for partition, offset in lost.items():
            place = {"topic": partition.topic, "partition": partition.partition, "offset": offset}
            log.warning("records were read and not handled: reading them again", extra=place)
            await self._app.consumer.seek(partition, offset)

    async def _end(self, work: "asyncio.Task[None]") -> None:
        # A task of its own, so that what Faust raises or cancels when it stops after a crash does not hide the crash.
        # Without a broker it takes up to a minute to stop, and could not commit anyway: it is left behind.
        stop = asyncio.create_task(self._app.stop())
        await asyncio.wait({stop}, timeout=_STOP_SECONDS)
        for task in (stop, work):
            task.cancel()
        await asyncio.wait({stop, work}, timeout=1.0)


def _credentials(settings: KafkaSettings) -> Credentials | None:
    options = connection_options(settings, "faust")
    match settings.security_protocol:
        case "PLAINTEXT":
            return None
        case "SSL":
            return SSLCredentials(options["ssl_context"])
        case "SASL_PLAINTEXT" | "SASL_SSL":
            return SASLCredentials(
                username=options["sasl_plain_username"],
                password=options["sasl_plain_password"],
                ssl_context=options["ssl_context"],
                mechanism=options["sasl_mechanism"],
            )
    raise StartUpError(f"unknown security protocol {settings.security_protocol}")

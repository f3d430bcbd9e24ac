"""Gathers the evidence of an installation, read-only: what cannot be looked at is said, not guessed.

Order matters: causes are read before what follows from them, so that what is under way is never taken for broken.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.errors import KafkaError
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL, Engine, create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from chassis.errors import RejectedMessageError
from chassis.kafka_client import connection_options, not_reached
from chassis.records import Record
from chassis.settings import PREFIX, KafkaSettings
from chassis.startup import check_kafka
from ops.connection import CLIENT_ID, EventLog, read_topics
from ops.topics import dead_letter_topics
from ops.verify.evidence import LONG_AGO, Journaled, Piece, Planned, PutAside, ReadUpTo, Reference, Seen, Source, Stored
from schemas.catalogue import (
    CLASSIFICATIONS,
    COMMANDS,
    ESCALATIONS,
    NOTIFICATIONS,
    POLICIES,
    ROSTER,
    SERVICES,
    SLA,
    TICKETS,
    inputs_of,
)
from schemas.codec import Codec
from schemas.errors import WireError
from schemas.escalations import StreamEvent
from schemas.reference_data import PolicyPublished, RosterPublished
from wire.reference_data import PolicyRegistry, RosterRegistry

_LOG = (TICKETS, CLASSIFICATIONS, COMMANDS, ESCALATIONS, SLA, NOTIFICATIONS)
_STORED = text("SELECT originator_version, state FROM stored_events ORDER BY id")
_PLANNED = text("SELECT notice_id, ticket, outcome IS NOT NULL, published FROM notifier_notices")
_PAGE = 1000


class Addresses(BaseSettings):
    """Where the stores and journals are, by the services' own settings; what is unset is not looked at."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True)

    router_store_url: SecretStr | None = Field(None, description="Where the router stores escalations.")
    notifier_ledger_url: SecretStr | None = Field(None, description="Where the notifier remembers notices.")
    notifier_sink_file: Path | None = Field(None, description="Where the local sink keeps what it was sent.")


class _Row(msgspec.Struct, frozen=True):
    """What is looked at of a line of the sink's file."""

    key: str
    ticket: str


@dataclass(slots=True)
class Gathering:
    """One look at an installation; `missing` says after it what could not be looked at, and why."""

    log: EventLog
    settings: KafkaSettings
    addresses: Addresses
    missing: dict[Source, str] = field(default_factory=dict)

    async def reference(self) -> Reference:
        """Return the procedure and the people that are published; what a service would not take in is left out."""
        policies, rosters, roster_at = PolicyRegistry(), RosterRegistry(), LONG_AGO
        async for entry in self.log.entries(POLICIES, ROSTER):
            try:
                match entry.message:
                    case PolicyPublished() as published:
                        policies.fold(published)
                    case RosterPublished() as published:
                        rosters.fold(published)
                        roster_at = _at(entry.record)
                    case _:
                        pass
            except RejectedMessageError:
                continue
        return Reference(policies, rosters, roster_at)

    async def pieces(self) -> AsyncIterator[Piece]:
        """Yield all there is; raises StartUpError where Kafka or a topic is not there."""
        async for entry in self.log.entries(*_LOG):
            if entry.message is not None:
                record = entry.record
                yield Seen(record.topic, record.partition, record.offset, _at(record), entry.message)
        async for record in read_topics(self.settings, dead_letter_topics()):
            yield _put_aside(record)
        for service in SERVICES:
            for read in await _positions(self.settings, service):
                yield read
        for piece in self._kept():
            yield piece

    def _kept(self) -> Iterator[Piece]:
        yield from self._rows(Source.STORE, self.addresses.router_store_url)
        yield from self._rows(Source.LEDGER, self.addresses.notifier_ledger_url)
        yield from self._journal(self.addresses.notifier_sink_file)

    def _rows(self, source: Source, address: SecretStr | None) -> Iterator[Piece]:
        """Yield the rows of a database page by page, in a transaction that cannot write."""
        if address is None:
            self.missing[source] = f"{source.value} is not set"
            return
        try:
            engine = _read_only(make_url(address.get_secret_value()))
            with engine.connect() as connection:
                query = _STORED if source is Source.STORE else _PLANNED
                rows = connection.execution_options(yield_per=_PAGE).execute(query)
                for row in rows:
                    piece = _stored(row, self.log.codec) if source is Source.STORE else _planned(row)
                    if piece is not None:
                        yield piece
            engine.dispose()
        except SQLAlchemyError as error:
            # Only the class: the driver's text can quote a row, and the address has a password.
            self.missing[source] = f"what {source.value} names cannot be read ({type(error).__name__})"

    def _journal(self, path: Path | None) -> Iterator[Piece]:
        if path is None or not path.is_file():
            self.missing[Source.JOURNAL] = f"{Source.JOURNAL.value} names no file that is here"
            return
        with path.open("rb") as lines:
            for line in lines:
                # A line that is being written has no end yet.
                if line.endswith(b"\n"):
                    row = msgspec.json.decode(line, type=_Row)
                    yield Journaled(row.key, row.ticket)


async def _positions(settings: KafkaSettings, service: str) -> list[ReadUpTo]:
    """Return what the service's group has committed; joins nothing."""
    counts = await check_kafka(settings, tuple(topic.name for topic in inputs_of(service)))
    kafka: Any = AIOKafkaConsumer(**connection_options(settings, CLIENT_ID), group_id=service, enable_auto_commit=False)
    try:
        await kafka.start()
        places = [KafkaPartition(topic, number) for topic, count in counts.items() for number in range(count)]
        kafka.assign(places)
        found = [(place, await kafka.committed(place)) for place in places]
    except KafkaError as error:
        raise not_reached(settings, error) from error
    finally:
        await kafka.stop()
    return [ReadUpTo(service, place.topic, place.partition, at) for place, at in found if at is not None]


def _read_only(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        return create_engine(f"sqlite:///file:{url.database}?mode=ro&uri=true")
    return create_engine(
        url.set(drivername="postgresql+psycopg"), connect_args={"options": "-c default_transaction_read_only=on"}
    )


def _stored(row: Any, codec: Codec) -> Stored | None:
    try:
        event = codec.decode(bytes(row[1]))
    except WireError:
        return None
    return Stored(row[0], event) if isinstance(event, StreamEvent) else None


def _planned(row: Any) -> Planned:
    return Planned(row[0], row[1], ended=bool(row[2]), published=bool(row[3]))


def _put_aside(record: Record) -> PutAside:
    headers = {name: value.decode("utf-8", "replace") for name, value in record.headers}
    where = (headers.get(f"__connect.errors.{word}", "?") for word in ("topic", "partition", "offset"))
    return PutAside(":".join(where))


def _at(record: Record) -> datetime:
    return datetime.fromtimestamp(record.timestamp_ms / 1000, UTC)

"""Others can read our topics and write to them: Apache Avro for Python and Java, librdkafka and Java's client."""

import asyncio
import io
import json
import subprocess
from pathlib import Path
from typing import Any

import avro.io
import avro.schema
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from confluent_kafka import Producer as LibrdkafkaProducer

from chassis.producer import Producer
from chassis.records import Outgoing
from chassis.settings import KafkaSettings
from schemas.avro_schema import AVRO_FOLDER
from schemas.catalogue import EVENTS, TOPICS
from schemas.codec import Codec, SchemaBook
from schemas.envelope import headers_of
from schemas.publication import schema_records
from schemas.tickets import TicketDeleted, TicketOpened
from tests.harness.examples import example_of
from tests.harness.topics import create_topics

JAVA = Path(__file__).parent / "java"


@pytest.fixture(scope="session")
def java() -> list[str]:
    """Build the Java program once and give the command that starts it."""
    subprocess.run(["mvn", "-q", "-B", "-f", str(JAVA / "pom.xml"), "package"], check=True, timeout=300)
    return ["java", "-cp", f"{JAVA / 'target' / 'interop-1.jar'}:{JAVA / 'target' / 'dependency'}/*", "interop.Interop"]


async def _publish_everything(bootstrap: str, schemas_topic: str, topic: str) -> set[tuple[str, str]]:
    """Put every schema on the schemas topic and one example of every event on the other."""
    codec = Codec(SchemaBook())
    examples = [example_of(event) for event in EVENTS.values()]
    async with Producer(KafkaSettings(bootstrap_servers=bootstrap), "interop") as producer:
        await producer.send_batch(
            [Outgoing(schemas_topic, key, value) for key, value in schema_records(codec.book, TOPICS)]
        )
        await producer.send_batch(
            [Outgoing(topic, b"key", codec.encode(example), headers=headers_of(example)) for example in examples]
        )
    return {(example.wire_name(), example.meta.id) for example in examples}


async def _records(bootstrap: str, topic: str) -> list[tuple[bytes, bytes, dict[str, bytes]]]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        found: list[tuple[bytes, bytes, dict[str, bytes]]] = []
        while len(found) < end:
            batch = await consumer.getmany(partition, timeout_ms=1000)
            found += [(one.key, one.value, dict(one.headers)) for one in batch.get(partition, [])]
        return found
    finally:
        await consumer.stop()


async def test_apache_avro_for_python_decodes_every_event(kafka: str, unique: str) -> None:
    schemas_topic, topic = f"{unique}.schemas", f"{unique}.events"
    await create_topics(kafka, schemas_topic, topic)
    published = await _publish_everything(kafka, schemas_topic, topic)

    schemas = {key: avro.schema.parse(value.decode()) for key, value, _ in await _records(kafka, schemas_topic)}
    decoded = set()
    for _, value, headers in await _records(kafka, topic):
        reader = avro.io.DatumReader(schemas[value[2:10]])
        event: Any = reader.read(avro.io.BinaryDecoder(io.BytesIO(value[10:])))
        assert headers["ce_id"].decode() == event["meta"]["id"]
        assert headers["content-type"] == b"application/avro"
        decoded.add((headers["ce_type"].decode(), event["meta"]["id"]))

    assert decoded == published


async def test_apache_avro_for_java_decodes_every_event(kafka: str, unique: str, java: list[str]) -> None:
    schemas_topic, topic = f"{unique}.schemas", f"{unique}.events"
    await create_topics(kafka, schemas_topic, topic)
    published = await _publish_everything(kafka, schemas_topic, topic)

    read = await asyncio.to_thread(
        subprocess.run,
        [*java, "read", kafka, schemas_topic, topic],
        check=True, capture_output=True, text=True, encoding="utf-8", timeout=90,
    )  # fmt: skip

    lines = {tuple(line.split(" ", 1)) for line in read.stdout.splitlines()}
    assert {name for name, _ in lines} == {name for name, _ in published}
    assert len(lines) == len(published)


async def test_a_ticket_published_with_javas_client_is_read(
    kafka: str, unique: str, java: list[str], tmp_path: Path
) -> None:
    schemas_topic, topic = f"{unique}.schemas", f"{unique}.events"
    await create_topics(kafka, schemas_topic, topic)
    ticket = tmp_path / "ticket.json"
    ticket.write_text(json.dumps(_as_avro_json()), encoding="utf-8")
    schema = AVRO_FOLDER / f"{TicketDeleted.wire_name()}.avsc"

    await asyncio.to_thread(
        subprocess.run,
        [*java, "publish", kafka, schemas_topic, topic, "zendesk-eu/7", str(schema), str(ticket)],
        check=True, timeout=90,
    )  # fmt: skip

    ((key, value, _),) = await _records(kafka, topic)
    event = Codec(SchemaBook()).decode(value)
    assert key == b"zendesk-eu/7"
    assert isinstance(event, TicketDeleted)
    assert event.ticket.key == "zendesk-eu/7"


async def test_a_ticket_published_with_librdkafka_is_read(kafka: str, unique: str) -> None:
    await create_topics(kafka, f"{unique}.events")
    ticket = example_of(TicketOpened)
    producer = LibrdkafkaProducer({"bootstrap.servers": kafka, "partitioner": "murmur2_random"})

    producer.produce(f"{unique}.events", key=b"zendesk-eu/7", value=Codec(SchemaBook()).encode(ticket))
    await asyncio.to_thread(producer.flush, 30)

    ((_, value, _),) = await _records(kafka, f"{unique}.events")
    assert Codec(SchemaBook()).decode(value) == ticket


def _as_avro_json() -> dict[str, object]:
    """Return a deleted ticket in Avro's JSON encoding: unions name their branch."""
    nothing = dict.fromkeys(
        (
            "service_down", "affected_users", "workaround", "data_loss", "security_incident", "refund_amount",
            "currency", "agent_refund_limit", "reopen_count", "contacts_14d", "sla_fraction_left",
            "front_line_started_at", "front_line_due_at", "agent_escalated", "account_tier", "key_account", "priority",
        )
    )  # fmt: skip
    return {
        "meta": {
            "id": "0c1c8c5e-0000-4000-8000-000000000001", "correlation_id": "zendesk-eu/7", "causation_id": None,
            "occurred_at": 1780387200000000, "recorded_at": 1780387200000000,
            "actor": {"kind": "person", "id": "front"}, "producer": "zendesk-eu", "policy_version": None,
            "traceparent": None,
        },
        "ticket": {
            "helpdesk": "zendesk-eu", "ticket_id": "7", "url": None, "subject": "Gone", "description": "",
            "comments": [], "channel": "email", "status": "closed", "tags": [], "account_id": {"string": "acme"},
            "customer": {
                "name": None, "email": None, "phone": None, "preferred_channel": None, "language": "en",
                "time_zone": None,
            },
            "fields": {**nothing, "affected_users": {"long": 3}},
        },
        "reason": None,
    }  # fmt: skip

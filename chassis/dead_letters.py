"""Puts aside what will never be right: bytes untouched, with the headers Kafka Connect and Spring write."""

import struct
from typing import Protocol

from chassis.errors import RejectedMessageError
from chassis.records import Headers, Outgoing, Record


class RecordSink(Protocol):
    """Where records can be written; chassis.producer.Producer is one."""

    async def send_batch(self, records: list[Outgoing]) -> None:
        """Write all and return when they are durable."""
        ...


def dead_letter_topic(topic: str, service: str) -> str:
    """Return where `service` puts records of `topic` that will never be right."""
    return f"{topic}.{service}.dead-letter"


def dead_letter(record: Record, service: str, stage: str, error: RejectedMessageError) -> Outgoing:
    """Return the record as it goes to the dead-letter topic; `stage` is where it failed, as Kafka Connect names them.

    Its key chooses its partition again, so that what is redriven keeps its order. Headers it came with stay in front.
    The reason is ours and quotes nothing of the message (chassis.errors).
    """
    headers = record.headers + _connect_headers(record, service, stage, error) + _spring_headers(record, error)
    return Outgoing(dead_letter_topic(record.topic, service), record.key, record.value, headers)


def _class_name(error: RejectedMessageError) -> bytes:
    return f"{type(error).__module__}.{type(error).__qualname__}".encode()


def _connect_headers(record: Record, service: str, stage: str, error: RejectedMessageError) -> Headers:
    """Return what Kafka Connect writes (KIP-298): values are strings."""
    return (
        ("__connect.errors.topic", record.topic.encode()),
        ("__connect.errors.partition", str(record.partition).encode()),
        ("__connect.errors.offset", str(record.offset).encode()),
        ("__connect.errors.connector.name", service.encode()),
        ("__connect.errors.task.id", str(record.partition).encode()),
        ("__connect.errors.stage", stage.encode()),
        ("__connect.errors.class.name", service.encode()),
        ("__connect.errors.exception.class.name", _class_name(error)),
        ("__connect.errors.exception.message", str(error).encode()),
    )


def _spring_headers(record: Record, error: RejectedMessageError) -> Headers:
    """Return what Spring's DeadLetterPublishingRecoverer writes: numbers are big-endian, as Java's ByteBuffer."""
    return (
        ("kafka_dlt-original-topic", record.topic.encode()),
        ("kafka_dlt-original-partition", struct.pack(">i", record.partition)),
        ("kafka_dlt-original-offset", struct.pack(">q", record.offset)),
        ("kafka_dlt-original-timestamp", struct.pack(">q", record.timestamp_ms)),
        ("kafka_dlt-original-timestamp-type", b"CreateTime"),
        ("kafka_dlt-exception-fqcn", _class_name(error)),
        ("kafka_dlt-exception-message", str(error).encode()),
    )

"""What a writer puts on `schemas.v1` before it writes, and the subjects of a schema registry."""

from schemas.avro_schema import schema_json
from schemas.catalogue import Topic
from schemas.codec import SchemaBook


def schema_records(book: SchemaBook, topics: tuple[Topic, ...]) -> list[tuple[bytes, bytes]]:
    """Return key (the fingerprint's eight bytes) and value (the schema's JSON) of each event's schema.

    `schemas.v1` is compacted: writing them again at every start is harmless.
    """
    return [(book.fingerprints[event], schema_json(event).encode()) for topic in topics for event in topic.events]


def subjects(topics: tuple[Topic, ...]) -> list[tuple[str, str]]:
    """Return subject (TopicRecordNameStrategy) and schema text of each event, for a schema registry."""
    return [(f"{topic.name}-{event.wire_name()}", schema_json(event)) for topic in topics for event in topic.events]

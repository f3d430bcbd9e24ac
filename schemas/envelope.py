"""Record headers: the event's `meta` repeated by the CloudEvents Kafka binding, written in this one place."""

from schemas.message import Message

CONTENT_TYPE = "application/avro"
TRACEPARENT = "traceparent"
"""W3C Trace Context; a publisher may give it as a header alone."""

Headers = tuple[tuple[str, bytes], ...]


def headers_of(message: Message) -> Headers:
    """Return the headers of the event's record (CloudEvents 1.0, Kafka protocol binding, binary mode)."""
    meta = message.meta
    headers = (
        ("ce_specversion", b"1.0"),
        ("ce_id", meta.id.encode()),
        ("ce_type", message.wire_name().encode()),
        ("ce_source", meta.producer.encode()),
        ("ce_time", meta.occurred_at.isoformat().encode()),
        ("ce_subject", meta.correlation_id.encode()),
        ("content-type", CONTENT_TYPE.encode()),
    )
    return headers if meta.traceparent is None else (*headers, (TRACEPARENT, meta.traceparent.encode()))

"""The bare aiokafka loop that the classifier is measured against: a program of its own, as small as such a loop can be.

It reads up to 500, decodes and encodes with our codec, searches four expressions, sends each, waits for the
acknowledgements, commits. No retries, no dead letters, no policy, no progress, no metrics.
"""

import asyncio
import re

import msgspec
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.catalogue import TICKETS
from schemas.classifications import Fact, Judgement, TicketClassified, TicketSummary
from schemas.codec import Codec, SchemaBook
from schemas.tickets import TicketOpened
from schemas.vocabulary import FactKind, IssueType, Reason, Severity

_BATCH = 500
RULES = {
    IssueType.BILLING: re.compile(r"\b(refund|invoice|charged twice|overcharg\w*|billing)\b", re.IGNORECASE),
    IssueType.COMPLIANCE: re.compile(r"\b(gdpr|data breach|regulator|lawyer|legal action)\b", re.IGNORECASE),
    IssueType.TECHNICAL: re.compile(r"\b(outage|(is|are) down|crash\w*|data loss|error 5\d\d)\b", re.IGNORECASE),
    IssueType.SERVICE: re.compile(
        r"\b(third time|no (reply|response)|unacceptable|manager|cancel\w*)\b", re.IGNORECASE
    ),
}


class LoopSettings(BaseSettings):
    """What the bench tells it, from BARE_LOOP_…."""

    model_config = SettingsConfigDict(env_prefix="BARE_LOOP_")

    bootstrap: str
    topic: str
    group: str
    count: int


def classified(codec: Codec, value: bytes) -> tuple[bytes, bytes]:
    """Return the key and the value that a ticket leads to."""
    event = codec.decode(value)
    assert isinstance(event, TicketOpened)
    ticket = event.ticket
    text = f"{ticket.subject}\n{ticket.description}"
    hits = [kind for kind, rule in RULES.items() if rule.search(text)]
    verdict = TicketClassified(
        meta=msgspec.structs.replace(event.meta, causation_id=event.meta.id, producer="bare"),
        ticket=TicketSummary(key=ticket.key, subject=ticket.subject, excerpt=ticket.description[:500]),
        fact=Fact(kind=FactKind.OPENED),
        judgement=Judgement(
            qualifies=bool(hits),
            reasons=(Reason.SLA_AT_RISK,) if hits else (),
            severity=Severity.P3,
            type=hits[0] if hits else IssueType.SERVICE,
        ),
    )
    return ticket.key.encode(), codec.encode(verdict)


async def loop(settings: LoopSettings) -> None:
    """Take so many tickets through, and return."""
    codec = Codec(SchemaBook())
    consumer = AIOKafkaConsumer(
        TICKETS.name,
        bootstrap_servers=settings.bootstrap,
        group_id=settings.group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap, enable_idempotence=True, acks="all", max_batch_size=256 * 1024
    )
    async with consumer, producer:
        done = 0
        while done < settings.count:
            polled = await consumer.getmany(timeout_ms=500, max_records=_BATCH)
            pending = []
            for messages in polled.values():
                for message in messages:
                    key, value = classified(codec, message.value)
                    pending.append(await producer.send(settings.topic, value, key))
            await asyncio.gather(*pending)
            if pending:
                await consumer.commit()
            done += len(pending)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(loop(LoopSettings()))

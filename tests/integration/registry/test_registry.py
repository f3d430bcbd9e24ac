"""With Confluent's schema registry: our services and a company's programs read each other; a registry may be away."""

import asyncio
import json
import re
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from chassis.schema_registry import SchemaRegistry
from ops.connection import EventLog
from ops.local.kafka import LocalKafka
from policy.routing import Routing
from schemas.catalogue import CLASSIFICATIONS, COMMANDS, ESCALATIONS, TICKETS
from schemas.escalations import StreamEvent
from schemas.ids import PersonKey
from schemas.tickets import TicketDeleted, TicketFields, TicketOpened
from tests.contract.router.streams import accept, opened
from tests.harness.desk import Desk
from tests.harness.kafka import a_local_kafka
from tests.harness.policies import default_criteria
from tests.harness.ports import free_port
from tests.harness.receivers.faults import Fault
from tests.harness.receivers.schema_registry import LocalSchemaRegistry, a_schema_registry
from tests.harness.service_process import ServiceProcess, a_service
from tests.harness.tickets import a_meta, a_ticket
from tests.harness.waiting import eventually
from tests.integration.registry.confluent import ConfluentWriter, a_confluent_reader
from tests.unit.router.telling import policy, roster

pytestmark = pytest.mark.asyncio(loop_scope="module")
SOON = timedelta(seconds=10)
VERSION = "judging-1"


@pytest.fixture(scope="module")
def broker() -> Iterator[LocalKafka]:
    with a_local_kafka() as broker:
        yield broker


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def registry() -> AsyncIterator[LocalSchemaRegistry]:
    """One registry for one broker: what is on its topics is framed with its ids."""
    async with a_schema_registry() as registry:
        yield registry


@pytest_asyncio.fixture(loop_scope="module")
async def desk(broker: LocalKafka, registry: LocalSchemaRegistry) -> AsyncIterator[Desk[StreamEvent]]:
    desk = Desk(broker.bootstrap_servers, "router", ESCALATIONS, StreamEvent)
    _teach(desk, registry)
    async with desk:
        routes = Routing(chains={}, fallback=PersonKey("ana"))
        await desk.publish_policy(msgspec.structs.replace(policy(routes), criteria=default_criteria()), VERSION)
        await desk.publish_roster(roster())
        yield desk


def _teach(desk: Desk[StreamEvent], registry: LocalSchemaRegistry) -> None:
    ours = {number for subject, found in registry.subjects.items() if "-escalon." in subject for number in found}
    for number in ours:
        desk.codec.book.learn(registry.schemas[number], number)


@contextmanager
def a_process(name: str, broker: LocalKafka, folder: Path, registry_url: str | None) -> Iterator[ServiceProcess]:
    environment = {
        "ESCALON_KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
        "ESCALON_ROUTER_STORE_URL": f"sqlite:///{folder}/router.db",
        # Each test brings a store of its own to the broker they share.
        "ESCALON_ROUTER_ACCEPT_EMPTY_STORE": "true",
        **({} if registry_url is None else {"SCHEMA_REGISTRY_URL": registry_url}),
    }
    with a_service(name, environment, folder / f"{name}.log", free_port()) as process:
        yield process


async def ready(*processes: ServiceProcess) -> None:
    for process in processes:
        await eventually(process.is_ready, 40, what=lambda: process.log)  # noqa: B023  # asked before the next


def an_outage(number: int) -> TicketOpened:
    ticket = a_ticket(number, "Everything is down, nobody can log in.", TicketFields(service_down=True))
    return TicketOpened(meta=a_meta(f"registry-{number}", ticket, at=datetime.now(UTC)), ticket=ticket)


async def test_what_confluents_serializer_writes_is_judged_and_escalated_and_its_deserializer_reads_what_we_write(
    broker: LocalKafka, registry: LocalSchemaRegistry, desk: Desk[StreamEvent], tmp_path: Path, unique: str
) -> None:
    ticket = an_outage(1)
    writer = ConfluentWriter(broker.bootstrap_servers, registry.url)
    with (
        a_process("classifier", broker, tmp_path, registry.url) as classifier,
        a_process("router", broker, tmp_path, registry.url) as router,
        a_confluent_reader(broker.bootstrap_servers, registry.url, unique, CLASSIFICATIONS, ESCALATIONS) as reader,
    ):
        await ready(classifier, router)
        _teach(desk, registry)
        await writer.tell(ticket)

        verdict = await reader.until("TicketClassified", ticket.ticket.key)
        opening = await reader.until("EscalationOpened", ticket.ticket.key)
        owner = await reader.until("OwnerAssigned", ticket.ticket.key)

        assert verdict.value["judgement"]["qualifies"] is True
        assert verdict.value["meta"]["causation_id"] == ticket.meta.id
        assert verdict.value["meta"]["occurred_at"] == ticket.meta.occurred_at
        assert opening.value["meta"]["causation_id"] == verdict.value["meta"]["id"]
        assert owner.value["owner"] == "ana"
        assert f"{ESCALATIONS.name}-escalon.escalations.OwnerAssigned" in registry.subjects
        assert f"{CLASSIFICATIONS.name}-escalon.classifications.TicketClassified" in registry.subjects
        log = EventLog(desk.settings, SchemaRegistry(registry.url))
        events = [entry.message async for entry in log.entries(ESCALATIONS)]
        assert {"EscalationOpened", "OwnerAssigned"} <= {type(event).__name__ for event in events}
        assert classifier.terminate(SOON) == 0, classifier.log
        assert router.terminate(SOON) == 0, router.log


async def test_a_routers_store_is_read_without_a_registry(
    broker: LocalKafka, registry: LocalSchemaRegistry, desk: Desk[StreamEvent], tmp_path: Path
) -> None:
    ticket = "zendesk-eu/stored"
    with a_process("router", broker, tmp_path, registry.url) as router:
        await ready(router)
        _teach(desk, registry)
        await desk.tell(opened(ticket, version=VERSION))
        await eventually(lambda: len(_names(desk, ticket)) == 2, what=lambda: router.log)
        assert router.terminate(SOON) == 0, router.log

    with a_process("router", broker, tmp_path, None) as router:
        await ready(router)
        await desk.tell(accept(ticket))
        await eventually(lambda: len(_names(desk, ticket)) == 4, what=lambda: router.log)
        assert router.terminate(SOON) == 0, router.log

    assert _names(desk, ticket) == ["EscalationOpened", "OwnerAssigned", "EscalationAccepted", "CustomerInformed"]


async def test_while_the_registry_is_away_a_ticket_waits_and_none_is_put_aside(
    broker: LocalKafka, registry: LocalSchemaRegistry, desk: Desk[StreamEvent], tmp_path: Path, unique: str
) -> None:
    ticket = an_outage(2).ticket
    deleted = TicketDeleted(meta=a_meta("registry-2", ticket, at=datetime.now(UTC)), ticket=ticket)
    letters = await _letters_of_classifier(desk)
    with (
        a_process("classifier", broker, tmp_path, registry.url) as classifier,
        a_confluent_reader(broker.bootstrap_servers, registry.url, unique, CLASSIFICATIONS) as reader,
    ):
        await ready(classifier)
        registry.faults.add("GET", Fault(500), Fault(503))
        await ConfluentWriter(broker.bootstrap_servers, registry.url).tell(deleted)
        registry.is_away = True
        await eventually(lambda: _retries(classifier) >= 3, what=lambda: classifier.log)
        assert await _letters_of_classifier(desk) == letters

        registry.is_away = False
        verdict = await reader.until("TicketClassified", ticket.key)

        assert verdict.value["fact"]["kind"] == "deleted"
        assert await _letters_of_classifier(desk) == letters
        assert classifier.terminate(SOON) == 0, classifier.log


@pytest.mark.parametrize("schema", [None, '"string"'])
async def test_an_id_that_stands_for_no_event_is_put_aside_and_the_line_goes_on(
    broker: LocalKafka,
    registry: LocalSchemaRegistry,
    desk: Desk[StreamEvent],
    tmp_path: Path,
    unique: str,
    schema: str | None,
) -> None:
    number = 1 if schema is None else registry.register(unique, schema)
    next_one = an_outage(100 + len(registry.schemas))
    letters = await _letters_of_classifier(desk)
    with (
        a_process("classifier", broker, tmp_path, registry.url) as classifier,
        a_confluent_reader(broker.bootstrap_servers, registry.url, unique, CLASSIFICATIONS) as reader,
    ):
        await ready(classifier)
        await desk.tell_bytes(TICKETS, b"\x00" + struct.pack(">I", number) + b"\x02a", next_one.ticket.key.encode())
        await ConfluentWriter(broker.bootstrap_servers, registry.url).tell(next_one)

        await reader.until("TicketClassified", next_one.ticket.key)

        assert await _letters_of_classifier(desk) == letters + 1
        assert classifier.terminate(SOON) == 0, classifier.log


async def test_a_registry_that_is_away_at_the_start_is_waited_for(
    broker: LocalKafka, registry: LocalSchemaRegistry, tmp_path: Path
) -> None:
    registry.is_away = True
    with a_process("classifier", broker, tmp_path, registry.url) as classifier:
        before = len(registry.calls)
        await eventually(lambda: len(registry.calls) >= before + 2, what=lambda: classifier.log)
        assert not classifier.is_ready()

        registry.is_away = False
        await ready(classifier)
        assert classifier.terminate(SOON) == 0, classifier.log


async def test_a_schema_that_the_registry_refuses_is_one_clear_line(broker: LocalKafka, tmp_path: Path) -> None:
    async with a_schema_registry() as strict:
        subject = f"{CLASSIFICATIONS.name}-escalon.classifications.TicketClassified"
        strict.register(subject, json.dumps({"type": "record", "name": "TicketClassified", "fields": []}))
        with a_process("classifier", broker, tmp_path, strict.url) as classifier:
            assert await asyncio.to_thread(classifier.exit_code, timedelta(seconds=30)) == 2
            lines = [line for line in classifier.log.splitlines() if not line.startswith("{")]
    assert lines == [f"classifier: the schema registry refuses {subject}: status 409"]


@pytest.mark.parametrize("name", ["classifier", "router"])
async def test_what_is_framed_for_a_registry_is_put_aside_where_there_is_none(
    broker: LocalKafka, desk: Desk[StreamEvent], tmp_path: Path, name: str
) -> None:
    topic = {"classifier": TICKETS, "router": COMMANDS}[name]
    beside = Desk(broker.bootstrap_servers, name, ESCALATIONS, StreamEvent)
    letters = await beside.dead_letters(topic)
    with a_process(name, broker, tmp_path, None) as process:
        await ready(process)
        await desk.tell_bytes(topic, b"\x00\x00\x00\x00\x07hello")

        async def put_aside() -> bool:
            return await beside.dead_letters(topic) == letters + 1

        await eventually(put_aside, what=lambda: process.log)
        assert process.terminate(SOON) == 0, process.log


def _names(desk: Desk[StreamEvent], ticket: str) -> list[str]:
    return list(
        {event.meta.id: type(event).__name__ for event in desk.heard if event.meta.correlation_id == ticket}.values()
    )


def _retries(classifier: ServiceProcess) -> float:
    found = re.findall(
        r'^escalon_consumer_retries_total\{topic="tickets.v1"\} (\S+)$', classifier.metrics(), re.MULTILINE
    )
    return sum(float(number) for number in found)


async def _letters_of_classifier(desk: Desk[StreamEvent]) -> int:
    return await Desk(desk.settings.bootstrap_servers, "classifier", ESCALATIONS, StreamEvent).dead_letters(TICKETS)

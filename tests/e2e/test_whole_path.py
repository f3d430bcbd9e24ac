"""The whole path as processes on a real Kafka, while messages repeat, services die and input is hostile."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from chassis.producer import Producer
from chassis.records import Outgoing
from ops.event_file import FileEvent
from schemas import commands
from schemas.catalogue import ESCALATIONS, NOTIFICATIONS, SERVICES, SLA, TICKETS
from schemas.codec import Codec, SchemaBook
from schemas.escalations import CommandRejected, EscalationEvent, EscalationOpened, OwnerAssigned, StreamEvent
from schemas.message import Message
from schemas.notifications import NoticeDelivered
from schemas.sla import SlaFinding
from schemas.tickets import Customer, Ticket, TicketFields, TicketOpened
from tests.harness.installation import Installation, an_installation
from tests.harness.waiting import eventually

pytestmark = [pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="module")]

SECRET = "Zaphod-Beeblebrox-4711"
"""Words of a customer that must not show in any log."""
HOSTILE = f"{SECRET} {{{{ 7 * 7 }}}} {{% for x in y %}} ${{env:HOME}} <script>alert(1)</script> *bold* <@everyone> \x00"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """One installation for the whole module; every test has tickets of its own."""
    async with an_installation(tmp_path_factory.mktemp("installation")) as installation:
        yield installation


def _outage(number: str, *, subject: str = "Everything is down", description: str = "") -> TicketOpened:
    return TicketOpened(
        ticket=Ticket(
            helpdesk="zendesk-eu",
            ticket_id=number,
            url=f"https://helpdesk.example/{number}",
            subject=subject,
            description=description or "Every page answers 503 for all our users.",
            customer=Customer(name="Carla Customer", email="carla@customer.example"),
            fields=TicketFields(service_down=True, agent_escalated=True),
        )
    )


async def _opened(here: Installation, ticket: str) -> EscalationOpened | None:
    found = [one for one in await here.log(ESCALATIONS) if isinstance(one, EscalationOpened)]
    return next((one for one in found if one.escalation.ticket == ticket), None)


async def _escalation(here: Installation, ticket: str) -> EscalationOpened:
    async def opened() -> EscalationOpened | None:
        return await _opened(here, ticket)

    found = await eventually(opened, 30, what=f"{ticket} is escalated")
    assert found is not None
    return found


async def test_a_ticket_gets_an_owner_clocks_and_messages_and_is_closed_by_its_customer(here: Installation) -> None:
    ticket = "zendesk-eu/path-1"
    await here.send(_outage("path-1"))
    owner = (await _escalation(here, ticket)).escalation.owner

    for command in (
        ["accept", ticket, "--by", owner],
        ["root-cause", ticket, "--by", owner, "--category", "defect", "--text", "a lost disk"],
        ["evidence", ticket, "--by", owner, "--link", "https://logs.example/1"],
        ["resolve", ticket, "--by", owner, "--category", "fixed", "--steps", "The disk was replaced."],
        ["confirm", ticket],
    ):
        said = await asyncio.to_thread(here.escalon, "command", *command)
        assert said.returncode == 0, said.stderr

    async def customer_knows() -> bool:
        return ("customer", "closed") in await _kinds_told(here, ticket)

    await eventually(customer_knows, 40, what="the customer is told that it is closed")
    rows = await here.lines("escalation", "list", "--all")
    assert [row["state"] for row in rows if row["ticket"] == ticket] == ["closed"]
    kinds = await _kinds_told(here, ticket)
    assert {("owner", "new_owner"), ("channel", "opened"), ("customer", "acknowledgement")} <= kinds
    assert {("customer", "confirmation_request"), ("customer", "closed"), ("ticket", "ticket_tagged")} <= kinds
    timeline = await here.lines("escalation", "show", ticket)
    assert {"escalon.escalations.SlaKept", "escalon.notifications.NoticeDelivered"} <= {
        one["event"] for one in timeline
    }
    await _explained(here, ticket, owner)


async def _explained(here: Installation, ticket: str, owner: str) -> None:
    """Check that each clock of the escalation is explained, with who stopped the one for the resolution."""
    clocks = {one["clock"]["clock"]: one for one in await here.lines("clock", "explain", ticket)}
    assert set(clocks) == {"acceptance", "first_response", "update", "resolution", "confirmation"}
    assert clocks["resolution"]["clock"]["verdict"] == "kept"
    assert "resolution kept, restored " in clocks["resolution"]["said"][-1]
    said = await asyncio.to_thread(here.escalon, "clock", "explain", ticket)
    assert f"{owner} proposed a resolution: fixed" in said.stdout, said.stdout
    unknown = await asyncio.to_thread(here.escalon, "clock", "explain", "zendesk-eu/nobody")
    assert (unknown.returncode, unknown.stderr) == (1, "escalon: there is no escalation zendesk-eu/nobody\n")


async def _kinds_told(here: Installation, ticket: str) -> set[tuple[str, str]]:
    told = [one for one in await here.log(NOTIFICATIONS) if isinstance(one, NoticeDelivered) and one.ticket == ticket]
    return {(one.audience.value, one.kind.value) for one in told}


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_killed_while_tickets_come_twice_loses_and_doubles_nothing(
    here: Installation, service: str
) -> None:
    numbers = [f"kill-{service}-{number}" for number in range(12)]
    sealed = [
        (f"zendesk-eu/{number}", message) for number, message in zip(numbers, await _sent(here, numbers), strict=True)
    ]

    await here.restart(service)
    await here.send_again(sealed)

    wanted = {key for key, _ in sealed}

    async def all_told() -> bool:
        return await _told_about_owner(here) >= wanted

    await eventually(all_told, 60, what="every owner was told")
    events = [one for one in await here.log(ESCALATIONS) if isinstance(one, EscalationEvent)]
    assert Counter(one.escalation.ticket for one in _once(events) if isinstance(one, EscalationOpened)) == Counter(
        {**dict.fromkeys(wanted, 1), **_others(events, wanted)}
    )
    owners = {
        key: {one.owner for one in events if isinstance(one, OwnerAssigned) and one.escalation.ticket == key}
        for key in wanted
    }
    assert all(len(found) == 1 for found in owners.values()), owners
    await _every_event_has_one_id(here)


async def _sent(here: Installation, numbers: list[str]) -> list[Message]:
    return await here.send(*(_outage(number) for number in numbers))


async def _told_about_owner(here: Installation) -> set[str]:
    told = [one for one in await here.log(NOTIFICATIONS) if isinstance(one, NoticeDelivered)]
    return {one.ticket for one in told if one.kind.value == "new_owner"}


def _once(events: list[EscalationEvent]) -> list[EscalationEvent]:
    return list({one.meta.id: one for one in events}.values())


def _others(events: list[EscalationEvent], wanted: set[str]) -> Counter[str]:
    opened = (one for one in _once(events) if isinstance(one, EscalationOpened))
    return Counter(one.escalation.ticket for one in opened if one.escalation.ticket not in wanted)


async def _every_event_has_one_id(here: Installation) -> None:
    """A version of a stream has one id, and an id one version, however often it was published."""
    log = await here.log(ESCALATIONS)
    versions: dict[tuple[str, int], set[str]] = {}
    for event in log:
        if isinstance(event, EscalationEvent):
            versions.setdefault((event.escalation.ticket, event.escalation.version), set()).add(event.meta.id)
    assert all(len(ids) == 1 for ids in versions.values())
    refused = [one.watch for one in log if isinstance(one, CommandRejected)]
    for ticket in {ticket for ticket, _ in versions}:
        numbers = sorted(number for key, number in versions if key == ticket)
        refused_there = {watch.version for watch in refused if watch.ticket == ticket}
        assert sorted({*numbers, *refused_there}) == list(range(1, max(numbers) + 1)), ticket


async def test_hostile_input_is_dead_lettered_or_inert_and_never_in_a_log(here: Installation) -> None:
    codec = Codec(SchemaBook())
    log_lines = "\n".join(f"2026-06-02 ERROR {SECRET} line {number}" for number in range(10_000))
    (hostile,) = await here.send(_outage("hostile-1", subject=HOSTILE, description=f"{HOSTILE}\n{log_lines}"))
    value = codec.encode(hostile)
    bad = {
        b"garbage": f"{SECRET} garbage".encode(),
        b"unknown-schema": b"\xc3\x01" + b"\x01" * 8 + SECRET.encode(),
        b"null": None,
        b"two-megabytes": value + b"x" * 2 * 1024 * 1024,
        b"truncated": value[: len(value) // 2],
    }
    async with Producer(here.settings, "hostile") as producer:
        await producer.send_batch([Outgoing(TICKETS.name, key, one) for key, one in bad.items()])
    await here.send(_outage("hostile-2"))

    await _escalation(here, "zendesk-eu/hostile-1")
    await _escalation(here, "zendesk-eu/hostile-2")

    async def all_put_aside() -> bool:
        letters = await here.lines("dead-letters", "list")
        return {one["key"] for one in letters} >= {key.decode() for key in bad}

    await eventually(all_put_aside, 60, what="everything bad is a dead letter")
    await _told(here, "zendesk-eu/hostile-1")
    assert all(service.is_ready() for service in here.services.values())
    assert SECRET not in here.logs()
    sink = (here.folder / "sink.jsonl").read_text(encoding="utf-8")
    assert "{{ 7 * 7 }}" in sink
    assert "carla" not in here.logs().lower()


async def _told(here: Installation, ticket: str) -> None:
    async def owner_told() -> bool:
        return ticket in await _told_about_owner(here)

    await eventually(owner_told, 30, what=f"the owner of {ticket} was told")


async def test_a_repaired_dead_letter_comes_through_when_redriven(here: Installation, tmp_path: Path) -> None:
    (message,) = await here.send(_outage("repaired-0"))
    codec = Codec(SchemaBook())
    value = codec.encode(message)
    async with Producer(here.settings, "broken") as producer:
        await producer.send_batch([Outgoing(TICKETS.name, b"zendesk-eu/repaired", value[:-1])])

    async def letter() -> str | None:
        letters = await here.lines("dead-letters", "list")
        return next((str(one["place"]) for one in letters if one["key"] == "zendesk-eu/repaired"), None)

    place = await eventually(letter, 40, what="the broken ticket is a dead letter")
    repaired = tmp_path / "repaired.bin"
    draft = _outage("repaired")
    sealed = FileEvent(line=0, at=None, arrives=None, by=None, id=None, draft=draft).sealed(message.meta.recorded_at)
    repaired.write_bytes(codec.encode(sealed))

    said = await asyncio.to_thread(here.escalon, "dead-letters", "redrive", str(place), "--value", str(repaired))

    assert said.returncode == 0, said.stderr
    await _escalation(here, "zendesk-eu/repaired")


async def test_a_refused_command_is_answered_with_a_reason(here: Installation) -> None:
    await here.send(_outage("refused-1"))
    await _escalation(here, "zendesk-eu/refused-1")
    await here.send(commands.AcceptEscalation(ticket="zendesk-eu/refused-1"), by="somebody.else")

    async def refusal() -> CommandRejected | None:
        events = [one for one in await here.log(ESCALATIONS) if isinstance(one, CommandRejected)]
        return next((one for one in events if one.watch.ticket == "zendesk-eu/refused-1"), None)

    refused = await eventually(refusal, 20, what="the command is refused")
    assert refused is not None
    assert refused.sender.id == "somebody.else"


async def test_findings_have_one_id_each_and_are_recorded_once(here: Installation) -> None:
    findings = [one for one in await here.log(SLA) if isinstance(one, SlaFinding)]
    recorded = [one for one in await here.log(ESCALATIONS) if isinstance(one, StreamEvent)]

    by_id = Counter((one.meta.id, one.wire_name()) for one in findings)
    assert by_id
    assert len({one.meta.id for one in recorded}) == len({(one.meta.id, one.wire_name()) for one in recorded})


async def test_every_service_is_out_within_ten_seconds_of_a_signal(here: Installation) -> None:
    signals = (signal.SIGTERM, signal.SIGINT, signal.SIGTERM, signal.SIGINT)
    codes = await asyncio.gather(
        *(
            asyncio.to_thread(service.end_by, by, timedelta(seconds=10))
            for service, by in zip(here.services.values(), signals, strict=True)
        )
    )
    assert codes == [0, 0, 0, 0], here.logs()

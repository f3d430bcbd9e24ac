"""Kafka killed and restarted, PostgreSQL restarted at once, under load: all services go on by themselves.

A service that ends itself would have to be started again by its supervisor; here none may, nobody starts it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

import pytest
import pytest_asyncio

from schemas.message import Message
from tests.fault.path_log import Sent, check_streams, told_tickets, wait_until_done
from tests.harness.installation import Installation, an_installation
from tests.harness.load import steady_load
from tests.harness.policies import a_patient_policy
from tests.harness.postgres import RestartablePostgres, a_database, a_restartable_postgres
from tests.harness.settings import HarnessSettings
from tests.harness.verification import verified
from tests.harness.waiting import eventually, hold

pytestmark = [pytest.mark.timeout(1800), pytest.mark.expects_errors, pytest.mark.asyncio(loop_scope="module")]

_TICKETS_A_SECOND = 10 if HarnessSettings().rounds == 1 else 20
_AROUND_SECONDS = 3.0
"""How long tickets come before and after the fault."""


@dataclass(slots=True)
class Fire:
    """The installation, its database, and what was sent so far."""

    here: Installation
    postgres: RestartablePostgres
    sent: Sent = field(default_factory=Sent)
    names: "count[int]" = field(default_factory=count)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fire(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fire]:
    """One installation on PostgreSQL for the module."""
    with (
        a_restartable_postgres() as postgres,
        a_database(postgres.address) as store,
        a_database(postgres.address) as ledger,
    ):
        environment = {"ESCALON_ROUTER_STORE_URL": store, "ESCALON_NOTIFIER_LEDGER_URL": ledger}
        folder = tmp_path_factory.mktemp("installation")
        async with an_installation(folder, environment, a_patient_policy(folder)) as here:
            yield Fire(here, postgres)


async def test_all_services_outlive_a_kafka_that_is_killed(fire: Fire) -> None:
    async def fault() -> None:
        await asyncio.to_thread(fire.here.broker.kill)
        await asyncio.to_thread(fire.here.broker.start)

    await _outlived(fire, fault)


async def test_all_services_outlive_a_kafka_that_is_restarted(fire: Fire) -> None:
    async def fault() -> None:
        await asyncio.to_thread(fire.here.broker.stop)
        await asyncio.to_thread(fire.here.broker.start)

    await _outlived(fire, fault)


async def test_all_services_outlive_a_postgresql_that_is_restarted_at_once(fire: Fire) -> None:
    await _outlived(fire, fire.postgres.restart_at_once)


async def _outlived(fire: Fire, fault: Callable[[], Awaitable[None]]) -> None:
    here = fire.here
    await here.revive()
    processes = {name: service.pid for name, service in here.services.items()}
    bites = []
    async with steady_load(here, _TICKETS_A_SECOND, f"outage-{next(fire.names)}") as tickets:
        for _ in range(HarnessSettings().rounds):
            await hold(_AROUND_SECONDS)
            bites.append(await eventually(lambda: _in_flight(here, tickets), what="tickets are on their way"))
            await fault()
            await hold(_AROUND_SECONDS)
            await here.ready()
    fire.sent.opened(message.meta.correlation_id for message in tickets)
    await wait_until_done(here, fire.sent, within=240)
    print(f"{len(tickets)} tickets, on their way when it happened: {bites}")
    assert {name: service.pid for name, service in here.services.items() if service.is_alive()} == processes
    await check_streams(here, fire.sent.tickets)
    await verified(here, within=400)


async def _in_flight(here: Installation, tickets: Sequence[Message]) -> int:
    sent = {message.meta.correlation_id for message in tickets}
    return len(sent - await told_tickets(here))

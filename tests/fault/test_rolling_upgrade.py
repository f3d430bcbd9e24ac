"""The version that landed before and this one, side by side on the same topics and stores, up and down again."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import URL

from schemas.catalogue import ESCALATIONS, NOTIFICATIONS
from schemas.escalations import EscalationAccepted, EscalationEvent, EscalationOpened, OwnerAssigned
from schemas.message import Message
from schemas.notifications import NoticeDelivered
from tests.harness.installation import Installation, a_prepared_installation
from tests.harness.load import an_outage, steady_load
from tests.harness.postgres import a_database
from tests.harness.released import PreviousVersion
from tests.harness.service_process import ServiceProcess
from tests.harness.waiting import eventually

pytestmark = [pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="module")]

READERS_FIRST = ("sla_monitor", "notifier", "router", "classifier")
"""The order of an upgrade: who reads a topic before who writes it (docs/runbook.md)."""
A_SECOND = 5
SIDE_BY_SIDE = 10
"""Tickets that come while replicas of both versions hold partitions of a service."""
_WORK = ("escalon_consumer_records_total", "escalon_sla_monitor_events_total")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory, postgres_server: URL) -> AsyncIterator[Installation]:
    """An installation on PostgreSQL with no service started."""
    with a_database(postgres_server) as store, a_database(postgres_server) as ledger:
        urls = {"ESCALON_ROUTER_STORE_URL": store, "ESCALON_NOTIFIER_LEDGER_URL": ledger}
        async with a_prepared_installation(tmp_path_factory.mktemp("rolling"), urls) as installation:
            yield installation


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> PreviousVersion:
    return PreviousVersion(tmp_path_factory.mktemp("previous"))


async def test_what_is_called_the_previous_version_is_its_own_code(previous: PreviousVersion) -> None:
    asked = [sys.executable, "-P", "-c", "import services.router; print(services.router.__file__)"]
    said = await asyncio.to_thread(subprocess.check_output, asked, env=dict(previous.environment), text=True)
    assert Path(said.strip()).is_relative_to(previous.folder)


async def test_an_upgrade_and_the_way_back_lose_and_double_nothing(
    here: Installation, previous: PreviousVersion
) -> None:
    """Each service is replaced while tickets come: the new replica joins, both work, the old one leaves."""
    for service in READERS_FIRST:
        previous.start(here, service, "0")
    await here.ready()
    worked: dict[str, float] = {}
    async with steady_load(here, A_SECOND, "rolling") as sent:
        for service in READERS_FIRST:
            here.start(service, "1")
            worked |= await _replaced(here, sent, service, leaves=service, joins=f"{service}-1")
        for service in reversed(READERS_FIRST):
            previous.start(here, service, "2")
            worked |= await _replaced(here, sent, service, leaves=f"{service}-1", joins=f"{service}-2")
    print(f"{len(sent)} tickets; records handled by each replica before it left: {worked}")
    assert all(worked.values()), worked

    wanted = {message.meta.correlation_id for message in sent}
    await eventually(lambda: _all_told(here, wanted), 120, what="every owner is told")
    await _each_has_one_opening_and_one_owner(here, wanted)


async def test_what_one_version_opened_the_other_carries_on(here: Installation, previous: PreviousVersion) -> None:
    """The previous version runs now. What it opens is accepted by this one, and the other way round."""
    await here.send(an_outage("carried-0"))
    await eventually(lambda: _all_told(here, {"zendesk-eu/carried-0"}), 60, what="the owner is told")
    await _exchanged(here, "router-2", lambda: here.start("router", "3"))
    await _accepted(here, "zendesk-eu/carried-0")
    await here.send(an_outage("carried-1"))
    await eventually(lambda: _all_told(here, {"zendesk-eu/carried-1"}), 60, what="the owner is told")
    await _exchanged(here, "router-3", lambda: previous.start(here, "router", "4"))
    await _accepted(here, "zendesk-eu/carried-1")


async def _replaced(here: Installation, sent: list[Message], service: str, leaves: str, joins: str) -> dict[str, float]:
    """Wait until both replicas have handled something side by side, end one; return what each had handled."""
    await here.ready()
    before = {name: _handled(here.services[name]) for name in (leaves, joins)}
    enough = len(sent) + SIDE_BY_SIDE

    def both_worked() -> bool:
        return len(sent) >= enough and all(_handled(here.services[name]) > before[name] for name in before)

    await eventually(both_worked, 60, what=f"both versions of {service} work")
    told = {name: _handled(here.services[name]) for name in (leaves, joins)}
    _ended(here, leaves)
    return told


async def _exchanged(here: Installation, leaves: str, start: Callable[[], ServiceProcess]) -> None:
    _ended(here, leaves)
    joining = start()
    # The others stay as they are: the previous version's sla_monitor may wait for ever after rebalances in a row.
    await eventually(joining.is_ready, 180, what=lambda: joining.log[-3000:])


def _ended(here: Installation, name: str) -> None:
    leaving = here.services.pop(name)
    assert leaving.terminate(timedelta(seconds=30)) == 0, leaving.log


def _handled(service: ServiceProcess) -> float:
    lines = [line for line in service.metrics().splitlines() if line.startswith(_WORK)]
    return sum(float(line.split()[-1]) for line in lines)


async def _all_told(here: Installation, wanted: set[str]) -> bool:
    told = [one for one in await here.log(NOTIFICATIONS) if isinstance(one, NoticeDelivered)]
    return {one.ticket for one in told if one.kind.value == "new_owner"} >= wanted


async def _accepted(here: Installation, ticket: str) -> None:
    opened = [one for one in await here.log(ESCALATIONS) if isinstance(one, EscalationOpened)]
    owner = next(one.escalation.owner for one in opened if one.escalation.ticket == ticket)
    said = await asyncio.to_thread(here.escalon, "command", "accept", ticket, "--by", owner)
    assert said.returncode == 0, said.stderr

    async def is_accepted() -> bool:
        accepted = [one for one in await here.log(ESCALATIONS) if isinstance(one, EscalationAccepted)]
        return ticket in {one.escalation.ticket for one in accepted}

    await eventually(is_accepted, 60, what=f"{ticket} is accepted")


async def _each_has_one_opening_and_one_owner(here: Installation, wanted: set[str]) -> None:
    events = {one.meta.id: one for one in await here.log(ESCALATIONS) if isinstance(one, EscalationEvent)}
    opened = [one.escalation.ticket for one in events.values() if isinstance(one, EscalationOpened)]
    owned = [one.escalation.ticket for one in events.values() if isinstance(one, OwnerAssigned)]
    assert sorted(opened) == sorted(wanted)
    assert sorted(owned) == sorted(wanted)

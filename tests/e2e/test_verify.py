"""`escalon verify` on a live installation: all is well where all is well, and a loss is named."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from schemas.catalogue import ESCALATIONS
from schemas.escalations import EscalationOpened
from tests.harness.installation import Installation, an_installation
from tests.harness.load import an_outage
from tests.harness.verification import stopped_cleanly, verified
from tests.harness.waiting import eventually

pytestmark = [pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """An installation with some escalations, one of them accepted."""
    async with an_installation(tmp_path_factory.mktemp("verified")) as installation:
        await installation.send(*(an_outage(f"verified-{number}") for number in range(10)))
        owner = await _owner(installation, "zendesk-eu/verified-0")
        said = await asyncio.to_thread(
            installation.escalon, "command", "accept", "zendesk-eu/verified-0", "--by", owner
        )
        assert said.returncode == 0, said.stderr
        yield installation


async def _owner(here: Installation, ticket: str) -> str:
    async def owner() -> str | None:
        opened = [one.escalation for one in await here.log(ESCALATIONS) if isinstance(one, EscalationOpened)]
        return next((one.owner for one in opened if one.ticket == ticket), None)

    return str(await eventually(owner, 60, what=f"{ticket} is escalated"))


def _database(here: Installation, name: str) -> Path:
    return here.folder / name


async def test_an_installation_at_rest_keeps_every_promise_and_every_check_had_something_to_look_at(
    here: Installation,
) -> None:
    found = await verified(here)
    said = await asyncio.to_thread(here.escalon, "verify")

    assert said.returncode == 0, said.stdout
    print(said.stdout)
    idle = {check for check, count in found.looked_at.items() if not count}
    assert idle <= {"merges told"}
    assert max(len(line) for line in said.stdout.splitlines()) <= 80


async def test_what_has_no_address_is_said_not_to_be_looked_at(here: Installation) -> None:
    kept = dict(here.environment)
    here.environment["ESCALON_ROUTER_STORE_URL"] = f"sqlite:///{here.folder / 'elsewhere.db'}"
    try:
        lines: list[Any] = await here.lines("verify")
    finally:
        here.environment = kept

    (stored,) = [one for one in lines if one["check"] == "published = stored"]
    assert stored["looked_at"] is None
    assert "ESCALON_ROUTER_STORE_URL" in stored["reason"]
    assert not (here.folder / "elsewhere.db").exists()


async def test_a_clean_stop_leaves_nothing_unread_and_a_deleted_row_is_named(here: Installation) -> None:
    await stopped_cleanly(here)
    with sqlite3.connect(_database(here, "router.db")) as store:
        store.execute("DELETE FROM stored_events WHERE id = (SELECT max(id) FROM stored_events)")
    store.close()
    said = await asyncio.to_thread(here.escalon, "verify", "--settled")

    assert said.returncode == 1
    assert "is published and not stored" in said.stdout
    assert "1 violation" in said.stdout

"""`escalon policy publish --running` on a live installation: what it shows first is what then happens, once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
import pytest_asyncio
from msgspec.structs import replace

from schemas.catalogue import COMMANDS, ESCALATIONS, NOTIFICATIONS, POLICIES
from schemas.commands import AcceptEscalation, AdoptPolicy
from schemas.escalations import EscalationAccepted, EscalationOpened, PolicyAdopted, SlaBreached
from schemas.message import Message
from schemas.notifications import NoticeDelivered
from schemas.reference_data import PolicyPublished
from schemas.vocabulary import ClockName
from tests.harness.installation import Installation, an_installation, sealed
from tests.harness.load import an_outage
from tests.harness.policies import a_patient_policy
from tests.harness.waiting import eventually

pytestmark = [pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]
M = TypeVar("M", bound=Message)
TICKET = "zendesk-eu/adopted"
SINCE = timedelta(minutes=20)
STRICTER = {
    "update: {measure: elapsed, amount: 1800}": "update: {measure: elapsed, amount: 600}",
    "resolution: {measure: elapsed, amount: 14400}": "resolution: {measure: elapsed, amount: 900}",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """An installation with an outage that has been open for twenty minutes and is accepted."""
    folder = tmp_path_factory.mktemp("adopting")
    async with an_installation(folder, policy=a_patient_policy(folder)) as installation:
        began = datetime.now(UTC) - SINCE
        ((key, event),) = sealed([an_outage("adopted")])
        await installation.send_again([(key, replace(event, meta=replace(event.meta, occurred_at=began)))])
        opened = await eventually(lambda: _found(installation, EscalationOpened), 60, what="it is escalated")
        assert opened is not None
        await installation.send(AcceptEscalation(ticket=TICKET), by=opened.escalation.owner)
        await eventually(lambda: _found(installation, EscalationAccepted), 60, what="it is accepted")
        yield installation


async def _found(here: Installation, kind: type[M]) -> M | None:
    topics = (ESCALATIONS, COMMANDS, NOTIFICATIONS, POLICIES)
    return next((one for one in await here.log(*topics) if isinstance(one, kind)), None)


def _stricter(folder: Path) -> Path:
    """Write the policy that is in force with an update to a P1 every ten minutes, and a quarter of an hour for all."""
    policy = a_patient_policy(folder)
    severities = policy / "severities.yaml"
    text = severities.read_text(encoding="utf-8")
    for before, after in STRICTER.items():
        assert text.count(before) == 1
        text = text.replace(before, after)
    severities.write_text(text, encoding="utf-8")
    return policy


async def test_what_is_shown_first_happens_then_and_asking_again_changes_nothing(
    here: Installation, tmp_path: Path
) -> None:
    policy = str(_stricter(tmp_path))

    shown = await here.lines("policy", "publish", policy, "--running", "--dry-run")
    assert await _found(here, AdoptPolicy) is None
    assert len([one for one in await here.log(POLICIES) if isinstance(one, PolicyPublished)]) == 1

    moved = {one["clock"]: one for one in shown if one["what"] == "deadline"}
    notices = {(one["kind"], one["recipient"]) for one in shown if one["what"] == "notice"}
    assert set(moved) == {"update", "resolution"}
    assert {kind for kind, _ in notices} == {"breach"}

    said = await asyncio.to_thread(here.escalon, "policy", "publish", policy, "--running")
    assert said.stdout.strip().endswith("1 open escalations are asked to adopt it"), said.stderr
    breach = await eventually(lambda: _found(here, SlaBreached), 60, what="what is past is broken")
    adopted = await _found(here, PolicyAdopted)
    assert breach is not None
    assert adopted is not None
    assert (breach.clock, breach.due_at.isoformat()) == (ClockName.RESOLUTION, _instant(moved["resolution"]["due_at"]))
    assert breach.meta.policy_version == adopted.version != adopted.previous

    await eventually(lambda: _all_told(here, notices), 60, what="all that was shown is told")
    again = await asyncio.to_thread(here.escalon, "policy", "publish", policy, "--running")
    assert again.stdout.strip().endswith("0 open escalations are asked to adopt it"), again.stderr


def _instant(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).isoformat()


async def _all_told(here: Installation, notices: set[tuple[str, str]]) -> bool:
    told = {
        (one.kind.value, one.recipient) for one in await here.log(NOTIFICATIONS) if isinstance(one, NoticeDelivered)
    }
    return notices <= told

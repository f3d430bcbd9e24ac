"""The notifier killed with notices in flight, before and after each step between planning and saying that it is done.

Promised: nothing is lost. Where the receiver can be asked (Slack, Zendesk) it gets a notice once; where it cannot
(SMTP) at most twice, under the same Message-ID, and the outcome says that it may be a repeat.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from ops.local.kafka import LocalKafka
from schemas import escalations as events
from schemas.escalations import EscalationEvent
from schemas.notifications import NoticeDelivered
from schemas.vocabulary import AssignmentCause, Channel, ContactKind
from tests.fault.notifier_wiring import OF_EACH, POINTS
from tests.harness import ports
from tests.harness.kafka import a_local_kafka
from tests.harness.notices import a_context, a_customer, sealed
from tests.harness.receivers.process import Receivers, three_receivers
from tests.harness.service_process import ServiceProcess
from tests.harness.settings import HarnessSettings
from tests.harness.waiting import eventually
from tests.integration.notifier.running import NotifierDesk, a_notifier_running

pytestmark = [pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="module")]

_PATIENCE = timedelta(seconds=120)
_TICKETS = OF_EACH + 2


@dataclass(slots=True)
class Scene:
    """A broker, three receivers and a place for the notifier; `bites` is what each end hit."""

    desk: NotifierDesk
    receivers: Receivers
    home: Path
    bootstrap: str
    bites: dict[str, Counter[str]] = field(default_factory=dict)

    def start(self, *program: str) -> ServiceProcess:
        """Start the notifier, or the program that stands for it."""
        return a_notifier_running(self.bootstrap, self.home, ports.free_port(), self.receivers.environment(10), program)


@pytest.fixture(scope="module")
def broker() -> Iterator[LocalKafka]:
    with a_local_kafka() as broker:
        yield broker


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(broker: LocalKafka, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """The notifier has been killed at each point, one after the other, and has come back and is done."""
    home = tmp_path_factory.mktemp("notifier")
    async with (
        NotifierDesk(broker.bootstrap_servers) as desk,
        three_receivers(tmp_path_factory.mktemp("receivers")) as receivers,
    ):
        scene = Scene(desk, receivers, home, broker.bootstrap_servers)
        for number in range(HarnessSettings().rounds):
            for point in POINTS:
                await _killed_at(scene, point, number)
        last = scene.start()
        try:
            await eventually(last.is_ready, _PATIENCE.total_seconds(), what=lambda: last.log[-3000:])
            await eventually(lambda: _all_said(scene), _PATIENCE.total_seconds(), what=lambda: last.log[-3000:])
            assert last.terminate(timedelta(seconds=20)) == 0
        finally:
            last.kill()
        yield scene


async def _killed_at(scene: Scene, point: str, number: int) -> None:
    name = f"{point}-{number}"
    bites = scene.home / f"{name}.bites"
    notifier = scene.start("-m", "tests.fault.notifier_wiring", point, f"zendesk-eu/{name}", str(bites))
    try:
        # The first start of all tells only of what comes after it; a later one first ends what the last one left.
        await eventually(notifier.is_ready, _PATIENCE.total_seconds(), what=lambda: notifier.log[-3000:])
        await eventually(lambda: _all_said(scene), _PATIENCE.total_seconds(), what=lambda: notifier.log[-3000:])
        await scene.desk.tell(*_happened(name))
        code = await asyncio.to_thread(notifier.exit_code, _PATIENCE)
    finally:
        notifier.kill()
    assert code == -9, notifier.log[-3000:]
    scene.bites[name] = Counter(json.loads(bites.read_text("utf-8")))
    print(f"killed at {name} with in flight: {dict(scene.bites[name])}")


def _happened(name: str) -> Iterator[EscalationEvent]:
    """Give what the owner is told by Slack, and customers by mail or on the ticket."""
    for number in range(_TICKETS):
        assigned = events.OwnerAssigned(owner="ana", cause=AssignmentCause.OPENED, cycle=1)
        yield _about(assigned, f"zendesk-eu/{name}-s{number}", Channel.EMAIL)
        for letter, channel in (("m", Channel.EMAIL), ("z", Channel.WEB)):
            informed = events.CustomerInformed(kind=ContactKind.UPDATE, by="ana", text="It is better.")
            yield _about(informed, f"zendesk-eu/{name}-{letter}{number}", channel)


def _about(event: EscalationEvent, ticket: str, channel: Channel) -> EscalationEvent:
    context = a_context(ticket=ticket, customer=a_customer(preferred=channel))
    done = sealed(event, name=ticket, context=context)
    return msgspec.structs.replace(done, meta=msgspec.structs.replace(done.meta, correlation_id=ticket))


def _all_said(scene: Scene) -> bool:
    tickets = {outcome.ticket for outcome in scene.desk.heard}
    return len(tickets) == len(scene.bites) * _TICKETS * 3


def _delivered(scene: Scene, point: str) -> list[NoticeDelivered]:
    """Return the outcomes of one point's notices, each id once."""
    once = {
        outcome.meta.id: outcome for outcome in scene.desk.heard if outcome.ticket.startswith(f"zendesk-eu/{point}-")
    }
    assert all(isinstance(outcome, NoticeDelivered) for outcome in once.values())
    return [outcome for outcome in once.values() if isinstance(outcome, NoticeDelivered)]


@pytest.mark.parametrize("point", POINTS)
async def test_every_notice_in_flight_is_delivered_and_said_once_by_id(scene: Scene, point: str) -> None:
    rounds = HarnessSettings().rounds
    hit = [bite for name, bite in scene.bites.items() if name.startswith(f"{point}-")]
    assert len(hit) == rounds
    assert all(min(bite.values()) >= OF_EACH and len(bite) == 3 for bite in hit), hit
    told = _delivered(scene, point)
    assert Counter(outcome.via for outcome in told) == dict.fromkeys(("slack", "email", "zendesk"), rounds * _TICKETS)
    assert len({outcome.notice_id for outcome in told}) == len(told)


@pytest.mark.parametrize("point", POINTS)
async def test_a_receiver_that_can_be_asked_gets_each_notice_once(scene: Scene, point: str) -> None:
    taken = scene.receivers.slack.taken() + scene.receivers.zendesk.taken()
    keys = [f"{outcome.notice_id}:{outcome.via}" for outcome in _delivered(scene, point) if outcome.via != "email"]
    assert keys
    assert {key: taken[key] for key in keys} == dict.fromkeys(keys, 1)


@pytest.mark.parametrize("point", POINTS)
async def test_a_mail_is_repeated_at_most_once_under_its_message_id_and_said_to_be_a_repeat(
    scene: Scene, point: str
) -> None:
    taken = scene.receivers.smtp.taken()
    mails = [outcome for outcome in _delivered(scene, point) if outcome.via == "email"]
    times = {outcome.external_id: taken[str(outcome.external_id)] for outcome in mails}
    repeated = [outcome for outcome in mails if times[outcome.external_id] == 2]
    print(f"{point}: {len(repeated)} of {len(mails)} mails came twice")
    assert set(times.values()) <= {1, 2}
    assert all(outcome.possible_repeat for outcome in repeated)
    # Those over the number that was waited for may be anywhere when the end comes.
    assert len(repeated) >= OF_EACH if point == "sent" else len(repeated) <= len(mails) - OF_EACH


async def test_what_was_published_and_not_marked_comes_again_under_the_same_id(scene: Scene) -> None:
    said = Counter(outcome.meta.id for outcome in scene.desk.heard)
    again = {outcome.meta.id for outcome in _delivered(scene, "published") if said[outcome.meta.id] > 1}
    print(f"{len(again)} outcomes came again")
    assert len(again) >= OF_EACH * 3
    assert {said[event] for event in again} == {2}
    assert all(count == 1 for event, count in said.items() if event not in again)

"""Many tickets wait when the services start: all are handled, in bounded memory, and readiness stays honest."""

import re
from pathlib import Path

import pytest

from ops.connection import publisher
from schemas.catalogue import CLASSIFICATIONS, ESCALATIONS, NOTIFICATIONS
from schemas.classifications import TicketClassified
from schemas.escalations import EscalationOpened
from schemas.notifications import NoticeDelivered
from schemas.tickets import Customer, Ticket, TicketFields, TicketOpened
from tests.harness.installation import Installation, a_prepared_installation, sealed
from tests.harness.load import an_outage
from tests.harness.service_process import ServiceProcess
from tests.harness.settings import HarnessSettings
from tests.harness.waiting import eventually, hold

ROUNDS = HarnessSettings().rounds
WAITING = 10_000 if ROUNDS == 1 else 200_000
EVERY_HUNDREDTH = 100
AT_ONCE = 2_000
PATIENCE_SECONDS = 300.0 if ROUNDS == 1 else 2_400.0
MOST_MEGABYTES = 400
"""Resident, of any service, however long the backlog; they start at about 100."""

pytestmark = [pytest.mark.timeout(int(3 * PATIENCE_SECONDS))]


def _question(number: str) -> TicketOpened:
    return TicketOpened(
        ticket=Ticket(
            helpdesk="zendesk-eu",
            ticket_id=number,
            url=f"https://helpdesk.example/{number}",
            subject="A question about the invoice",
            description="Could you please send me the invoice of last month again?",
            customer=Customer(name="Carla Customer", email="carla@customer.example"),
            fields=TicketFields(),
        )
    )


def _resident_megabytes(service: ServiceProcess) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{service.pid}/status").read_text())
    assert found is not None
    return int(found[1]) // 1024


def _lag(service: ServiceProcess, topic: str) -> float:
    found = re.findall(
        rf'^escalon_consumer_lag_records\{{.*topic="{re.escape(topic)}".*\}} (.*)$', service.metrics(), re.M
    )
    return sum(map(float, found))


async def _publish_backlog(here: Installation) -> set[str]:
    """Publish all that is to wait; return the keys of those that qualify."""
    qualifying: set[str] = set()
    async with publisher(here.settings) as out:
        for first in range(0, WAITING, AT_ONCE):
            numbers = range(first, first + AT_ONCE)
            drafts = [
                (an_outage if number % EVERY_HUNDREDTH == 0 else _question)(f"backlog-{number}") for number in numbers
            ]
            await out.publish(sealed(drafts))
            qualifying |= {f"zendesk-eu/backlog-{number}" for number in numbers if number % EVERY_HUNDREDTH == 0}
    return qualifying


async def test_tickets_that_wait_at_the_start_are_all_handled_in_bounded_memory(tmp_path: Path) -> None:
    async with a_prepared_installation(tmp_path, {"ESCALON_SINCE": "2020-01-01T00:00:00Z"}) as here:
        qualifying = await _publish_backlog(here)
        for name in ("classifier", "router", "sla_monitor", "notifier"):
            here.start(name)
        classifier = here.services["classifier"]
        await eventually(
            classifier.is_ready, PATIENCE_SECONDS, what="the classifier is ready, with all of it before it"
        )
        most = await _most_lag(classifier)
        assert most > 0, "the backlog was there when the services had started"

        judged = await _until_judged(here)
        assert len(judged) == WAITING
        await eventually(lambda: _told(here, qualifying), PATIENCE_SECONDS, what="every owner is told")
        opened = [one.escalation.ticket for one in await here.log(ESCALATIONS) if isinstance(one, EscalationOpened)]
        assert sorted(opened) == sorted(qualifying), "one escalation for each that qualifies, none for the others"
        await here.ready()
        assert _lag(classifier, "tickets.v1") == 0
        memory = {name: _resident_megabytes(service) for name, service in here.services.items()}
        print(f"backlog: {WAITING} tickets, {most:.0f} seen waiting, {len(qualifying)} escalated; peak MB {memory}")
        assert max(memory.values()) < MOST_MEGABYTES


async def _most_lag(classifier: ServiceProcess) -> float:
    """Return the lag that it tells while it is ready: a long backlog is work, not a fault."""
    lag = await eventually(lambda: _lag(classifier, "tickets.v1"), PATIENCE_SECONDS, what="the lag is told")
    assert classifier.is_ready()
    return lag


async def _until_judged(here: Installation) -> set[str]:
    judged: set[str] = set()

    async def all_of_them() -> bool:
        log = await here.log(CLASSIFICATIONS)
        judged.update(one.meta.correlation_id for one in log if isinstance(one, TicketClassified))
        await hold(1)
        return len(judged) >= WAITING

    await eventually(all_of_them, PATIENCE_SECONDS, what=lambda: f"all are judged, of which {len(judged)} are")
    return judged


async def _told(here: Installation, wanted: set[str]) -> bool:
    log = await here.log(NOTIFICATIONS)
    return wanted <= {one.ticket for one in log if isinstance(one, NoticeDelivered) and one.audience.value == "owner"}

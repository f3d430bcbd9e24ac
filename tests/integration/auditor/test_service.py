"""The auditor beside a whole installation: quiet while all is right, loud when the monitor stops or an entry lies."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from ops.connection import publisher
from schemas.catalogue import ESCALATIONS
from schemas.escalations import EscalationEvent, EscalationOpened, SlaBreached
from schemas.ids import derived_id
from schemas.tickets import TicketFields, TicketOpened
from schemas.vocabulary import ClockName
from tests.harness.installation import Installation, an_installation
from tests.harness.policies import a_hasty_policy
from tests.harness.tickets import a_ticket
from tests.harness.waiting import eventually

_QUICK = {"ESCALON_AUDITOR_TOLERANCE_SECONDS": "8", "ESCALON_AUDITOR_INTERVAL_SECONDS": "0.5"}


def _outage(number: int) -> TicketOpened:
    return TicketOpened(ticket=a_ticket(number, "Down", TicketFields(service_down=True, agent_escalated=True)))


def _measured(metrics: str, name: str) -> dict[str, float]:
    """Return what a metric of the auditor counts above zero, by its labels."""
    lines = re.findall(rf"^escalon_auditor_{name}(?:\{{(.*)\}})? (\S+)$", metrics, re.MULTILINE)
    return {labels: float(value) for labels, value in lines if float(value) > 0}


async def _breach_of_first_response(here: Installation, ticket: str) -> SlaBreached | None:
    found = [one for one in await here.log(ESCALATIONS) if isinstance(one, SlaBreached)]
    mine = [one for one in found if one.escalation.ticket == ticket and one.clock is ClockName.FIRST_RESPONSE]
    return mine[0] if mine else None


async def _forge(here: Installation, breach: SlaBreached) -> None:
    """Tell of an escalation that the router knows nothing of, with a breach that was due an hour later than it was."""
    told = [one for one in await here.log(ESCALATIONS) if isinstance(one, EscalationOpened)]
    opened = next(one for one in told if one.escalation.ticket == breach.escalation.ticket)
    ticket = "zendesk-eu/forged"
    late = replace(breach, due_at=breach.due_at + timedelta(hours=1))
    forged: list[EscalationEvent] = [
        replace(
            event,
            meta=replace(event.meta, id=derived_id("forged", str(number)), correlation_id=ticket),
            escalation=replace(event.escalation, ticket=ticket, version=number),
        )
        for number, event in enumerate((opened, late), start=1)
    ]
    async with publisher(here.settings) as out:
        await out.publish([(ticket, event) for event in forged])


@pytest.mark.timeout(300)
async def test_silence_and_a_forged_entry_are_measured_and_a_right_record_is_not(tmp_path: Path) -> None:
    async with an_installation(tmp_path, policy=a_hasty_policy(tmp_path)) as here:
        auditor = here.start("auditor", environment=_QUICK)
        await here.ready()

        await here.send(_outage(1))
        breach = await eventually(lambda: _breach_of_first_response(here, "zendesk-eu/1"), 60, what="the breach")
        assert breach is not None
        assert _measured(auditor.metrics(), "silent_clocks") == {}
        assert _measured(auditor.metrics(), "disagreements") == {}
        assert 'clock="resolution"' in _measured(auditor.metrics(), "running_clocks")

        here.services["sla_monitor"].kill()
        await here.send(_outage(2))

        def silent() -> set[str]:
            return set(_measured(auditor.metrics(), "silent_clocks"))

        expected = {'clock="acceptance"', 'clock="first_response"'}
        await eventually(lambda: expected <= silent(), 60, what=auditor.metrics)
        assert "not on record since" in auditor.log
        assert "Ida Berg" not in auditor.log

        here.start("sla_monitor")
        await here.ready()
        await eventually(lambda: silent() == set(), 60, what=auditor.metrics)

        await _forge(here, breach)
        wrong = 'clock="first_response",kind="due_at"'
        await eventually(lambda: wrong in _measured(auditor.metrics(), "disagreements"), 60, what=auditor.metrics)
        assert auditor.readiness()["comparing"] == "ok"
        assert auditor.terminate(timedelta(seconds=10)) == 0

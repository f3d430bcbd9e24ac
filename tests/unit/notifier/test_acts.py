"""What events say of themselves to those who are told."""

from datetime import UTC, datetime

from schemas import escalations as ev
from schemas.vocabulary import Audience, ClockName
from services.notifier.domain.acts import act_of
from services.notifier.domain.reader import Reader
from services.notifier.domain.recipients import Recipient
from tests.harness.escalations import an_event
from tests.unit.router.telling import roster

NOW = datetime(2026, 6, 2, 8, tzinfo=UTC)
READER = Reader(recipient=Recipient(key="ana", audience=Audience.OWNER, addresses=()), roster=roster())


def test_an_end_says_why_it_is_over() -> None:
    merged = an_event(ev.EscalationMerged, "m", NOW, into="zendesk-eu/2")
    deleted = an_event(ev.EscalationEnded, "d", NOW, reason="deleted: spam")

    assert [act_of(event, READER).reason for event in (merged, deleted)] == [
        "merged into zendesk-eu/2",
        "deleted: spam",
    ]


def test_what_is_late_names_who_is_to_do_what() -> None:
    record = {
        "clock": ClockName.PREVENTIVE_ACTION,
        "cycle": 1,
        "due_at": NOW,
        "owner_at": "ana",
        "about": "ben: an alert",
    }
    warned = an_event(ev.SlaWarned, "w", NOW, percent=50, **record)
    breached = an_event(ev.SlaBreached, "b", NOW, **record)

    assert {act_of(event, READER).clock for event in (warned, breached)} == {"preventive_action (ben: an alert)"}

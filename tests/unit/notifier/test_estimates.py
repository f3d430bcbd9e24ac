"""The times that a letter names are those of the clocks: on the calendar the escalation goes by."""

import pytest
from msgspec.structs import replace

from policy.calendars import Calendar, Weekday
from policy.model import Policy
from policy.targets import Measure, Target
from schemas import escalations as events
from schemas.vocabulary import Audience, ContactKind, NoticeKind, Severity
from services.notifier.domain.reader import Reader
from services.notifier.domain.recipients import Recipient
from services.notifier.domain.wording import view_of
from tests.harness.notices import a_context, a_policy, a_roster, sealed

DAYS = (Weekday.MON, Weekday.TUE, Weekday.WED, Weekday.THU, Weekday.FRI)
Windows = tuple[tuple[str, str], ...]
NINE_TO_FIVE: dict[Weekday, Windows] = dict.fromkeys(DAYS, (("09:00", "17:00"),))


def _policy() -> Policy:
    known = a_policy()
    four_hours = Target(measure=Measure.WORKING_TIME, amount=4 * 3600)
    p3 = replace(known.severities[Severity.P3], calendar="berlin", update=four_hours, resolution=four_hours)
    zones = {"berlin": "Europe/Berlin", "new_york": "America/New_York"}
    calendars = {name: Calendar(time_zone=zone, weekly=NINE_TO_FIVE) for name, zone in zones.items()}
    return replace(known, severities={**known.severities, Severity.P3: p3}, calendars=calendars)


@pytest.mark.parametrize(("calendar", "hour"), [(None, "12:00"), ("berlin", "12:00"), ("new_york", "17:00")])
def test_the_next_update_and_the_estimate_are_those_of_the_calendar_it_goes_by(calendar: str | None, hour: str) -> None:
    context = replace(a_context(severity=Severity.P3), calendar=calendar)
    event = sealed(events.CustomerInformed(kind=ContactKind.ACKNOWLEDGEMENT, by="ana"), context=context)
    customer = Recipient(key="customer", audience=Audience.CUSTOMER, addresses=())

    view = view_of(NoticeKind.ACKNOWLEDGEMENT, event, _policy(), Reader(recipient=customer, roster=a_roster()))

    assert view.next_update_at is not None
    assert hour in view.next_update_at
    assert view.expected_resolution_at == view.next_update_at

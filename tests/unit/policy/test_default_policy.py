"""The default policy and roster: the numbers of the procedure, German holidays, chains that always find somebody."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import jsonschema
import msgspec
import pytest

from policy.calendars import Calendar, Weekday
from policy.examples import failed_examples
from policy.json_schema import policy_schema, roster_schema
from policy.loader import load_policy, load_roster
from policy.model import Policy
from policy.publication import canonical_json
from policy.rota import duty
from policy.routing import AcknowledgementMode
from policy.targets import Measure, Target
from schemas.vocabulary import IssueType, RecordPart, Severity
from services.classifier.domain.rule_judge import RuleJudge

ROOT = Path(__file__).parents[3]
POLICY: Policy = load_policy(ROOT / "policy" / "default").policy
ROSTER = load_roster(ROOT / "policy" / "default")


def elapsed(**parts: int) -> Target:
    return Target(measure=Measure.ELAPSED, amount=int(timedelta(**parts).total_seconds()))


def worked(**parts: int) -> Target:
    return Target(measure=Measure.WORKING_TIME, amount=int(timedelta(**parts).total_seconds()))


def days(amount: int) -> Target:
    return Target(measure=Measure.BUSINESS_DAYS, amount=amount)


@pytest.mark.parametrize(
    ("severity", "first_response", "update", "resolution", "confirmation"),
    [
        (Severity.P1, elapsed(minutes=15), elapsed(minutes=30), elapsed(hours=4), elapsed(hours=24)),
        (Severity.P2, elapsed(hours=1), elapsed(hours=2), elapsed(hours=8), elapsed(hours=24)),
        (Severity.P3, worked(hours=4), worked(hours=8), days(3), days(1)),
        (Severity.P4, days(1), None, days(5), days(1)),
    ],
)
def test_the_promises_are_those_of_the_procedure(
    severity: Severity, first_response: Target, update: Target | None, resolution: Target, confirmation: Target
) -> None:
    promises = POLICY.severities[severity]
    assert (promises.first_response, promises.update, promises.resolution) == (first_response, update, resolution)
    assert promises.confirmation == confirmation
    assert (promises.confirmation_repeats, promises.management_reminders) == (3, 3)
    assert (promises.acceptance_share, promises.acceptance_reminder_percent) == (0.5, 50)
    assert promises.warnings_percent == (50, 75, 90)


def test_only_p1_and_p2_run_around_the_clock_and_get_a_channel_and_a_full_record() -> None:
    for severity, promises in POLICY.severities.items():
        urgent = severity in {Severity.P1, Severity.P2}
        assert (POLICY.calendar_of(severity) is None) is urgent
        assert promises.incident_channel is urgent
        assert set(promises.documentation) == (set(RecordPart) if urgent else {RecordPart.CATEGORY})


def easter(year: int) -> date:
    """Return Easter Sunday (Gauss, in the form of Meeus, Jones and Butcher)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    j = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * j) // 451
    month, day = divmod(h + j - 7 * m + 114, 31)
    return date(year, month, day + 1)


@pytest.mark.parametrize("year", [2026, 2027])
def test_the_holidays_are_those_of_all_german_states(year: int) -> None:
    moving = {easter(year) + timedelta(days=offset) for offset in (-2, 1, 39, 50)}
    fixed = {date(year, 1, 1), date(year, 5, 1), date(year, 10, 3), date(year, 12, 25), date(year, 12, 26)}
    calendar = POLICY.calendars["business"]
    every_day = (date(year, 1, 1) + timedelta(days=number) for number in range(365))
    assert {day for day in every_day if {f"{day:%Y-%m-%d}", f"{day:%m-%d}"} & set(calendar.holidays)} == moving | fixed


def test_business_hours_are_nine_to_five_from_monday_to_friday_in_berlin() -> None:
    calendar: Calendar = POLICY.calendars["business"]
    assert calendar.time_zone == "Europe/Berlin"
    assert calendar.weekly == dict.fromkeys(tuple(Weekday)[:5], (("09:00", "17:00"),))


def test_every_chain_finds_several_people_at_any_time_and_ends_with_management() -> None:
    for hours in range(0, 365 * 24, 7):
        at = datetime(2026, 2, 1, tzinfo=UTC) + timedelta(hours=hours)
        for issue_type in IssueType:
            found = duty(POLICY.routing, ROSTER, issue_type, at)
            assert found.gaps == ()
            assert len(found.people) >= 2
            assert found.people[-1] == "miriam.vogel"


def test_acknowledgement_waits_for_a_person_and_compliance_reaches_management_at_once() -> None:
    assert POLICY.routing.acknowledgement is AcknowledgementMode.ON_ACCEPT
    assert POLICY.routing.management_at_once == (IssueType.COMPLIANCE,)


def test_everybody_is_invented_and_reachable() -> None:
    assert len(ROSTER.people) >= 10
    assert all(person.email and person.email.endswith("@example.com") for person in ROSTER.people.values())


def test_the_worked_examples_hold() -> None:
    assert failed_examples(load_policy(ROOT / "policy" / "default"), RuleJudge()) == []


@pytest.mark.parametrize(
    ("file", "schema"), [("policy.schema.json", policy_schema()), ("roster.schema.json", roster_schema())]
)
def test_the_json_schemas_in_docs_are_what_the_structs_say(file: str, schema: str) -> None:
    assert (ROOT / "docs" / file).read_text(encoding="utf-8") == schema


def test_the_published_documents_fit_their_json_schemas() -> None:
    for document, schema in ((POLICY, policy_schema()), (ROSTER, roster_schema())):
        jsonschema.validate(msgspec.json.decode(canonical_json(document)), msgspec.json.decode(schema))

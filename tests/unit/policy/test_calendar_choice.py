"""Which calendar a clock goes by: the account's region, then the type, else the severity's own; never another."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from policy.calendars import Calendar, CalendarChoice, Weekday
from policy.loader import load_policy
from policy.model import Policy
from policy.problems import PolicyError
from policy.publication import canonical_json, policy_of
from schemas.classifications import AccountSnapshot
from schemas.vocabulary import IssueType, Severity
from tests.harness.policies import DEFAULT

HOURS: dict[Weekday, tuple[tuple[str, str], ...]] = dict.fromkeys(Weekday, (("08:00", "16:00"),))
CHOICE = CalendarChoice(account_region={"AMER": "new_york"}, type={IssueType.BILLING: "bank"})


@pytest.fixture(scope="module")
def policy() -> Policy:
    known = load_policy(DEFAULT).policy
    added = {name: Calendar(time_zone="America/New_York", weekly=HOURS) for name in ("new_york", "bank")}
    return replace(known, calendars={**known.calendars, **added}, calendar_by=CHOICE)


@pytest.mark.parametrize(
    ("region", "issue_type", "chosen"),
    [
        ("AMER", IssueType.TECHNICAL, "new_york"),
        ("AMER", IssueType.BILLING, "new_york"),
        ("EMEA", IssueType.BILLING, "bank"),
        (None, IssueType.BILLING, "bank"),
        ("EMEA", IssueType.TECHNICAL, None),
        ("amer", IssueType.TECHNICAL, None),
    ],
)
def test_the_region_chooses_before_the_type_and_neither_leaves_it_to_the_severity(
    policy: Policy, region: str | None, issue_type: IssueType, chosen: str | None
) -> None:
    assert policy.chosen_calendar(AccountSnapshot(account_id="acme", region=region), issue_type) == chosen


def test_a_ticket_without_an_account_has_no_region(policy: Policy) -> None:
    assert policy.chosen_calendar(None, IssueType.TECHNICAL) is None
    assert policy.chosen_calendar(None, IssueType.BILLING) == "bank"


def test_a_policy_that_lets_nothing_choose_leaves_it_to_the_severity() -> None:
    account = AccountSnapshot(account_id="acme", region="AMER")
    assert load_policy(DEFAULT).policy.chosen_calendar(account, IssueType.BILLING) is None


def test_on_a_chosen_calendar_business_clocks_go_by_it_and_those_around_the_clock_stay_so(policy: Policy) -> None:
    held = policy.on_calendar("new_york")

    assert held.calendar_of(Severity.P3) is policy.calendars["new_york"]
    assert held.calendar_of(Severity.P4) is policy.calendars["new_york"]
    assert held.calendar_of(Severity.P1) is None
    assert policy.on_calendar(None) is policy


def test_the_choice_is_published_where_there_is_one(policy: Policy) -> None:
    assert policy_of(canonical_json(policy)) == policy
    assert "calendar_by" not in canonical_json(load_policy(DEFAULT).policy)


@pytest.mark.parametrize(
    ("written", "line", "says"),
    [
        ("calendar_by:\n  account_region:\n    EMEA: berlin\n", 3, "there is no calendar 'berlin'; allowed: business"),
        ("calendar_by:\n  type:\n    technical: berlin\n", 3, "there is no calendar 'berlin'; allowed: business"),
        ("calendar_by:\n  type:\n    tecnical: business\n", 3, "'tecnical' is not one of"),
        ("calendar_by:\n  region:\n    EMEA: business\n", 2, "unknown; allowed: account_region, type"),
    ],
)
def test_a_choice_that_leads_nowhere_is_refused_with_its_line(
    tmp_path: Path, written: str, line: int, says: str
) -> None:
    for source in DEFAULT.glob("*.yaml"):
        text = source.read_text(encoding="utf-8")
        (tmp_path / source.name).write_text(written + text if source.name == "calendars.yaml" else text, "utf-8")

    with pytest.raises(PolicyError, match="calendar_by") as caught:
        load_policy(tmp_path)
    assert str(caught.value).startswith(f"calendars.yaml:{line}: calendar_by.")
    assert says in str(caught.value)

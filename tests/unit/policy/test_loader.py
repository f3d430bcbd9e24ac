"""Loading a policy: whatever is wrong is said at once, by file and line, with what is allowed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from policy.loader import POLICY_FILES, load_policy, load_roster
from policy.problems import PolicyError

DEFAULT = Path(__file__).parents[3] / "policy" / "default"
Edit = Callable[[str, str, str], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for source in DEFAULT.glob("*.yaml"):
        shutil.copy(source, tmp_path)
    return tmp_path


@pytest.fixture
def edit(folder: Path) -> Edit:
    def replace(file: str, before: str, after: str) -> None:
        text = (folder / file).read_text(encoding="utf-8")
        assert before in text
        (folder / file).write_text(text.replace(before, after, 1), encoding="utf-8")

    return replace


def complaints(folder: Path) -> list[str]:
    with pytest.raises(PolicyError) as raised:
        load_policy(folder)
    return str(raised.value).split("\n")


def line_of(folder: Path, file: str, text: str) -> int:
    lines = (folder / file).read_text(encoding="utf-8").split("\n")
    return next(number for number, line in enumerate(lines, start=1) if text in line)


@pytest.mark.parametrize(
    ("file", "before", "after", "place", "says"),
    [
        (
            "severities.yaml",
            "incident_channel: true",
            "incident_chanel: true",
            "incident_chanel",
            "unknown; allowed: impact",
        ),
        ("severities.yaml", "amount: 900}", "amount: soon}", "soon", "'soon' is not a whole number"),
        ("severities.yaml", "amount: 900}", "amount: '900'}", "'900'", "'900' is not a whole number"),
        (
            "severities.yaml",
            "measure: elapsed, amount: 900",
            "measure: day, amount: 900",
            "day,",
            "one of elapsed, working_time",
        ),
        ("severities.yaml", "amount: 900}", "amount: 0}", "amount: 0}", "0 is no time"),
        ("severities.yaml", "amount: 900}", "amount: 900, ends: end_of_day}", "900, ends", "is for business_days, not"),
        (
            "severities.yaml",
            "elapsed, amount: 900",
            "business_days, amount: 1",
            "business_days, amount: 1}  ",
            "needs a calendar",
        ),
        (
            "severities.yaml",
            "incident_channel: true",
            "review: {measure: business_days, amount: 5}",
            "review: {measure",
            "needs a calendar",
        ),
        ("severities.yaml", "calendar: business", "calendar: night", "calendar: night", "there is no calendar 'night'"),
        (
            "severities.yaml",
            "    calendar: null\n",
            "    calendar: null\n    warnings_percent: [75, 50]\n",
            "[75, 50]",
            "each above",
        ),
        (
            "severities.yaml",
            "    calendar: null\n",
            "    calendar: null\n    acceptance_share: 2\n",
            "share: 2",
            "at most 1",
        ),
        ("severities.yaml", "  P4:", "  P5:", "P5:", "'P5' is not one of P1, P2, P3, P4"),
        ("calendars.yaml", "Europe/Berlin", "Europe/Berlinn", "Berlinn", "no time zone"),
        ("calendars.yaml", '"17:00"]]', '"7:00"]]', '"7:00"', "'7:00' is no time of day"),
        ("calendars.yaml", '"17:00"]]', '"09:00"]]', '"09:00"]]', "a whole day is 00:00 to 24:00"),
        (
            "calendars.yaml",
            '["09:00", "17:00"]',
            '["22:00", "10:00"]',
            "tue:",
            "opens 09:00, before the night that began on mon ends",
        ),
        ("calendars.yaml", '"17:00"]]', '"04:00"], ["22:00", "23:00"]]', '"22:00"', "before the one listed before it"),
        (
            "calendars.yaml",
            "    holidays:",
            "    public_holidays: [{country: XX}]\n    holidays:",
            "XX",
            "no country known",
        ),
        (
            "calendars.yaml",
            "    holidays:",
            "    public_holidays: [{country: DE, subdivision: XX}]\n    holidays:",
            "XX",
            "DE has no 'XX'; allowed: BB, BE",
        ),
        (
            "calendars.yaml",
            "    holidays:",
            "    holiday_files: [gone.ics]\n    holidays:",
            "gone",
            "cannot be read: No such",
        ),
        (
            "calendars.yaml",
            "    holidays:",
            "    holiday_files: [roster.yaml]\n    holidays:",
            "roster.yaml",
            "is no iCalendar file",
        ),
        ("calendars.yaml", '"17:00"]]', '"12:00"], ["11:00", "17:00"]]', '"11:00"', "before the one listed before it"),
        ("calendars.yaml", '"17:00"]]', '"12:00", "17:00"]]', '"12:00"', "a list is not a list of 2"),
        ("calendars.yaml", '"01-01"', '"01-32"', '"01-32"', "is no day"),
        ("calendars.yaml", "      mon:", "      mond:", "mond:", "one of mon, tue"),
        (
            "routing.yaml",
            "rotation: engineering",
            "rotation: enginering",
            "enginering",
            "there is no rotation 'enginering'",
        ),
        (
            "routing.yaml",
            "person: henrik.lund",
            "person: henrik",
            "person: henrik",
            "there is no person 'henrik' in the roster",
        ),
        ("routing.yaml", "fallback: greta.olsen", "fallback: nobody", "fallback:", "there is no person 'nobody'"),
        ("routing.yaml", "- rotation: billing", "- {}", "{}", "exactly one of person and rotation"),
        ("routing.yaml", "- person: henrik.lund", "- person: miriam.vogel", "billing:", "stands here twice"),
        ("routing.yaml", "  technical:", "  technology:", "technology:", "one of technical, billing"),
        ("routing.yaml", "on_accept\n", "sometimes\n", "sometimes", "one of on_accept, at_once"),
        ("policy.yaml", "label: default", "label: [a]", "label:", "a list is not a text"),
        ("policy.yaml", "label: default", "label: a b", "label:", "is not letters"),
        ("policy.yaml", "label: default", "label: a\nlabel: b", "label: b", "stands here twice"),
        ("policy.yaml", "label: default", "label: {", "label:", "not YAML"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_is_allowed(
    *, folder: Path, edit: Edit, file: str, before: str, after: str, place: str, says: str
) -> None:
    edit(file, before, after)
    told = [complaint for complaint in complaints(folder) if says in complaint]
    assert told, complaints(folder)
    assert told[0].startswith(f"{file}:"), told
    near = int(told[0].split(":")[1])
    assert abs(near - line_of(folder, file, place)) <= 1 or "twice" in says, told


def test_several_mistakes_in_several_files_are_told_at_once(folder: Path, edit: Edit) -> None:
    edit("severities.yaml", "amount: 900}", "amount: soon}")
    edit("severities.yaml", "amount: 1800}", "amout: 1800}")
    edit("routing.yaml", "raise_severity_at_once: true", "raise_severity_at_once: perhaps")
    found = complaints(folder)
    assert len(found) == 4, found
    assert {complaint.split(":")[0] for complaint in found} == {"severities.yaml", "routing.yaml"}


def test_a_severity_without_its_promises_is_told(folder: Path, edit: Edit) -> None:
    edit("severities.yaml", "    resolution: {measure: elapsed, amount: 14400}        # 4 hours\n", "")
    assert complaints(folder) == [
        f"severities.yaml:{line_of(folder, 'severities.yaml', 'P1:') + 1}: severities.P1.resolution: missing"
    ]


@pytest.mark.parametrize("file", POLICY_FILES)
def test_a_missing_and_an_empty_file_are_told(folder: Path, file: str) -> None:
    (folder / file).write_text("", encoding="utf-8")
    assert any(complaint.startswith(f"{file}") and "missing" in complaint for complaint in complaints(folder))
    (folder / file).unlink()
    assert any(complaint.startswith(f"{file}: missing in") for complaint in complaints(folder))


def test_a_file_that_is_no_part_of_a_policy_is_told(folder: Path) -> None:
    (folder / "severity.yaml").write_text("", encoding="utf-8")
    assert complaints(folder)[0].startswith("severity.yaml: not a file of a policy; allowed: audiences.yaml")


def test_a_rule_over_an_unknown_field_is_told_where_it_stands(folder: Path, edit: Edit) -> None:
    edit("criteria.yaml", "when: ticket.data_loss == true ||", "when: ticket.data_lost == true ||")
    told = complaints(folder)[0]
    assert told.startswith(f"criteria.yaml:{line_of(folder, 'criteria.yaml', 'ticket.data_lost')}: criteria."), told


def test_an_example_with_an_unknown_field_is_told(folder: Path, edit: Edit) -> None:
    edit("criteria.yaml", "fields: {affected_users: 800}", "fields: {users: 800, workaround: 'no'}")
    told = "\n".join(complaints(folder))
    assert "fields.users: unknown; allowed: service_down" in told
    assert "fields.workaround: Expected `bool | null`, got `str`" in told


def test_words_without_a_required_part_are_told_where_they_stand(folder: Path, edit: Edit) -> None:
    edit("templates.yaml", "{% block understood %}", "{% block understanding %}")
    told = complaints(folder)
    assert all(complaint.startswith("templates.yaml:") for complaint in told), told
    assert any("understood" in complaint for complaint in told), told


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("time_zone: Europe/Lisbon", "time_zone: Lisbon", "no time zone"),
        ("people: [ana.ferreira,", "people: [ana,", "there is no person 'ana' in the roster; known: ana.ferreira"),
        ("person: chiara.rossi", "person: chiara", "there is no person 'chiara'"),
        ("- rotation: support_leads", "- rotation: leads", "there is no rotation 'leads'"),
        ("starts_at: 2026-01-05T09:00:00+01:00", "starts_at: 2026-01-05T09:00:00", "an instant with its zone"),
        ("starts_at: 2026-01-05T09:00:00+01:00", "starts_at: monday", "an instant with its zone"),
        ("ends_at: 2026-06-21T09:00:00+02:00", "ends_at: 2026-06-20T09:00:00+02:00", "is not after starts_at"),
        ("shift_hours: 168", "shift_hours: 0", "a whole number of at least 1"),
        ("people: [ana.ferreira, ben.okafor, chiara.rossi]", "people: []", "nobody takes turns"),
        ("    email: elif.kaya@example.com\n    slack: U0ELIF\n", "", "cannot be reached"),
    ],
)
def test_a_mistake_in_the_roster_is_told(folder: Path, edit: Edit, before: str, after: str, says: str) -> None:
    edit("roster.yaml", before, after)
    with pytest.raises(PolicyError, match=r"^roster\.yaml:\d+: ") as raised:
        load_roster(folder)
    assert says in str(raised.value)


def test_a_policy_without_a_roster_beside_it_names_whom_it_likes(folder: Path, edit: Edit) -> None:
    edit("routing.yaml", "person: henrik.lund", "person: henrik")
    (folder / "roster.yaml").unlink()
    assert load_policy(folder).policy.routing.chains
    with pytest.raises(PolicyError, match=r"roster\.yaml: missing"):
        load_roster(folder)


def test_unquoted_times_dates_and_words_are_what_is_wanted_there(folder: Path, edit: Edit) -> None:
    edit("calendars.yaml", '[["09:00", "17:00"]]', "[[09:00, 17:00]]")
    edit("calendars.yaml", '"2026-04-03"', "2026-04-03")
    edit("roster.yaml", "language: de", "language: no")
    assert load_policy(folder) == load_policy(DEFAULT)
    assert "no" in {person.language for person in load_roster(folder).people.values()}


def test_the_version_follows_the_content_alone(folder: Path, edit: Edit) -> None:
    before = load_policy(folder).version
    assert before == load_policy(DEFAULT).version
    edit("severities.yaml", "# 15 minutes", "# a quarter of an hour")
    edit("roster.yaml", "name: Ana Ferreira", "name: Ana F.")
    assert load_policy(folder).version == before
    edit("severities.yaml", "amount: 900", "amount: 901")
    assert load_policy(folder).version != before


def test_public_holidays_and_files_become_days_and_those_by_hand_stand_first(folder: Path, edit: Edit) -> None:
    (folder / "closed.ics").write_text(_A_FILE.replace("EVENT-TIME", "DTSTART;VALUE=DATE:20261224"), encoding="utf-8")
    edit(
        "calendars.yaml",
        "    holidays:",
        "    public_holidays: [{country: DE, subdivision: BE}]\n    holiday_files: [closed.ics]\n    holidays:",
    )
    days = load_policy(folder).policy.calendars["business"].holidays
    assert days[0] == "01-01"
    assert "2028-03-08" in days, "a holiday of Berlin only"
    assert {"2026-12-24", "2027-12-25", "2028-12-26"} <= set(days), "three days, each year"
    assert "2029-12-24" not in days
    assert len(days) == len(set(days))


def test_a_holiday_with_a_time_of_day_is_refused(folder: Path, edit: Edit) -> None:
    (folder / "closed.ics").write_text(_A_FILE.replace("EVENT-TIME", "DTSTART:20261224T090000Z"), encoding="utf-8")
    edit("calendars.yaml", "    holidays:", "    holiday_files: [closed.ics]\n    holidays:")
    told = complaints(folder)
    assert any("an event of 2026-12-24 has a time of day; a holiday is whole days" in each for each in told), told


_A_FILE = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//example//holidays//EN
BEGIN:VEVENT
UID:closed@example.com
SUMMARY:The works are closed
EVENT-TIME
DURATION:P3D
RRULE:FREQ=YEARLY;COUNT=3
END:VEVENT
END:VCALENDAR
"""

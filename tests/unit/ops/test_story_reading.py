"""A story is read strictly: what it does not know is an error with file and line."""

from pathlib import Path

import pytest

from ops.scenario.language import Opened
from ops.scenario.marked_yaml import StoryError
from ops.scenario.reading import ONLY_TICKET, read_story
from ops.scenario.setting import setting_of
from policy.pauses import PauseCause
from schemas.vocabulary import Severity

STORY = """\
name: A story
given:
  chains: {technical: [ana, mia]}
when:
  - {at: "2026-06-02T08:00:00Z", opened: {subject: "Down"}}
then:
  - {at: "2026-06-02T08:00:00Z", escalated: {severity: P1}}
until: "2026-06-02T09:00:00Z"
"""


def _written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "story.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_story_is_read_with_its_only_ticket(tmp_path: Path) -> None:
    story = read_story(_written(tmp_path, STORY))

    assert story.name == "A story"
    assert story.when[0].ticket == ONLY_TICKET
    assert isinstance(story.when[0].act, Opened)
    assert story.then[0].kind == "escalated"


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("name:", "title:", 1, "title"),
        ("opened:", "opend:", 5, "opend"),
        ("subject:", "topic:", 5, "topic"),
        ("escalated:", "escalted:", 7, "exactly one of"),
        ("{severity: P1}", "{severity: P9}", 7, "P9"),
        ("escalated: {severity: P1}", "escalated: {severity: P1}, percent: 50", 7, "percent"),
        ('"2026-06-02T08:00:00Z", opened', '"2026-06-02T08:00:00", opened', 5, "time zone"),
        ("chains: {technical", "chains: {technicall", 3, "technicall"),
        ("until:", "complete: [owner, mood]\nuntil:", 1, "mood"),
        ("then:", 'then:\n  - {at: "2026-06-02T08:00:00Z", told: ana, what: gossip}', 7, "gossip"),
    ],
)  # fmt: skip
def test_an_unknown_word_is_an_error_with_its_line(tmp_path: Path, old: str, new: str, line: int, says: str) -> None:
    path = _written(tmp_path, STORY.replace(old, new, 1))

    with pytest.raises(StoryError, match=says) as caught:
        read_story(path)
    assert str(caught.value).startswith(f"{path}:{line}:")


def test_a_key_given_twice_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoryError, match="given twice"):
        read_story(_written(tmp_path, STORY + "name: again\n"))


def test_what_is_no_yaml_or_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoryError, match=r"story\.yaml:"):
        read_story(_written(tmp_path, "name: [\n"))
    with pytest.raises(StoryError, match=r"none\.yaml"):
        read_story(tmp_path / "none.yaml")


def test_a_service_that_is_away_must_exist(tmp_path: Path) -> None:
    text = STORY.replace('opened: {subject: "Down"}', 'down: barista, until: "2026-06-02T08:30:00Z"')

    with pytest.raises(StoryError, match="classifier, router, sla_monitor, notifier"):
        read_story(_written(tmp_path, text))


def test_promises_of_a_story_stand_in_the_place_of_the_policys_and_leave_the_others(tmp_path: Path) -> None:
    promises = "{P1: {update: null, pauses: {update: [question]}}}"
    setting = setting_of(
        read_story(_written(tmp_path, STORY.replace("given:\n", f"given:\n  severities: {promises}\n")))
    )

    changed = setting.policy.policy.severities[Severity.P1]
    assert (changed.update, changed.pauses.update) == (None, (PauseCause.QUESTION,))
    assert changed.first_response.amount == 900


PUBLISHED = '"2026-06-02T08:10:00Z", policy_published: {running: true, '


def test_a_policy_that_is_published_concerns_no_ticket_and_is_the_one_before_with_its_changes(tmp_path: Path) -> None:
    first = PUBLISHED + 'severities: {P1: {update: null}}}}\n  - {at: "2026-06-02T08:20:00Z", policy_published: {'
    second = "severities: {P1: {warnings_percent: [80]}}}}"
    text = STORY.replace("then:", f"  - {{at: {first}{second}\nthen:", 1)

    story = read_story(_written(tmp_path, text))
    before, after = (one.policy.severities[Severity.P1] for one in setting_of(story).published.values())

    assert [when.ticket for when in story.when] == [ONLY_TICKET, "", ""]
    assert (before.update, before.warnings_percent) == (None, (50, 75, 90))
    assert (after.update, after.warnings_percent) == (None, (80,))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ("severities: {P1: {calendar: night}}", "severities.P1.calendar: there is no calendar 'night'"),
        ("severities: {P1: {updates: null}}", "severities.P1: Object contains unknown field `updates`"),
        ("calendar_by: {type: {billing: berlin}}", "calendar_by.type.billing: there is no calendar 'berlin'"),
        ("calendars: {night: {time_zone: Mars, weekly: {}}}", "calendars.night.time_zone: 'Mars' is no time zone"),
    ],
)  # fmt: skip
def test_a_change_that_no_policy_may_have_is_an_error_with_its_place(tmp_path: Path, changes: str, says: str) -> None:
    given = read_story(_written(tmp_path, STORY.replace("given:", f"given:\n  {changes}", 1)))
    with pytest.raises(StoryError, match=r"story.yaml: given: ") as caught:
        setting_of(given)
    assert says in str(caught.value)

    line = f"  - {{at: {PUBLISHED}{changes}}}}}"
    published = read_story(_written(tmp_path, STORY.replace("then:", f"{line}\nthen:", 1)))
    with pytest.raises(StoryError, match=r"story.yaml:6: ") as caught:
        setting_of(published)
    assert says in str(caught.value)

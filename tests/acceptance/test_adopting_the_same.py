"""A version of the policy that promises the same may be adopted at any time: no story is told otherwise."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from ops.scenario.language import PolicyPublishedWith, Story, When
from ops.scenario.reading import read_story
from ops.scenario.setting import setting_of
from ops.scenario.world import Stage
from policy.calendars import Calendar, Weekday

SCENARIOS = Path(__file__).parent / "scenarios"
STORIES = [path for path in sorted(SCENARIOS.rglob("*.yaml")) if "policy_published" not in path.read_text("utf-8")]
"""All but those that publish policies of their own."""
UNUSED = Calendar(time_zone="UTC", weekly={Weekday.MON: (("09:00", "17:00"),)})
_LINE = 10_000


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage()


def _adopting(story: Story) -> Story:
    """Return the story with a version that differs by an unused calendar adopted after each of its acts."""
    when = [*story.when]
    for number, at in enumerate(sorted({one.arrives for one in story.when})):
        act = PolicyPublishedWith(running=True, calendars={f"unused-{number}": UNUSED})
        when.append(When(line=_LINE + number, at=at, arrives=at, ticket="", word="policy_published", act=act))
    return replace(story, when=tuple(when))


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
async def test_adopting_the_same_promises_changes_nothing(path: Path, stage: Stage) -> None:
    story = _adopting(read_story(path))

    assert await stage.play(story, setting_of(story)) == []

"""Every story comes out as it is told, through the real handlers of all four services."""

from pathlib import Path

import pytest

from ops.scenario.reading import read_story
from ops.scenario.setting import setting_of
from ops.scenario.world import Stage

STORIES = sorted((Path(__file__).parent / "scenarios").rglob("*.yaml"))


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage()


@pytest.mark.parametrize("path", STORIES, ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_the_story_is_told_right(path: Path, stage: Stage) -> None:
    story = read_story(path)

    assert await stage.play(story, setting_of(story)) == []

"""What arrives late, and services that were away, change what is said when, and in the end no verdict.

`ESCALON_TEST_STORIES=5000` plays so many, other ones each time; without it a few, always the same.
"""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, note

from tests.acceptance.model.amount import as_many, look_through
from tests.acceptance.model.lateness import SERVICES_AWAY, late_or_away, told_twice, verdicts_of
from tests.acceptance.model.telling import as_yaml


@as_many(25)
@given(twice=told_twice())
def test_a_story_with_late_messages_and_outages_ends_with_the_same_verdicts(
    twice: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    on_time, late = twice
    with TemporaryDirectory() as folder:
        in_time, in_the_end = (asyncio.run(verdicts_of(story, Path(folder))) for story in (on_time, late))
    if in_the_end != in_time:
        note(as_yaml(late))
    assert in_the_end == in_time


def test_all_that_can_be_late_or_away_is() -> None:
    unheard = {"update", "agent_replied", *SERVICES_AWAY}

    def is_all_heard(twice: tuple[dict[str, Any], dict[str, Any]]) -> bool:
        unheard.difference_update(late_or_away(twice[1]))
        return not unheard

    look_through(told_twice(), is_all_heard)
    assert unheard == set()

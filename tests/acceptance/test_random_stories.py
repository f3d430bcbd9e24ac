"""The product does what the procedure, written a second time in `model/`, says of random stories.

`ESCALON_TEST_STORIES=5000` plays so many, other ones each time; without it a few, always the same.
"""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, note

from tests.acceptance.model.amount import as_many, look_through
from tests.acceptance.model.random_stories import random_stories
from tests.acceptance.model.telling import as_yaml, disagreements
from tests.acceptance.model.words import Words


@as_many(40)
@given(story=random_stories())
def test_product_and_model_tell_a_random_story_alike(story: dict[str, Any]) -> None:
    with TemporaryDirectory() as folder:
        found = asyncio.run(disagreements(story, Path(folder)))
    if found:
        note(as_yaml(story))
    assert found == []


def test_random_stories_need_every_word() -> None:
    words = Words()
    look_through(random_stories(), words.all_heard_with)
    assert words.unheard == set()

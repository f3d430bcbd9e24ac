"""The product does what the procedure, written a second time in `model/`, says of random stories.

`ESCALON_TEST_STORIES=5000` plays so many, other ones each time; without it a few, always the same.
"""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, note, settings

from tests.acceptance.model.random_stories import random_stories
from tests.acceptance.model.telling import as_yaml, disagreements
from tests.acceptance.model.words import RARE, WITHOUT, Words
from tests.harness.settings import HarnessSettings

_ASKED_FOR = HarnessSettings().stories
_MANY = 500
_MAY_BE_UNHEARD = RARE if _ASKED_FOR is None else set(WITHOUT) if _ASKED_FOR < _MANY else set()


def test_product_and_model_tell_random_stories_alike_and_these_need_every_word() -> None:
    words = Words()

    @settings(
        max_examples=_ASKED_FOR or 40,
        derandomize=_ASKED_FOR is None,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(story=random_stories())
    def play(story: dict[str, Any]) -> None:
        words.hear(story)
        with TemporaryDirectory() as folder:
            found = asyncio.run(disagreements(story, Path(folder)))
        if found:
            note(as_yaml(story))
        assert found == []

    play()
    assert words.unheard <= _MAY_BE_UNHEARD

"""What arrives late, and services that were away, change what is said when, and in the end no verdict.

`ESCALON_TEST_STORIES=5000` plays so many, other ones each time; without it a few, always the same.
"""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, note, settings

from tests.acceptance.model.lateness import SERVICES_AWAY, late_or_away, told_twice, verdicts_of
from tests.acceptance.model.telling import as_yaml
from tests.harness.settings import HarnessSettings

_ASKED_FOR = HarnessSettings().stories


def test_stories_with_late_messages_and_outages_end_with_the_same_verdicts() -> None:
    heard: set[str] = set()

    @settings(
        max_examples=_ASKED_FOR or 25,
        derandomize=_ASKED_FOR is None,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(twice=told_twice())
    def play(twice: tuple[dict[str, Any], dict[str, Any]]) -> None:
        on_time, late = twice
        heard.update(late_or_away(late))
        with TemporaryDirectory() as folder:
            in_time, in_the_end = (asyncio.run(verdicts_of(story, Path(folder))) for story in (on_time, late))
        if in_the_end != in_time:
            note(as_yaml(late))
        assert in_the_end == in_time

    play()
    assert _ASKED_FOR is not None or heard == {"update", "agent_replied", *SERVICES_AWAY}

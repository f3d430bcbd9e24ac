"""What arrives late, and services that were away, change what is said when, and in the end no verdict.

`ESCALON_TEST_STORIES=5000` plays so many, other ones each time; without it a few, always the same.
"""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, note, settings

from tests.acceptance.model.lateness import told_twice, verdicts_of
from tests.acceptance.model.telling import as_yaml
from tests.harness.settings import HarnessSettings

_ASKED_FOR = HarnessSettings().stories


@settings(
    max_examples=_ASKED_FOR or 20,
    derandomize=_ASKED_FOR is None,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(twice=told_twice())
def test_a_story_with_late_replies_and_outages_ends_with_the_same_verdicts(
    twice: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    on_time, late = twice
    with TemporaryDirectory() as folder:
        in_time, in_the_end = (asyncio.run(verdicts_of(story, Path(folder))) for story in (on_time, late))
    if in_the_end != in_time:
        note(as_yaml(late))
    assert in_the_end == in_time

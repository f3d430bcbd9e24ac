"""The auditor agrees with what the engine has recorded at the end of every story, and was silent on the way there."""

from pathlib import Path

import pytest

from schemas.vocabulary import ClockName
from services.auditor.domain.doubts import Kind
from tests.harness.auditing import STORIES, AuditedWorld

ALL = sorted(STORIES.rglob("*.yaml"))
_MONITOR_DOWN = STORIES / "clocks" / "01_the_monitor_was_down.yaml"


@pytest.mark.parametrize("path", ALL, ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_the_record_of_the_story_stands_the_audit(path: Path) -> None:
    world = AuditedWorld(path)

    summary = await world.audit()

    assert (summary.silent, summary.disagreements) == ({}, {})
    assert summary.not_audited == {}
    assert path == _MONITOR_DOWN or world.objections == []


async def test_while_the_monitor_is_down_the_auditor_says_what_is_due_and_unsaid() -> None:
    world = AuditedWorld(_MONITOR_DOWN)

    await world.audit()

    assert {doubt.kind for doubt in world.objections} == {Kind.SILENT}
    assert {doubt.clock for doubt in world.objections} >= {ClockName.UPDATE, ClockName.FIRST_RESPONSE}

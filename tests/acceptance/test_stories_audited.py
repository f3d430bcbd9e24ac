"""The auditor agrees with what the engine has recorded at the end of every story, and was silent on the way there."""

from pathlib import Path

import pytest

from schemas.vocabulary import ClockName
from services.auditor.domain.comparing import Kind
from services.auditor.handlers import NotAudited
from tests.harness.auditing import STORIES, AuditedWorld

ALL = sorted(STORIES.rglob("*.yaml"))
_BEYOND = {
    "30_merged_into_an_escalation",
    "31_a_merge_brings_an_open_question",
    "32_merged_into_what_is_over",
    "33_merged_in_a_chain",
    "34_merged_into_a_quiet_ticket",
}
"""What took in the promises of a merge is not followed."""
_MONITOR_DOWN = STORIES / "clocks" / "01_the_monitor_was_down.yaml"


@pytest.mark.parametrize("path", ALL, ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_the_record_of_the_story_stands_the_audit(path: Path) -> None:
    world = AuditedWorld(path)

    summary = await world.audit()

    assert (summary.silent, summary.disagreements) == ({}, {})
    assert set(summary.not_audited) == ({NotAudited.BEYOND} if path.stem in _BEYOND else set())
    assert path == _MONITOR_DOWN or world.objections == []


async def test_while_the_monitor_is_down_the_auditor_says_what_is_due_and_unsaid() -> None:
    world = AuditedWorld(_MONITOR_DOWN)

    await world.audit()

    assert {doubt.kind for doubt in world.objections} == {Kind.SILENT}
    assert {doubt.clock for doubt in world.objections} >= {ClockName.UPDATE, ClockName.FIRST_RESPONSE}

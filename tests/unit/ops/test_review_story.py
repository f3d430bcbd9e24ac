"""A policy that asks for reviews, from its file to whom is told."""

import shutil
from pathlib import Path

from ops.scenario.reading import read_story
from ops.scenario.setting import setting_of
from ops.scenario.world import Stage
from tests.harness.policies import DEFAULT

STORY = """
name: A review is due two hours after the close, anew after a reopening
given:
  policy: policy
  chains: {technical: [ana, ben, mia], billing: [cleo, mia], service: [dov, mia], compliance: [eli, mia]}
when:
  - {at: "2026-06-02T08:00:00Z", opened: {subject: "Down", verdict: {
      qualifies: true, reasons: [agent_escalated], severity: P1, type: technical}}}
  - {at: "2026-06-02T08:01:00Z", accept: {by: ana}}
  - {at: "2026-06-02T08:10:00Z", close: {by: mia, reason: "agreed"}}
  - {at: "2026-06-02T10:00:00Z", reopened: {}}
  - {at: "2026-06-02T10:01:00Z", accept: {by: ana}}
  - {at: "2026-06-02T10:10:00Z", close: {by: mia, reason: "agreed"}}
  - {at: "2026-06-02T12:30:00Z", review: {by: ana, text: "Seen late."}}
then:
  - {at: "2026-06-02T09:10:00Z", warned: review, percent: 50}
  - {at: "2026-06-02T09:10:00Z", told: ana, what: warning}
  - {at: "2026-06-02T12:10:00Z", breached: review, due: "2026-06-02T12:10:00Z"}
  - {at: "2026-06-02T12:10:00Z", told: management, what: breach}
complete: [breached, refused]
until: "2026-06-03T08:00:00Z"
"""


async def test_a_policy_that_asks_for_reviews_has_them_reminded_of(tmp_path: Path) -> None:
    shutil.copytree(DEFAULT, tmp_path / "policy")
    severities = tmp_path / "policy" / "severities.yaml"
    text = severities.read_text(encoding="utf-8")
    due = "incident_channel: true\n    review: {measure: elapsed, amount: 7200}"
    severities.write_text(text.replace("incident_channel: true", due), encoding="utf-8")
    path = tmp_path / "story.yaml"
    path.write_text(STORY, encoding="utf-8")
    story = read_story(path)

    assert await Stage().play(story, setting_of(story)) == []

"""What clocks stand for, and answers that are promised: off by default, and checked."""

import shutil
from pathlib import Path

import pytest

from policy.loader import load_policy
from policy.pauses import PauseCause, Pauses
from policy.problems import PolicyError
from policy.publication import canonical_json, policy_of
from schemas.vocabulary import Severity

DEFAULT = Path(__file__).parents[3] / "policy" / "default"


def _with(tmp_path: Path, lines: str) -> Path:
    """Return a copy of the default policy with lines added to P4, which stands last."""
    folder = tmp_path / "policy"
    shutil.copytree(DEFAULT, folder)
    severities = folder / "severities.yaml"
    severities.write_text(severities.read_text(encoding="utf-8").rstrip() + f"\n{lines}\n", encoding="utf-8")
    return folder


def test_the_default_policy_promises_no_answer_pauses_for_proposals_only_and_publishes_neither_word() -> None:
    policy = load_policy(DEFAULT).policy

    assert not policy.times_replies
    assert {(one.next_reply, one.pauses) for one in policy.severities.values()} == {(None, Pauses())}
    assert Pauses().resolution == (PauseCause.PROPOSED_RESOLUTION,)
    assert "next_reply" not in canonical_json(policy)
    assert "pauses" not in canonical_json(policy)


@pytest.mark.parametrize(
    "lines",
    ["    next_reply: {measure: working_time, amount: 3600}", "    pauses: {resolution: [question]}"],
)
def test_a_policy_that_uses_one_says_that_clocks_go_by_replies_and_reads_back(tmp_path: Path, lines: str) -> None:
    policy = load_policy(_with(tmp_path, lines)).policy

    assert policy.times_replies
    assert policy_of(canonical_json(policy)) == policy


def test_a_clock_that_is_not_named_stands_for_what_it_does_by_default(tmp_path: Path) -> None:
    policy = load_policy(_with(tmp_path, "    pauses: {update: [question]}")).policy

    assert policy.severities[Severity.P4].pauses == Pauses(update=(PauseCause.QUESTION,))
    assert policy.severities[Severity.P4].pauses.resolution == (PauseCause.PROPOSED_RESOLUTION,)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("    pauses: {update: [proposed_resolution]}", "a proposed resolution ends the update already"),
        ("    pauses: {resolution: [lunch]}", "lunch"),
        ("    pauses: {acceptance: [question]}", "acceptance"),
        ("    next_reply: {measure: elapsed, amount: 0}", "0 is no time"),
    ],
)
def test_what_cannot_be_is_told_with_its_place(tmp_path: Path, lines: str, says: str) -> None:
    with pytest.raises(PolicyError, match=says) as caught:
        load_policy(_with(tmp_path, lines))
    assert "severities.yaml" in str(caught.value)

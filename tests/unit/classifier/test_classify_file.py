"""Exported tickets: verdicts a line each, and clear words for a file that cannot be read."""

import json
from pathlib import Path

import pytest

from ops.classify import TicketFileError, classify_file
from services.classifier.domain.rule_judge import RuleJudge
from tests.harness.policies import judging_policy

POLICY = judging_policy()


def test_every_ticket_gets_its_verdict_in_order(tmp_path: Path) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    tickets = [
        {"id": "a", "subject": "Everything is down", "fields": {"service_down": True, "affected_users": None}},
        {"id": "b", "subject": "Hi", "comments": [{"author": "customer", "text": "I want to talk to a manager."}]},
        {"id": "c", "subject": "How do I sign in?", "channel": "fax", "expected": {"qualifies": False}},
    ]
    source.write_text("\n".join(map(json.dumps, tickets)) + "\n\n", encoding="utf-8")

    assert classify_file(source, out, POLICY, RuleJudge()) == 3
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [(line["id"], line["verdict"]["qualifies"]) for line in lines] == [("a", True), ("b", True), ("c", False)]
    assert set(lines[0]["verdict"]) == {"qualifies", "reasons", "severity", "type", "also", "confidence", "because"}


def test_every_wrong_line_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"id": "a"}\n{"id": "b", "subject": "x", "fields": {"affected_users": "many"}}\nsecret\n')

    with pytest.raises(TicketFileError) as raised:
        classify_file(source, out, POLICY, RuleJudge())

    lines = str(raised.value).splitlines()
    assert [line.split(": ")[0] for line in lines] == [f"{source}:{number}" for number in (1, 2, 3)]
    assert "subject" in lines[0]
    assert "secret" not in str(raised.value)
    assert not out.exists()


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(TicketFileError, match="cannot be read"):
        classify_file(tmp_path / "none.jsonl", tmp_path / "out.jsonl", POLICY, RuleJudge())

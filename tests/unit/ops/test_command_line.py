"""What `escalon` says without a Kafka: verdicts, stories, policies, rosters, settings; and its errors in one line."""

import json
import shutil
from datetime import datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ops.cli import app
from ops.commands.people import promised_instant
from ops.scenario.setting import DEFAULT_POLICY
from policy.time_zones import zone_of

REPOSITORY = Path(__file__).parents[3]
TICKET = {"id": "T1", "subject": "Everything is down", "description": "Nothing works for all of us.", "fields": {}}


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.delenv("ESCALON_KAFKA_BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.setenv("ESCALON_LOCAL_DIR", "/nonexistent")
    return CliRunner()


def test_exported_tickets_get_a_verdict_each(runner: CliRunner, tmp_path: Path) -> None:
    exported, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    exported.write_text(json.dumps(TICKET) + "\n", encoding="utf-8")

    said = runner.invoke(app, ["classify", str(exported), "--out", str(out)])

    assert said.exit_code == 0, said.output
    (line,) = [json.loads(one) for one in out.read_text(encoding="utf-8").splitlines()]
    assert line["id"] == "T1"
    assert set(line["verdict"]) == {"qualifies", "reasons", "severity", "type", "also", "confidence", "because"}


def test_a_story_that_is_told_right_exits_0_a_wrong_one_1_and_an_unreadable_one_2(
    runner: CliRunner, tmp_path: Path
) -> None:
    right = REPOSITORY / "tests/acceptance/scenarios/core/02_nobody_accepts.yaml"
    wrong, unreadable = tmp_path / "wrong.yaml", tmp_path / "unreadable.yaml"
    wrong.write_text(right.read_text(encoding="utf-8").replace("owner: ben", "owner: mia", 1), encoding="utf-8")
    unreadable.write_text("name: [\n", encoding="utf-8")

    codes = [runner.invoke(app, ["scenario", "run", str(path)]).exit_code for path in (right, wrong, unreadable)]

    assert codes == [0, 1, 2]


def test_a_policy_is_checked_with_the_stories_that_stand_beside_it(runner: CliRunner, tmp_path: Path) -> None:
    folder = tmp_path / "policy"
    shutil.copytree(DEFAULT_POLICY, folder)
    (folder / "stories").mkdir()
    story = REPOSITORY / "tests/acceptance/scenarios/core/02_nobody_accepts.yaml"
    shutil.copy(story, folder / "stories" / "nobody.yaml")

    right = runner.invoke(app, ["policy", "check", str(folder)])
    severities = folder / "severities.yaml"
    severities.write_text(severities.read_text(encoding="utf-8").replace("900", "1800", 1), encoding="utf-8")
    wrong = runner.invoke(app, ["policy", "check", str(folder)])

    assert right.exit_code == 0, right.output
    assert "1 stories hold" in right.output
    assert wrong.exit_code == 1
    assert "nobody.yaml" in wrong.output


def test_a_bad_policy_is_named_by_file_and_line(runner: CliRunner, tmp_path: Path) -> None:
    folder = tmp_path / "policy"
    shutil.copytree(DEFAULT_POLICY, folder)
    routing = folder / "routing.yaml"
    routing.write_text(routing.read_text(encoding="utf-8").replace("fallback:", "falback:", 1), encoding="utf-8")

    said = runner.invoke(app, ["policy", "check", str(folder)])

    assert said.exit_code == 1
    assert "routing.yaml:" in said.output
    assert "falback" in said.output


def test_who_is_on_duty_is_said_for_any_instant(runner: CliRunner) -> None:
    arguments = ["roster", "who", "--folder", str(DEFAULT_POLICY), "--at", "2026-06-02T08:00:00", "--json"]

    said = runner.invoke(app, arguments)

    rows = [json.loads(line) for line in said.output.splitlines()]
    assert {row["type"] for row in rows} == {"technical", "billing", "service", "compliance"}
    assert all(row["owner"] == row["chain"][0] for row in rows)


def test_settings_are_printed_and_secrets_masked(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESCALON_KAFKA_SASL_PASSWORD", "hunter2")

    said = runner.invoke(app, ["settings", "router", "--json"])

    lines = {line["variable"]: line for line in map(json.loads, said.output.splitlines())}
    assert lines["ESCALON_KAFKA_SASL_PASSWORD"]["value"] == "***"
    assert lines["ESCALON_KAFKA_BOOTSTRAP_SERVERS"]["default"] == "required"
    assert "hunter2" not in said.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["escalation", "list"], "ESCALON_KAFKA_BOOTSTRAP_SERVERS"),
        (["settings", "barista"], "classifier, router, sla_monitor, notifier"),
        (["command", "reclassify", "zendesk-eu/1", "--by", "ana", "--reason", "x"], "--severity"),
    ],
)
def test_a_mistake_is_told_in_one_line(runner: CliRunner, arguments: list[str], says: str) -> None:
    said = runner.invoke(app, arguments)

    assert said.exit_code != 0
    assert says in said.output
    assert len(said.output.strip().splitlines()) == 1


def test_worked_examples_that_come_out_exit_0_one_that_differs_1_and_a_bad_file_2(
    runner: CliRunner, tmp_path: Path
) -> None:
    right, wrong = REPOSITORY / "tests/acceptance/sla_clock_cases.json", tmp_path / "wrong.json"
    wrong.write_text(right.read_text(encoding="utf-8").replace("2024-01-17T12:00:00Z", "2024-01-17T12:00:01Z"))

    said = [runner.invoke(app, ["clock", "check", str(path)]) for path in (right, wrong, tmp_path / "gone.json")]

    assert [one.exit_code for one in said] == [0, 1, 2]
    assert said[1].output == "chatwoot/2024-01-17 10:00: due at 2024-01-17T12:00:00Z, not 2024-01-17T12:00:01Z\n"


@pytest.mark.parametrize(
    ("target", "calendar", "due"),
    [
        ("15 min", None, "2026-04-02T13:15:00Z"),
        ("90 s", None, "2026-04-02T13:01:30Z"),
        ("24 h", "business", "2026-04-03T13:00:00Z"),
        ("4 working hours", "business", "2026-04-07T09:00:00Z"),
        ("3 business days", "business", "2026-04-09T13:00:00Z"),
        ("3 business days, end of day", "business", "2026-04-09T15:00:00Z"),
    ],
)
def test_a_single_deadline_is_worked_out(runner: CliRunner, target: str, calendar: str | None, due: str) -> None:
    options = [] if calendar is None else ["--calendar", calendar]
    asked = ["clock", "due", "--start", "2026-04-02T15:00:00+02:00", "--target", target, *options]

    said, for_programs = runner.invoke(app, asked), runner.invoke(app, [*asked, "--json"])

    assert said.output.startswith(due), said.output
    assert json.loads(for_programs.output)["due_at"] == due


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"--target": "1 day"}, "'1 day' is no target"),
        ({"--target": "2 business days"}, "needs a calendar"),
        ({"--target": "2 h, end of day"}, "only business days end"),
        ({"--start": "2026-04-02T15:00"}, "has no time zone"),
        ({"--start": "tomorrow"}, "'tomorrow' is no instant"),
        ({"--calendar": "night"}, "there is no calendar 'night'; allowed: business"),
    ],
)
def test_a_question_that_cannot_be_answered_is_told_in_one_line(
    runner: CliRunner, options: dict[str, str], says: str
) -> None:
    asked = {"--start": "2026-04-02T15:00:00Z", "--target": "1 h"} | options

    said = runner.invoke(app, ["clock", "due", *(word for pair in asked.items() for word in pair)])

    assert said.exit_code == 2
    assert says in said.output
    assert said.output.count("\n") == 1


@pytest.mark.parametrize(
    ("named", "instant"),
    [
        ("14:30", "2026-10-24T12:30:00Z"),
        ("09:00", "2026-10-25T08:00:00Z"),  # the clocks are set back that night
        ("02:30", "2026-10-25T00:30:00Z"),  # it comes twice: the first
        ("2026-10-26T10:00:00+02:00", "2026-10-26T08:00:00Z"),
        ("2026-10-26T10:00:00", "2026-10-26T09:00:00Z"),
    ],
)
def test_a_promised_time_of_day_is_the_next_one_on_that_clock(named: str, instant: str) -> None:
    now = datetime.fromisoformat("2026-10-24T12:00:00+02:00")
    assert promised_instant(named, zone_of("Europe/Berlin"), now) == datetime.fromisoformat(instant)


@pytest.mark.parametrize("named", ["soon", "25:00", "2026-13-01T10:00:00"])
def test_a_promised_time_that_is_none_is_told(named: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        promised_instant(named, zone_of("UTC"), datetime.fromisoformat("2026-10-24T12:00:00+02:00"))
    assert capsys.readouterr().err == f"escalon: --next-at {named}: write 14:30, or 2026-06-02T14:30:00+02:00\n"


def test_a_dry_run_that_is_not_for_what_runs_is_a_mistake(runner: CliRunner) -> None:
    said = runner.invoke(app, ["policy", "publish", str(DEFAULT_POLICY), "--dry-run"])

    assert said.exit_code == 2
    assert said.stderr == "escalon: --dry-run shows what --running would do: give both\n"


@pytest.mark.parametrize("when", ["tomorrow", "2026-06-30T17:00:00"])
def test_a_preventive_action_needs_an_instant(runner: CliRunner, when: str) -> None:
    asked = ["plan-action", "zendesk-eu/1", "alert", "--by", "mia", "--text", "an alert", "--kind", "process_gap"]
    said = runner.invoke(app, ["command", *asked, "--owner", "ben", when])

    assert said.exit_code == 2
    assert f"{when} is no instant; write it like 2026-06-30T17:00:00+02:00" in said.output

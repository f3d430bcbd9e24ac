"""A local installation: what it forgets, what its services are told, how a duration is written."""

from pathlib import Path

import pytest
import typer

from ops.commands.up import seconds_of
from ops.local.installation import Installation


def test_forgetting_keeps_what_it_did_not_store_and_may_be_repeated(tmp_path: Path) -> None:
    stored = ("kafka/log/meta.properties", "router/escalations.db", "clock.json", "run.json", "logs/up.log")
    kept = ("kafka/lib/kafka.jar", "setup.stamp", "test-results/unit.txt")
    for name in (*stored, *kept):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    here = Installation(tmp_path, 24000)

    here.forget()
    here.forget()

    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()) == sorted(
        kept
    )


def test_a_service_is_told_of_this_kafka_only_and_writes_to_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESCALON_KAFKA_BOOTSTRAP_SERVERS", "production:9092")
    monkeypatch.setenv("ESCALON_KAFKA_SASL_PASSWORD", "secret")
    monkeypatch.setenv("SCHEMA_REGISTRY_URL", "http://production:8081")
    monkeypatch.setenv("ESCALON_LOG_LEVEL", "DEBUG")
    monkeypatch.delenv("ESCALON_SHADOW", raising=False)

    told = [service.environment for service in Installation(tmp_path, 24000).services()]

    assert {one["ESCALON_KAFKA_BOOTSTRAP_SERVERS"] for one in told} == {"127.0.0.1:24000"}
    assert {one["ESCALON_SHADOW"] for one in told} == {"true"}
    assert {one["ESCALON_LOG_LEVEL"] for one in told} == {"DEBUG"}
    assert not {"SCHEMA_REGISTRY_URL", "ESCALON_KAFKA_SASL_PASSWORD"} & set(told[0])
    assert sorted(one["ESCALON_HEALTH_PORT"] for one in told) == ["24002", "24003", "24004", "24005", "24006"]


def test_who_wants_the_channels_in_the_demo_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESCALON_SHADOW", "false")

    assert Installation(tmp_path, 24000).services()[0].environment["ESCALON_SHADOW"] == "false"


@pytest.mark.parametrize(("written", "seconds"), [("90", 90), ("120s", 120), ("1.5m", 90), ("1h", 3600)])
def test_a_duration_is_read_as_people_write_it(written: str, seconds: float) -> None:
    assert seconds_of(written) == seconds


@pytest.mark.parametrize("written", ["", "soon", "-5s", "5 weeks"])
def test_what_is_no_duration_ends_the_command(written: str) -> None:
    with pytest.raises(typer.Exit):
        seconds_of(written)

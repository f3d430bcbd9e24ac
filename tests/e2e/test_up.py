"""`escalon up` as a newcomer meets it: it starts, plays, stops, goes on; and says in one line what is missing."""

import os
import socket
from pathlib import Path

import pytest

from tests.harness.up import all_free, an_up, free_ports

pytestmark = pytest.mark.timeout(180)


def _opened(lines: list[str]) -> set[str]:
    return {line.split()[1] for line in lines if "escalation opened" in line}


def test_it_plays_for_as_long_as_was_asked_and_the_next_run_goes_on_where_it_stood(tmp_path: Path) -> None:
    port = free_ports()

    with an_up(tmp_path, port, "--for", "15s") as first:
        assert first.ended(90) == 0, first.complaints
        lines = first.lines
    assert len(_opened(lines)) >= 2
    assert any("new owner → ana.ferreira (sink)" in line for line in lines)
    assert any("acknowledgement → customer" in line or "call customer → " in line for line in lines)
    assert all_free(port)
    assert not (tmp_path / "local" / "run.json").exists()

    with an_up(tmp_path, port, "--for", "8s") as second:
        assert second.ended(90) == 0, second.complaints
        again = second.lines
    assert any(line.startswith("0 topics created, 0 of policy and roster published") for line in again)
    assert any("ready: it is Tuesday 02 June 2026, 08:1" in line for line in again)
    assert _opened(again)
    assert not _opened(lines) & _opened(again)
    assert not {line for line in lines if "→" in line} & {line for line in again if "→" in line}
    assert all_free(port)


def test_ctrl_c_stops_all_within_ten_seconds_and_a_second_run_beside_it_is_refused(tmp_path: Path) -> None:
    port = free_ports()
    with an_up(tmp_path, port) as run:
        run.until("ready: it is Tuesday 02 June 2026, 08:00")
        with an_up(tmp_path / "beside", port) as beside:
            assert beside.ended(30) == 1
            assert "is taken" in beside.complaints[0]
        (tmp_path / "again").mkdir()
        (tmp_path / "again" / "local").symlink_to(tmp_path / "local")
        with an_up(tmp_path / "again", free_ports()) as again:
            assert again.ended(30) == 1
            assert "`escalon up` runs already" in again.complaints[0]

        assert run.interrupt() < 10
        assert run.ended(1) == 0
        assert run.complaints == []
    assert all_free(port)


def test_ctrl_c_while_kafka_starts_leaves_nothing_behind(tmp_path: Path) -> None:
    port = free_ports()
    with an_up(tmp_path, port) as run:
        run.until("starting Kafka")

        assert run.interrupt() < 10
        assert run.ended(1) == 0
    assert all_free(port)


def test_a_port_that_is_taken_is_told_in_one_line_with_what_to_set(tmp_path: Path) -> None:
    port = free_ports()
    with socket.create_server(("127.0.0.1", port + 2)), an_up(tmp_path, port) as run:
        assert run.ended(30) == 1

    assert len(run.complaints) == 1
    assert f"port {port + 2} is taken, and the health of the classifier needs it" in run.complaints[0]
    assert "ESCALON_LOCAL_PORT" in run.complaints[0]


def test_a_machine_without_java_is_told_so_in_one_line(tmp_path: Path) -> None:
    empty = tmp_path / "bin"
    empty.mkdir()
    with an_up(tmp_path, free_ports(), path=os.fspath(empty)) as run:
        assert run.ended(30) == 1

    assert len(run.complaints) == 1
    assert "no Java" in run.complaints[0]
    assert "apt install openjdk-17-jre-headless" in run.complaints[0]


def test_a_duration_that_is_none_is_told_before_anything_starts(tmp_path: Path) -> None:
    with an_up(tmp_path, free_ports(), "--for", "soon") as run:
        assert run.ended(30) == 2

    assert run.complaints == ["escalon: --for soon: a duration is written 90s, 5m or 1h"]

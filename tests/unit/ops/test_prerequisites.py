"""What is missing on a machine is told in one clear line."""

import socket
from pathlib import Path

import pytest

from chassis.errors import StartUpError
from ops.local.ports import is_free, listens
from ops.local.prerequisites import check_java, check_maven, check_port, java_version
from tests.harness.ports import free_port


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_401"', 8),
        ('openjdk version "25" 2025-09-16', 25),
        ("no such thing", None),
    ],
)
def test_the_version_of_java_is_read_from_what_it_prints(told: str, version: int | None) -> None:
    assert java_version(told) == version


def test_no_java_and_no_maven_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(StartUpError, match=r"no Java: .*openjdk-17-jre-headless"):
        check_java()
    with pytest.raises(StartUpError, match=r"no Maven: .*apt install maven"):
        check_maven()


def test_a_java_that_is_too_old_is_named_with_its_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(StartUpError, match=r"Java is too old: .* is version 11"):
        check_java()


def test_a_port_that_is_taken_is_named_with_who_needs_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]

        assert not is_free(port)
        assert listens(port)
        with pytest.raises(StartUpError, match=f"port {port} is taken, and Kafka needs it"):
            check_port(port, "Kafka")


def test_a_free_port_is_free() -> None:
    port = free_port()

    assert is_free(port)
    assert not listens(port)

"""A broker from its jars: what it keeps, and how it ends."""

import dataclasses
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from chassis.errors import StartUpError
from ops.local.kafka import ARCHIVE, DEFAULT_LIB, LocalKafka, remember_classes
from ops.local.ports import is_free, listens
from ops.local.process import ServerCommand, ServerProcess
from tests.harness.kafka import a_local_kafka
from tests.harness.ports import free_port
from tests.harness.waiting import eventually_blocking


def test_a_stopped_broker_starts_again_on_other_ports_and_ends_twice(own_kafka: LocalKafka) -> None:
    own_kafka.stop()
    assert own_kafka.pid is None
    moved = LocalKafka(dataclasses.replace(own_kafka.place, port=free_port(), controller_port=free_port()))

    moved.start()
    assert listens(moved.place.port)

    moved.stop()
    moved.stop()
    assert is_free(moved.place.port)


def test_a_broker_takes_its_classes_from_the_archive_beside_its_jars() -> None:
    remember_classes()  # nothing is left to do where `make setup` did it

    with a_local_kafka() as broker:
        assert str(DEFAULT_LIB / ARCHIVE) in Path(f"/proc/{broker.pid}/maps").read_text()


def test_a_second_broker_on_a_port_that_is_taken_is_refused_in_one_line(own_kafka: LocalKafka) -> None:
    with pytest.raises(StartUpError, match=f"port {own_kafka.place.port} is taken, and Kafka needs it"):
        LocalKafka(own_kafka.place).start()


def test_a_broker_that_cannot_start_says_why(own_kafka: LocalKafka) -> None:
    # The same store under other ports: the first broker holds its lock.
    second = LocalKafka(dataclasses.replace(own_kafka.place, port=free_port(), controller_port=free_port()))

    with pytest.raises(StartUpError, match="Kafka ended while starting"):
        second.start()


def _server(code: str, tmp_path: Path) -> ServerProcess:
    server = ServerProcess(ServerCommand([sys.executable, "-c", code], log=tmp_path / "log", directory=tmp_path))
    eventually_blocking((tmp_path / "log").read_text, what="the server speaks")
    return server


def test_a_server_that_ignores_the_request_to_end_is_killed(tmp_path: Path) -> None:
    server = _server(
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); signal.pause()", tmp_path
    )

    server.stop(timedelta(seconds=0.2))

    assert not server.is_running()


def test_the_last_words_of_a_server_are_its_errors(tmp_path: Path) -> None:
    server = _server("print('fine'); print('ERROR disk is full'); print('bye', flush=True)", tmp_path)

    eventually_blocking(lambda: not server.is_running())

    assert server.last_words() == "ERROR disk is full"

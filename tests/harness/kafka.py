"""The real Kafka of a test run: the one given, else one in Docker, else Apache Kafka from its jars. Never none."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testcontainers.community.kafka import KafkaContainer

from ops.local.kafka import KafkaPlace, LocalKafka
from tests.harness.docker import docker_answers
from tests.harness.ports import free_port
from tests.harness.settings import HarnessSettings

_IMAGE = "confluentinc/cp-kafka:8.1.0"
_empty_store: dict[str, bytes] = {}
"""What Kafka's own tool writes into an empty store; each run of it takes a second or two of a processor."""


@contextmanager
def a_kafka() -> Iterator[str]:
    """Give the bootstrap address of a Kafka that is there until the end of the block."""
    given = HarnessSettings().kafka
    if given:
        yield given
    elif docker_answers():
        with _in_docker() as address:
            yield address
    else:
        with a_local_kafka() as broker:
            yield broker.bootstrap_servers


@contextmanager
def a_local_kafka() -> Iterator[LocalKafka]:
    """Give a broker of the test's own that it may stop, kill and start again."""
    home = Path(tempfile.mkdtemp(prefix="escalon-kafka-"))
    broker = LocalKafka(KafkaPlace(home, free_port(), free_port()))
    _format(home / "log")
    broker.start()
    try:
        _remember_format(home / "log")
        yield broker
    finally:
        broker.stop()
        shutil.rmtree(home, ignore_errors=True)


def _format(store: Path) -> None:
    """Write what Kafka's own tool would, where it has been run by this process before."""
    for name, content in _empty_store.items():
        store.mkdir(exist_ok=True)
        (store / name).write_bytes(content)


def _remember_format(store: Path) -> None:
    for name in ("meta.properties", "bootstrap.checkpoint"):
        _empty_store.setdefault(name, (store / name).read_bytes())


@contextmanager
def _in_docker() -> Iterator[str]:
    container = (
        KafkaContainer(_IMAGE)
        .with_kraft()
        .with_env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false")
        .with_env("KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS", "0")
        .with_env("KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS", "8")
        .with_env("KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR", "1")
    )
    with container as running:
        yield running.get_bootstrap_server()

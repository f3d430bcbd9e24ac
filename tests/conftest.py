"""Fixtures of every shelf: the real Kafka and PostgreSQL, a free port, and ears for unexpected errors."""

import logging
import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import URL

from ops.local.kafka import LocalKafka
from tests.harness import ports
from tests.harness.error_log import ErrorRecorder
from tests.harness.kafka import a_kafka, a_local_kafka
from tests.harness.postgres import a_database, a_postgres_server


def pytest_configure(config: pytest.Config) -> None:
    """Declare our markers."""
    config.addinivalue_line("markers", "expects_errors: the test makes something fail, so errors in the log are right")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have what may take longest begin first, so that no worker is left alone with it in the end."""
    items.sort(key=_limit_seconds, reverse=True)


def _limit_seconds(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    return 0.0 if marker is None else float(marker.args[0])


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """Give the bootstrap address of the run's one Kafka; take topic and group names from `unique`."""
    with a_kafka() as address:
        yield address


@pytest.fixture
def own_kafka() -> Iterator[LocalKafka]:
    """Give a broker of this test's own, which it may stop, kill and start again. It costs 3 s."""
    with a_local_kafka() as broker:
        yield broker


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """Give the run's one PostgreSQL server."""
    with a_postgres_server() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: URL) -> Iterator[str]:
    """Give the SQLAlchemy URL (driver psycopg) of an empty database of this test's own."""
    with a_database(postgres_server) as url:
        yield url


@pytest.fixture
def unique() -> str:
    """Give a prefix for topics, groups and ids that no other test, and no other run, uses."""
    return f"t{uuid.uuid4().hex[:10]}"


@pytest.fixture
def free_port() -> int:
    """Give a TCP port of the loopback address that is free."""
    return ports.free_port()


@pytest.fixture(autouse=True)
def no_unexpected_errors(request: pytest.FixtureRequest) -> Iterator[ErrorRecorder]:
    """Fail a test that caused an error in the log, unless it is marked `expects_errors`; gives what was heard."""
    recorder = ErrorRecorder()
    logging.getLogger().addHandler(recorder)
    yield recorder
    logging.getLogger().removeHandler(recorder)
    if recorder.heard and request.node.get_closest_marker("expects_errors") is None:
        pytest.fail("errors in the log that the test did not expect:\n  " + "\n  ".join(recorder.heard), pytrace=False)

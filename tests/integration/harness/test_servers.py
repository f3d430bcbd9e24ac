"""The servers that the other tests stand on are real, and each test's own."""

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from ops.local.kafka import LocalKafka
from tests.harness.postgres import a_database, a_restartable_postgres


async def _create(address: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()


async def _send(address: str, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=address) as producer:
        await producer.send_and_wait(topic, value)


async def _first(address: str, topic: str) -> bytes | None:
    async with AIOKafkaConsumer(topic, bootstrap_servers=address, auto_offset_reset="earliest") as consumer:
        value: bytes | None = (await consumer.getone()).value
    return value


async def test_what_is_sent_to_kafka_is_read_from_it(kafka: str, unique: str) -> None:
    await _create(kafka, unique)

    await _send(kafka, unique, b"hello")

    assert await _first(kafka, unique) == b"hello"


async def test_a_broker_that_was_killed_comes_back_with_what_it_acknowledged(own_kafka: LocalKafka) -> None:
    await _create(own_kafka.bootstrap_servers, "kept")
    await _send(own_kafka.bootstrap_servers, "kept", b"acknowledged")

    own_kafka.kill()
    own_kafka.start()

    assert await _first(own_kafka.bootstrap_servers, "kept") == b"acknowledged"


def test_a_test_gets_an_empty_postgresql_database(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        version = connection.execute(text("SELECT version()")).scalar_one()
        tables = connection.execute(
            text("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'")
        ).scalar_one()
    engine.dispose()

    assert version.startswith("PostgreSQL")
    assert tables == 0


async def test_a_postgresql_that_crashed_comes_back_with_what_it_committed() -> None:
    with a_restartable_postgres() as server, a_database(server.address) as url:
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE kept AS SELECT 'committed' AS word"))
        before = server.pid
        broken = engine.connect()

        await server.restart_at_once()

        assert server.pid != before
        with pytest.raises(OperationalError):
            broken.execute(text("SELECT 1"))
        broken.close()
        with engine.begin() as connection:
            assert connection.execute(text("SELECT word FROM kept")).scalar_one() == "committed"
        engine.dispose()

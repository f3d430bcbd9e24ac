"""The catalogue's topics on a real broker of their own, since their names are fixed."""

from collections.abc import Iterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from chassis.errors import StartUpError
from chassis.settings import KafkaSettings
from ops.local.kafka import LocalKafka
from ops.topics import apply_topics, check_topics, list_topics, wanted_topics
from tests.harness.kafka import a_local_kafka


@pytest.fixture(scope="module")
def broker() -> Iterator[LocalKafka]:
    with a_local_kafka() as broker:
        yield broker


@pytest.fixture
def settings(broker: LocalKafka) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=broker.bootstrap_servers)


async def _config(settings: KafkaSettings, topic: str, name: str) -> str:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap_servers)
    await admin.start()
    [response] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {name: None})])
    await admin.close()
    value: str = response.resources[0][4][0][1]
    return value


async def test_missing_topics_are_named_then_created_then_there(settings: KafkaSettings) -> None:
    with pytest.raises(StartUpError, match=r"tickets\.v1 is missing.*roster\.v1 is missing"):
        await check_topics(settings)

    created = await apply_topics(settings)

    assert set(created) == {spec.name for spec in wanted_topics()}
    assert [state.problem for state in await list_topics(settings) if state.problem] == []
    assert await _config(settings, "tickets.v1", "max.message.bytes") == str(4 * 1024 * 1024)
    assert await _config(settings, "policies.v1", "cleanup.policy") == "compact"


async def test_applying_again_creates_nothing(settings: KafkaSettings) -> None:
    await apply_topics(settings)

    assert await apply_topics(settings) == ()


async def test_another_partition_count_is_named_and_left_as_it_is(settings: KafkaSettings) -> None:
    await apply_topics(settings)

    with pytest.raises(StartUpError, match=r"tickets\.v1 has 8 partitions and needs 4"):
        await apply_topics(settings, partitions=4)

    await check_topics(settings)


async def test_a_broker_that_is_not_there_is_named_in_one_line(free_port: int) -> None:
    with pytest.raises(StartUpError, match=f"no Kafka answers at 127.0.0.1:{free_port}"):
        await check_topics(KafkaSettings(bootstrap_servers=f"127.0.0.1:{free_port}"))

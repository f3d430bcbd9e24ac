"""Topics of a test's own."""

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError

from tests.harness.waiting import eventually


async def create_topics(bootstrap: str, *names: str, partitions: int = 1) -> None:
    """Create topics; returns when the broker has them."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics(
            [NewTopic(name=name, num_partitions=partitions, replication_factor=1) for name in names]
        )
    finally:
        await admin.close()


async def configure(bootstrap: str, topic: str, settings: dict[str, str]) -> None:
    """Set a topic's settings, and take back all others."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=settings)])
    finally:
        await admin.close()


async def delete_topic(bootstrap: str, topic: str) -> None:
    """Delete a topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([topic])
    finally:
        await admin.close()


async def delete_records(bootstrap: str, topic: str, before: dict[int, int]) -> None:
    """Delete what stands before an offset in each partition, as retention does: at once, and for ever."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        places = {TopicPartition(topic, number): RecordsToDelete(offset) for number, offset in before.items()}
        await admin.delete_records(places)
    finally:
        await admin.close()


async def make_anew(bootstrap: str, topic: str, partitions: int = 1) -> None:
    """Delete a topic and create it again, empty: what nobody should do, and somebody does."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([topic])
        await eventually(lambda: _made(admin, topic, partitions), 30, what=f"{topic} is made anew")
    finally:
        await admin.close()
    # For a moment a broker goes on with the old log, and deletes what it then takes along with it.
    await eventually(lambda: _is_empty(bootstrap, topic, partitions), 30, what=f"{topic} is empty")


async def _is_empty(bootstrap: str, topic: str, partitions: int) -> bool:
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
        ends = await consumer.end_offsets([TopicPartition(topic, number) for number in range(partitions)])
    return not any(ends.values())


async def _made(admin: AIOKafkaAdminClient, topic: str, partitions: int) -> bool:
    try:
        await admin.create_topics([NewTopic(name=topic, num_partitions=partitions, replication_factor=1)])
    except TopicAlreadyExistsError:
        # Its deletion is still under way.
        return False
    return True

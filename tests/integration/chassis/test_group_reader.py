"""A partition that is taken away while a replica begins on it is no error: the next assignment says what is to do."""

import pytest

from chassis.errors import RetryableError
from chassis.group_reader import GroupListener, GroupReader
from chassis.records import TopicPartition
from chassis.settings import KafkaSettings
from chassis.subscription import Subscription
from tests.harness.topics import create_topics
from tests.harness.waiting import eventually


async def test_a_partition_revoked_while_it_is_begun_is_tried_again(kafka: str, unique: str) -> None:
    await create_topics(kafka, unique)
    held: list[frozenset[TopicPartition]] = []

    async def revoked(_partitions: frozenset[TopicPartition]) -> None:
        held.clear()

    subscription = Subscription(service="router", group=unique, topics=(unique,))
    reader = GroupReader(KafkaSettings(bootstrap_servers=kafka), subscription)
    await reader.start(GroupListener(revoked, held.append))
    try:
        await eventually(lambda: bool(held), 60, what="the partition is assigned")
        gone = TopicPartition(unique, 7)
        with pytest.raises(RetryableError, match="was revoked"):
            await reader.begin({gone: 0}, gone)
    finally:
        await reader.stop()

"""The producer on a real Kafka: order, partitions, acknowledgement, and a broker that goes away."""

import asyncio

import pytest
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.partitioner import murmur2
from prometheus_client import CollectorRegistry

from chassis.errors import RetryableError, StartUpError
from chassis.metrics import ProducerMetrics
from chassis.producer import Producer
from chassis.records import Outgoing
from chassis.settings import KafkaSettings
from ops.local.kafka import LocalKafka
from tests.harness.topics import create_topics
from tests.integration.chassis.workbench import read


async def test_more_than_a_batch_holds_keeps_its_order(kafka: str, unique: str) -> None:
    settings = KafkaSettings(bootstrap_servers=kafka)
    await create_topics(kafka, unique)
    values = [number.to_bytes(4, "big") * 500 for number in range(1000)]
    async with Producer(settings, "test") as producer:
        await producer.send_batch([Outgoing(unique, b"k", value) for value in values])
    assert [record.value for record in await read(settings, unique, 1000)] == values


async def test_a_key_goes_where_kafkas_own_murmur2_puts_it_and_headers_go_along(kafka: str, unique: str) -> None:
    settings = KafkaSettings(bootstrap_servers=kafka)
    await create_topics(kafka, unique, partitions=5)
    keys = [f"zendesk/{number}".encode() for number in range(50)]
    async with Producer(settings, "test") as producer:
        await producer.send_batch([Outgoing(unique, key, b"v", (("ce_id", key),)) for key in keys])
    for record in await read(settings, unique, 50):
        assert record.key is not None
        assert record.partition == (murmur2(record.key) & 0x7FFFFFFF) % 5
        assert record.headers == (("ce_id", record.key),)


async def test_what_is_acknowledged_is_counted(kafka: str, unique: str) -> None:
    registry = CollectorRegistry()
    await create_topics(kafka, unique)
    async with Producer(KafkaSettings(bootstrap_servers=kafka), "test", ProducerMetrics(registry)) as producer:
        await producer.send_batch([Outgoing(unique, b"k", b"v")] * 3)
        await producer.send_batch([])
    assert registry.get_sample_value("escalon_producer_records_total", {"topic": unique}) == 3


async def test_a_topic_that_is_not_there_yet_may_heal(kafka: str, unique: str) -> None:
    settings = KafkaSettings(bootstrap_servers=kafka, request_timeout_ms=1000)
    async with Producer(settings, "test") as producer:
        with pytest.raises(RetryableError, match=unique):
            await producer.send_batch([Outgoing(unique, b"k", b"v")])
        await create_topics(kafka, unique)
        await producer.send_batch([Outgoing(unique, b"k", b"v")])


@pytest.mark.expects_errors
async def test_no_broker_is_a_start_up_error(free_port: int) -> None:
    with pytest.raises(StartUpError, match=f"127.0.0.1:{free_port}"):
        async with Producer(KafkaSettings(bootstrap_servers=f"127.0.0.1:{free_port}"), "test"):
            raise AssertionError("unreachable")


@pytest.mark.expects_errors
async def test_a_send_waits_for_a_broker_that_was_killed_and_nothing_is_lost_or_doubled(
    own_kafka: LocalKafka, unique: str
) -> None:
    settings = KafkaSettings(bootstrap_servers=own_kafka.bootstrap_servers, request_timeout_ms=2000)
    await create_topics(own_kafka.bootstrap_servers, unique)
    async with Producer(settings, "test") as producer:
        await producer.send_batch([Outgoing(unique, b"k", b"before")])
        own_kafka.kill()
        sending = asyncio.create_task(producer.send_batch([Outgoing(unique, b"k", b"during")]))
        await asyncio.to_thread(own_kafka.start)
        async with asyncio.timeout(60):
            await sending
            await producer.send_batch([Outgoing(unique, b"k", b"after")])
    assert [record.value for record in await read(settings, unique, 3)] == [b"before", b"during", b"after"]


async def test_a_gap_in_the_sequence_ends_one_send_and_none_after_it(kafka: str, unique: str) -> None:
    settings = KafkaSettings(bootstrap_servers=kafka)
    await create_topics(kafka, unique)
    async with Producer(settings, "test") as producer:
        await producer.send_batch([Outgoing(unique, b"k", b"before")])
        # As aiokafka itself does to a batch that had no leader for too long: numbered, and given up.
        producer._kafka._txn_manager.increment_sequence_number(KafkaPartition(unique, 0), 1)
        with pytest.raises(RetryableError, match="OutOfOrderSequenceNumber"):
            await producer.send_batch([Outgoing(unique, b"k", b"refused")])
        await producer.send_batch([Outgoing(unique, b"k", b"after")])
    assert [record.value for record in await read(settings, unique, 2)] == [b"before", b"after"]

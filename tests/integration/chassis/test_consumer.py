"""The consumer on a real Kafka: order, the three outcomes, where it goes on after a stop."""

import asyncio
import struct
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from aiokafka import AIOKafkaProducer
from prometheus_client import CollectorRegistry

from chassis.consumer import Hooks
from chassis.errors import HeldError, LostOwnershipError, RejectedMessageError, RetryableError, StartUpError
from chassis.metrics import ConsumerMetrics
from chassis.records import Batch, Outgoing, TopicPartition
from tests.harness.topics import create_topics
from tests.harness.waiting import eventually
from tests.integration.chassis.workbench import Workbench, a_workbench, header, running


@pytest.fixture
async def bench(kafka: str, unique: str) -> AsyncIterator[Workbench]:
    async with a_workbench(kafka, unique) as workbench:
        yield workbench


async def test_each_key_keeps_its_order_over_many_partitions(kafka: str, unique: str) -> None:
    async with a_workbench(kafka, unique, partitions=4) as bench:
        keys = [f"key{number}" for number in range(20)]
        for turn in range(30):
            await bench.producer.send_batch(
                [Outgoing(bench.topic, key.encode(), f"{key}:{turn}".encode()) for key in keys]
            )
        async with running(bench.consumer()):
            await eventually(lambda: len(bench.seen) == 600)
        seen = bench.seen
    for key in keys:
        assert [word for word in seen if word.startswith(f"{key}:")] == [f"{key}:{turn}" for turn in range(30)]


async def test_garbage_null_and_oversized_records_are_put_aside_untouched_and_the_line_goes_on(
    bench: Workbench,
) -> None:
    large = b"x" * 2 * 1024 * 1024
    values = [b"good", b"\x00\xff\x17", None, large, b"skip", b"better"]
    await bench.producer.send_batch(
        [Outgoing(bench.topic, b"k", value, (("ce_id", b"7"),)) for value in values],
    )
    async with running(bench.consumer()):
        await eventually(lambda: bench.seen == ["good", "better"])
        letters = await bench.dead_letters(3)
    assert [letter.value for letter in letters] == [b"\x00\xff\x17", None, large]
    assert [letter.key for letter in letters] == [b"k"] * 3
    garbage = letters[0]
    assert header(garbage, "ce_id") == b"7"
    assert header(garbage, "__connect.errors.topic") == bench.topic.encode()
    assert header(garbage, "__connect.errors.offset") == b"1"
    assert header(garbage, "kafka_dlt-original-partition") == struct.pack(">i", 0)
    assert header(garbage, "kafka_dlt-original-offset") == struct.pack(">q", 1)
    assert header(garbage, "kafka_dlt-exception-fqcn") == b"chassis.errors.RejectedMessageError"


async def test_a_message_the_handler_rejects_is_put_aside_and_the_rest_of_its_batch_is_handled_once(
    bench: Workbench,
) -> None:
    async def rejecting(batch: Batch[str]) -> None:
        for item in batch.items:
            if item.message == "bad":
                raise RejectedMessageError("not wanted", offset=item.record.offset)
        await bench.keep(batch)

    await bench.publish("one", "bad", "two")
    async with running(bench.consumer(rejecting)):
        await eventually(lambda: bench.seen == ["one", "two"])
        (letter,) = await bench.dead_letters(1)
    assert letter.value == b"bad"
    assert header(letter, "__connect.errors.stage") == b"TASK_PUT"


async def test_what_is_tried_again_is_not_overtaken(bench: Workbench) -> None:
    failures = iter([True, True, False, False, False])

    async def failing(batch: Batch[str]) -> None:
        if next(failures):
            raise RetryableError("the world has to heal")
        await bench.keep(batch)

    await bench.publish("one", "two")
    async with running(bench.consumer(failing)):
        await bench.publish("three")
        await eventually(lambda: bench.seen == ["one", "two", "three"])


async def test_a_partition_that_waits_keeps_no_other_waiting(kafka: str, unique: str) -> None:
    async def stuck_on_zero(batch: Batch[str]) -> None:
        if batch.partition == 0:
            raise RetryableError("nothing goes here")
        await desk.keep(batch)

    async with a_workbench(kafka, unique, partitions=2) as bench:
        desk = bench
        stuck, free = Outgoing(bench.topic, b"k", b"stuck", (), 0), Outgoing(bench.topic, b"k", b"free", (), 1)
        await bench.producer.send_batch([stuck])
        async with running(bench.consumer(stuck_on_zero)) as task:
            for _ in range(3):
                before = len(bench.seen)
                await bench.producer.send_batch([free])
                await eventually(lambda: len(bench.seen) > before)  # noqa: B023
            assert not task.done()
    assert set(bench.seen) == {"free"}


async def test_a_held_batch_goes_on_behind_what_was_done_of_it(bench: Workbench) -> None:
    allowed = asyncio.Event()

    async def holding(batch: Batch[str]) -> None:
        words = [item.message for item in batch.items]
        if "wait" in words and not allowed.is_set():
            done = words.index("wait")
            await bench.keep(batch.first(done))
            raise HeldError("evidence is missing", handled=done, retry_after=timedelta(milliseconds=50))
        await bench.keep(batch)

    await bench.publish("one", "two", "wait", "three")
    consumer = bench.consumer(holding)
    async with running(consumer):
        await eventually(lambda: consumer.position(TopicPartition(bench.topic, 0)) == 2)
        allowed.set()
        await eventually(lambda: len(bench.seen) >= 4)
    assert bench.seen == ["one", "two", "wait", "three"]
    assert [batch.position for batch in bench.batches if batch.items] == [0, 2]


async def test_a_restart_goes_on_where_it_stopped(bench: Workbench) -> None:
    await bench.publish("one", "two")
    async with running(bench.consumer()):
        await eventually(lambda: bench.seen == ["one", "two"])
    await bench.publish("three")
    async with running(bench.consumer()):
        await eventually(lambda: "three" in bench.seen)
    assert bench.seen == ["one", "two", "three"]


async def test_lag_and_position_are_shown_while_a_partition_is_held_and_not_after(bench: Workbench) -> None:
    registry = CollectorRegistry()
    labels = {"topic": bench.topic, "partition": "0"}
    await bench.publish("one", "two")
    async with running(bench.consumer(hooks=Hooks(metrics=ConsumerMetrics(registry)))):
        await eventually(lambda: registry.get_sample_value("escalon_consumer_position_offset", labels) == 2)
        assert registry.get_sample_value("escalon_consumer_lag_records", labels) == 0
        assert registry.get_sample_value("escalon_consumer_records_total", {"topic": bench.topic}) == 2
    assert registry.get_sample_value("escalon_consumer_lag_records", labels) is None


async def test_a_bug_stops_the_consumer_with_nothing_of_the_batch_committed(bench: Workbench) -> None:
    async def buggy(_: Batch[str]) -> None:
        raise ZeroDivisionError

    await bench.publish("one")
    consumer = bench.consumer(buggy)
    with pytest.raises(ZeroDivisionError):
        async with asyncio.timeout(20):
            await consumer.run()
    async with running(bench.consumer()):
        await eventually(lambda: bench.seen == ["one"])


async def test_a_first_start_from_now_on_does_not_see_what_was_there_and_never_loses_what_came_after(
    bench: Workbench,
) -> None:
    await bench.publish("old")
    from_now = replace(bench.subscription, from_beginning=False)
    async with running(bench.consumer(subscription=from_now)):
        pass
    await bench.publish("new")
    async with running(bench.consumer(subscription=from_now)):
        await eventually(lambda: bench.seen)
    assert bench.seen == ["new"]


class InMemoryPositions:
    """Keeps positions as a service's store would."""

    def __init__(self, stored: dict[TopicPartition, int]) -> None:
        self.stored = stored

    async def load(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        return {place: self.stored[place] for place in partitions if place in self.stored}


async def test_positions_of_the_service_go_before_those_of_the_group_and_never_have_gaps(bench: Workbench) -> None:
    place = TopicPartition(bench.topic, 0)
    await bench.publish("one", "two", "17", "three", "18")
    positions = InMemoryPositions({place: 1})

    async def storing(batch: Batch[str]) -> None:
        assert positions.stored[place] == batch.position
        await bench.keep(batch)
        positions.stored[place] = batch.next_position

    async with running(bench.consumer(storing, hooks=Hooks(positions=positions))):
        await eventually(lambda: positions.stored[place] == 5)
    assert bench.seen == ["two", "three"]


async def test_a_partition_that_ends_in_a_transactions_marker_is_read_to_its_end_without_gaps(bench: Workbench) -> None:
    place = TopicPartition(bench.topic, 0)
    positions = InMemoryPositions({place: 0})

    async def storing(batch: Batch[str]) -> None:
        assert positions.stored[place] == batch.position
        await bench.keep(batch)
        positions.stored[place] = batch.next_position

    async def read_to_the_end() -> bool:
        ends = await consumer.end_offsets([place])
        return consumer.position(place) == positions.stored[place] == ends[place]

    consumer = bench.consumer(storing, hooks=Hooks(positions=positions))
    async with running(consumer):
        for words in (["one"], ["two", "three"], []):
            await _in_a_transaction(bench, words)
            await eventually(read_to_the_end)
    assert bench.seen == ["one", "two", "three"]
    assert positions.stored[place] == 5


async def _in_a_transaction(bench: Workbench, words: Collection[str]) -> None:
    writer = AIOKafkaProducer(bootstrap_servers=bench.settings.bootstrap_servers, transactional_id=bench.topic)
    async with writer, writer.transaction():
        for word in words:
            await writer.send(bench.topic, word.encode(), partition=0)


async def test_a_batch_another_replica_has_done_is_dropped_and_reading_goes_on_from_what_is_stored(
    bench: Workbench,
) -> None:
    place = TopicPartition(bench.topic, 0)
    positions = InMemoryPositions({place: 0})

    async def overtaken(batch: Batch[str]) -> None:
        if positions.stored[place] == 0:
            positions.stored[place] = 2
            raise LostOwnershipError("someone was faster")
        await bench.keep(batch)
        positions.stored[place] = batch.next_position

    await bench.publish("one", "two", "three")
    async with running(bench.consumer(overtaken, hooks=Hooks(positions=positions))):
        await eventually(lambda: bench.seen == ["three"])


async def test_a_stop_finishes_the_batch_in_hand_and_is_over_within_seconds(bench: Workbench) -> None:
    begun, asked = asyncio.Event(), asyncio.Event()

    async def slow(batch: Batch[str]) -> None:
        begun.set()
        await asked.wait()
        await bench.keep(batch)

    await bench.publish("one")
    consumer = bench.consumer(slow)
    task = asyncio.create_task(consumer.run())
    await asyncio.wait_for(begun.wait(), 20)
    consumer.stop()
    asked.set()
    await asyncio.wait_for(task, 8)
    assert bench.seen == ["one"]


async def test_a_stop_does_not_wait_for_a_back_off(bench: Workbench) -> None:
    tried = asyncio.Event()

    async def failing(_: Batch[str]) -> None:
        tried.set()
        raise HeldError("not for an hour", handled=0, retry_after=timedelta(hours=1))

    await bench.publish("one")
    consumer = bench.consumer(failing)
    task = asyncio.create_task(consumer.run())
    await asyncio.wait_for(tried.wait(), 20)
    consumer.stop()
    await asyncio.wait_for(task, 4)


async def test_partitions_that_are_taken_away_when_it_has_ended_end_nothing_more(bench: Workbench) -> None:
    lost: list[frozenset[TopicPartition]] = []

    async def on_revoked(partitions: frozenset[TopicPartition]) -> None:
        lost.append(partitions)

    consumer = bench.consumer(hooks=Hooks(on_revoked=on_revoked))
    async with running(consumer):
        held = consumer.assigned

    await consumer._revoked(held)

    assert lost == [held]


async def test_two_members_share_the_same_partitions_of_all_topics(kafka: str, unique: str) -> None:
    async with a_workbench(kafka, unique, partitions=4) as bench:
        await create_topics(kafka, f"{unique}.more", partitions=4)
        both = replace(bench.subscription, topics=(bench.topic, f"{unique}.more"), co_partitioned=True)
        first, second = bench.consumer(subscription=both), bench.consumer(subscription=both)
        async with running(first), running(second):
            await eventually(lambda: len(first.assigned) == len(second.assigned) == 4)
            for consumer in (first, second):
                numbers = [{place.partition for place in consumer.assigned if place.topic == t} for t in both.topics]
                assert numbers[0] == numbers[1]


async def test_topics_with_other_partition_counts_are_refused_where_equal_ones_are_needed(
    kafka: str, unique: str
) -> None:
    async with a_workbench(kafka, unique, partitions=2) as bench:
        await create_topics(kafka, f"{unique}.more", partitions=3)
        both = replace(bench.subscription, topics=(bench.topic, f"{unique}.more"), co_partitioned=True)
        with pytest.raises(StartUpError, match="same number of partitions"):
            async with asyncio.timeout(20):
                await bench.consumer(subscription=both).run()


async def test_a_static_member_that_comes_back_causes_no_rebalance_for_the_others(kafka: str, unique: str) -> None:
    revoked: list[frozenset[TopicPartition]] = []

    async def note(partitions: frozenset[TopicPartition]) -> None:
        revoked.append(partitions)

    async with a_workbench(kafka, unique, partitions=2) as bench:
        stays, returns = (replace(bench.subscription, instance_id=f"{unique}-{name}") for name in "ab")
        async with running(bench.consumer(subscription=stays, hooks=Hooks(on_revoked=note))) as task:
            async with running(bench.consumer(subscription=returns)):
                await eventually(lambda: revoked)
            revoked.clear()
            async with running(bench.consumer(subscription=returns)):
                await bench.producer.send_batch([Outgoing(bench.topic, b"k", b"word", (), n) for n in (0, 1)])
                await eventually(lambda: len(bench.seen) == 2)
            assert not revoked
            assert not task.done()


async def test_handlers_of_one_partition_number_take_turns_where_topics_are_co_partitioned(
    kafka: str, unique: str
) -> None:
    inside: list[str] = []

    async def alone(batch: Batch[str]) -> None:
        inside.append(batch.topic)
        for _ in range(20):
            await asyncio.sleep(0)
        assert inside == [batch.topic]
        inside.clear()
        await desk.keep(batch)

    async with a_workbench(kafka, unique) as desk:
        await create_topics(kafka, f"{unique}.more")
        both = replace(desk.subscription, topics=(desk.topic, f"{unique}.more"), co_partitioned=True, max_records=5)
        for topic in both.topics:
            await desk.producer.send_batch([Outgoing(topic, b"k", b"word")] * 50)
        async with running(desk.consumer(alone, subscription=both)):
            await eventually(lambda: len(desk.seen) == 100)

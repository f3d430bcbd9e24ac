"""The consumer when its position is no longer in the log: what was lost is said, and nothing is reset in silence."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from chassis.consumer import Hooks
from chassis.log_edges import LogCutError
from chassis.metrics import ConsumerMetrics
from chassis.records import TopicPartition
from tests.harness.error_log import ErrorRecorder
from tests.harness.topics import delete_records, make_anew
from tests.harness.waiting import eventually
from tests.integration.chassis.workbench import Workbench, a_workbench, running


async def _read_some(bench: Workbench) -> None:
    """Let it handle three words and commit that."""
    await bench.publish("one", "two", "three")
    async with running(bench.consumer()):
        await eventually(lambda: len(bench.seen) == 3)


@pytest.mark.expects_errors
async def test_records_deleted_unread_are_counted_and_told_and_the_rest_is_handled(
    kafka: str, unique: str, no_unexpected_errors: ErrorRecorder
) -> None:
    registry = CollectorRegistry()
    async with a_workbench(kafka, unique) as bench:
        await _read_some(bench)
        await bench.publish("four", "five", "six")
        await delete_records(kafka, bench.topic, {0: 5})
        consumer = bench.consumer(hooks=Hooks(metrics=ConsumerMetrics(registry)))
        # `running` would wait for a consumer that has nothing to tell.
        task = asyncio.create_task(consumer.run())
        await eventually(lambda: bench.seen[3:] == ["six"])
        told = f"2 records of {bench.topic}/0 were deleted before they were read, 3 to 4"
        assert consumer.check() == told
        consumer.stop()
        await task
    assert any(told in line for line in no_unexpected_errors.heard)
    lost = registry.get_sample_value("escalon_consumer_deleted_unread_records_total", {"topic": bench.topic})
    assert lost == 2


async def test_deleting_what_was_read_is_no_loss(kafka: str, unique: str) -> None:
    async with a_workbench(kafka, unique) as bench:
        await _read_some(bench)
        await delete_records(kafka, bench.topic, {0: 3})
        async with running(bench.consumer()) as task:
            await bench.publish("four")
            await eventually(lambda: bench.seen[3:] == ["four"])
            assert not task.done()


async def test_a_reader_of_a_topic_kept_for_ever_stops_at_what_was_deleted_unread(kafka: str, unique: str) -> None:
    async with a_workbench(kafka, unique) as bench:
        await _read_some(bench)
        await bench.publish("four", "five", "six")
        await delete_records(kafka, bench.topic, {0: 5})
        kept = replace(bench.subscription, kept_for_ever=frozenset({bench.topic}))
        with pytest.raises(LogCutError, match=r"/0 begins at 5, and we have read up to 3: 2 records"):
            async with running(bench.consumer(subscription=kept)) as task:
                await eventually(task.done)
        assert len(bench.seen) == 3


class _StoredAt:
    """Positions of a service that has stored how far it is."""

    def __init__(self, position: int) -> None:
        self._position = position

    async def load(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Return the one position."""
        return dict.fromkeys(partitions, self._position)


async def test_a_log_that_ends_before_our_position_is_not_read(kafka: str, unique: str) -> None:
    async with a_workbench(kafka, unique) as bench:
        await bench.publish("one", "two", "three")
        await make_anew(kafka, bench.topic)
        await bench.publish("other")
        with pytest.raises(LogCutError, match="/0 ends at 1, and we have read up to 3"):
            async with running(bench.consumer(hooks=Hooks(positions=_StoredAt(3)))) as task:
                await eventually(task.done)
    assert bench.seen == []

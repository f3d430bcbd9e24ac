"""The consumer when processes and brokers die: everything is handled, in order, some of it twice."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from ops.local.kafka import LocalKafka
from tests.harness.waiting import eventually
from tests.integration.chassis.workbench import Workbench, a_workbench, running

COUNT = 300


async def _process(bench: Workbench) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.chassis.word_process"),
        *(bench.settings.bootstrap_servers, bench.topic, bench.group),
        env={"PATH": os.defpath},
        stdin=PIPE,
        stdout=PIPE,
    )


async def _words(process: Process, batches: int, until: str) -> list[str]:
    """Let it handle so many batches and return what it said until a word."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"go\n" * batches)
    words: list[str] = []
    async with asyncio.timeout(40):
        while not words or words[-1] != until:
            words.append((await process.stdout.readline()).decode().strip())
    return words


@asynccontextmanager
async def _to_be_killed(bench: Workbench) -> AsyncIterator[Process]:
    process = await _process(bench)
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


async def _committed(bench: Workbench) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=bench.settings.bootstrap_servers)
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(bench.group)
    finally:
        await admin.close()
    return sum(found.offset for found in offsets.values())


async def test_a_consumer_killed_and_started_again_leaves_nothing_out_and_keeps_the_order(
    kafka: str, unique: str
) -> None:
    async with a_workbench(kafka, unique) as bench:
        expected = [f"word{number}" for number in range(COUNT)]
        await bench.publish(*expected)

        async def committed_offset() -> int:
            return await _committed(bench)

        committed: Callable[[], int | Awaitable[int]] = committed_offset
        async with _to_be_killed(bench) as first:
            before = await _words(first, batches=10, until="word99")
            await eventually(committed)
            before += await _words(first, batches=5, until="word149")
        async with _to_be_killed(bench) as second:
            after = await _words(second, batches=COUNT, until=expected[-1])
    assert list(dict.fromkeys(before + after)) == expected
    assert after == expected[expected.index(after[0]) :]
    assert after[0] != "word0"


@pytest.mark.expects_errors
async def test_a_consumer_outlives_a_broker_that_is_killed(own_kafka: LocalKafka, unique: str) -> None:
    async with a_workbench(own_kafka.bootstrap_servers, unique) as bench:
        await bench.publish("before")
        async with running(bench.consumer()) as task:
            await eventually(lambda: bench.seen == ["before"])
            own_kafka.kill()
            await asyncio.to_thread(own_kafka.start)
            await bench.publish("after")
            await eventually(lambda: bench.seen[-1] == "after", within=60)
            assert not task.done()


@pytest.mark.expects_errors
async def test_a_stop_is_over_within_seconds_when_the_broker_is_gone(own_kafka: LocalKafka, unique: str) -> None:
    async with a_workbench(own_kafka.bootstrap_servers, unique) as bench:
        await bench.publish("before")
        async with running(bench.consumer()):
            await eventually(lambda: bench.seen == ["before"])
            own_kafka.kill()
            started = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - started < 9

"""The consumer when processes and brokers die: everything is handled, in order, some of it twice."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process

import pytest

from ops.local.kafka import LocalKafka
from tests.harness.waiting import eventually
from tests.integration.chassis.workbench import Workbench, a_workbench, running

COUNT = 300


async def _process(bench: Workbench) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.chassis.word_process"),
        *(bench.settings.bootstrap_servers, bench.topic, bench.group),
        env={"PATH": os.defpath},
        stdout=PIPE,
    )


async def _words(process: Process, until: str) -> list[str]:
    """Return what it said until a word, then kill it with what it has in hand."""
    assert process.stdout is not None
    words: list[str] = []
    try:
        async with asyncio.timeout(40):
            while not words or words[-1] != until:
                words.append((await process.stdout.readline()).decode().strip())
    finally:
        process.kill()
        await process.wait()
    return words


def _first_times(words: list[str]) -> list[str]:
    return list(dict.fromkeys(words))


async def test_a_consumer_killed_and_started_again_leaves_nothing_out_and_keeps_the_order(
    kafka: str, unique: str
) -> None:
    async with a_workbench(kafka, unique) as bench:
        expected = [f"word{number}" for number in range(COUNT)]
        await bench.publish(*expected)
        before = await _words(await _process(bench), until="word150")
        after = await _words(await _process(bench), until=expected[-1])
    assert _first_times(before + after) == expected
    assert after[0] != "word0"
    assert after == expected[expected.index(after[0]) :]


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

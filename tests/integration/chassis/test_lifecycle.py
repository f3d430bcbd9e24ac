"""A service as a process: it starts, says how it is, ends within seconds, and its mistakes are one line."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.harness.waiting import eventually

Start = Callable[..., Coroutine[Any, Any, Process]]


@pytest.fixture
async def start(free_port: int) -> AsyncIterator[Start]:
    """Give a way to start the desk of desk_service.py in one of its moods; what is left is killed at the end."""
    started: list[Process] = []

    async def start_desk(mood: str, **environment: str) -> Process:
        settings = {"ESCALON_KAFKA_BOOTSTRAP_SERVERS": "unused:1", "ESCALON_HEALTH_PORT": str(free_port)}
        desk = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.integration.chassis.desk_service", mood),
            env={"PATH": os.defpath} | settings | environment,
            stdout=PIPE,
            stderr=PIPE,
        )
        started.append(desk)
        return desk

    yield start_desk
    for desk in started:
        if desk.returncode is None:
            desk.kill()
            await desk.wait()


@asynccontextmanager
async def _asking(port: int) -> AsyncIterator[Callable[[str], Coroutine[Any, Any, tuple[int, str]]]]:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:

        async def ask(path: str) -> tuple[int, str]:
            try:
                async with session.get(path) as answer:
                    return answer.status, await answer.text()
            except aiohttp.ClientConnectionError:
                return 0, ""

        yield ask


async def _output(desk: Process, within: float) -> tuple[int, str, str]:
    async with asyncio.timeout(within):
        out, err = await desk.communicate()
    assert desk.returncode is not None
    return desk.returncode, out.decode(), err.decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_in_order_and_the_exit_code_is_0(
    start: Start, free_port: int, number: signal.Signals
) -> None:
    desk = await start("calm")
    async with _asking(free_port) as ask:
        await _until(ask, "/readyz", 200)
        assert (await ask("/livez"))[0] == 200
        assert "escalon_desk_starts_total 1.0" in (await ask("/metrics"))[1]
    desk.send_signal(number)
    code, out, err = await _output(desk, 8)
    assert (code, err) == (0, "")
    said = [json.loads(line)["event"] for line in out.splitlines()]
    assert [event for event in said if event.startswith("left")] == ["left the second", "left the first"]


async def _until(ask: Callable[[str], Coroutine[Any, Any, tuple[int, str]]], path: str, status: int) -> None:
    async def asked() -> bool:
        return (await ask(path))[0] == status

    answered: Callable[[], bool | Awaitable[bool]] = asked

    await eventually(answered, what=f"{path} answered {status}")


async def test_a_part_that_hangs_is_ended_hard_within_ten_seconds(start: Start, free_port: int) -> None:
    desk = await start("hanging")
    async with _asking(free_port) as ask:
        await _until(ask, "/readyz", 200)
    desk.send_signal(signal.SIGTERM)
    code, out, _ = await _output(desk, 10)
    assert code == 1
    assert "ending hard" in out


async def test_a_signal_while_it_is_still_starting_ends_it(start: Start, free_port: int) -> None:
    desk = await start("slow-start")
    async with _asking(free_port) as ask:
        await _until(ask, "/readyz", 503)
    desk.send_signal(signal.SIGTERM)
    assert (await _output(desk, 8))[0] == 0


async def test_a_part_that_fails_ends_the_service_with_its_class_and_place_and_nothing_of_its_text(
    start: Start,
) -> None:
    code, out, err = await _output(await start("failing"), 20)
    assert (code, err) == (1, "")
    last = json.loads(out.splitlines()[-1])
    assert last["error"] == "ValueError"
    assert "desk_service.py" in str(last["trace"])
    assert "hunter2" not in out


async def test_a_part_that_ends_by_itself_ends_the_service(start: Start) -> None:
    code, out, _ = await _output(await start("ending"), 20)
    assert code == 1
    assert '"error": "RuntimeError"' in out


async def test_a_missing_setting_is_one_line_and_exit_code_2(start: Start) -> None:
    code, out, err = await _output(await start("calm", ESCALON_KAFKA_BOOTSTRAP_SERVERS=""), 20)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith("desk: settings: ESCALON_KAFKA_BOOTSTRAP_SERVERS")


async def test_a_port_that_is_taken_is_one_line_and_exit_code_2(start: Start, free_port: int) -> None:
    await start("calm")
    async with _asking(free_port) as ask:
        await _until(ask, "/readyz", 200)
    code, _, err = await _output(await start("calm"), 20)
    assert code == 2
    assert err.count("\n") == 1
    assert f"port {free_port} of 127.0.0.1 cannot be listened on" in err

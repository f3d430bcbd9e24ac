"""The supervisor with a real Kafka and real processes: what ends is brought back, and all of it ends in time."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from chassis.errors import StartUpError
from ops.local.kafka import LocalKafka
from ops.local.ports import listens
from ops.local.supervisor import KeptBroker, KeptService, ServiceCommand, Supervisor
from tests.harness.ports import free_port
from tests.harness.waiting import eventually

_READY = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
_ENDING = "raise SystemExit('ERROR the settings are wrong')"


def _service(name: str, code: str, folder: Path) -> KeptService:
    port = free_port()
    return KeptService(
        ServiceCommand(
            name=name,
            arguments=[sys.executable, "-c", code, str(port)],
            environment={"PATH": os.defpath},
            log=folder / f"{name}.log",
            directory=folder,
            health_port=port,
        )
    )


@asynccontextmanager
async def _keeping(supervisor: Supervisor) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(supervisor.keep())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, StartUpError):
            await task
        await supervisor.stop()


def _all_up(supervisor: Supervisor) -> Callable[[], bool]:
    return lambda: all(light.is_up for light in supervisor.lights)


async def test_what_is_killed_is_started_again_and_it_says_so(own_kafka: LocalKafka, tmp_path: Path) -> None:
    said: list[str] = []
    router = _service("router", _READY, tmp_path)
    supervisor = Supervisor(KeptBroker(own_kafka), [router], said.append)
    await supervisor.start_services()

    async with _keeping(supervisor):
        await eventually(_all_up(supervisor), what="both are up")
        first, broker = router.pid, own_kafka.pid
        assert first is not None
        assert broker is not None
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: router.pid not in (None, first), what="the router is back")
        os.kill(broker, signal.SIGKILL)
        await eventually(lambda: own_kafka.pid not in (None, broker), 40, what="Kafka is back")
        await eventually(_all_up(supervisor), 40, what="both are up again")

    assert [line.split()[0] for line in said] == ["router", "kafka"]
    assert router.pid is None
    assert not listens(own_kafka.place.port)


async def test_what_ends_again_and_again_is_given_up_with_its_last_words(own_kafka: LocalKafka, tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor(KeptBroker(own_kafka), [_service("router", _ENDING, tmp_path)], said.append)

    async with _keeping(supervisor) as keeping:
        with pytest.raises(StartUpError, match=r"router ended 6 times in a row: ERROR the settings are wrong"):
            await asyncio.wait_for(keeping, 30)

    assert len(said) == 5


async def test_a_service_that_ends_while_starting_ends_the_start_with_its_last_words(
    own_kafka: LocalKafka, tmp_path: Path
) -> None:
    supervisor = Supervisor(KeptBroker(own_kafka), [_service("notifier", _ENDING, tmp_path)], list[str]().append)

    with pytest.raises(StartUpError, match="notifier ended while starting: ERROR the settings are wrong"):
        await supervisor.start_services()

    await supervisor.stop()

"""A receiver as a program of its own: `python -m tests.harness.receivers.<x> --port P --journal FILE --faults FILE`."""

import argparse
import asyncio
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tests.harness.receivers.faults import Faults, Journal, ScriptedFaults


class Receiver(Protocol):
    """A server that is started and stopped."""

    async def start(self, port: int) -> None:
        """Listen."""
        ...

    async def stop(self) -> None:
        """End."""
        ...


def run_receiver(make: Callable[[Faults, Journal], Receiver]) -> None:
    """Serve until SIGTERM, as the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--faults", type=Path, required=True)
    given = parser.parse_args()
    asyncio.run(_serve(make, given.port, given.journal, given.faults))


async def _serve(make: Callable[[Faults, Journal], Receiver], port: int, journal: Path, faults: Path) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    receiver = make(ScriptedFaults(faults), Journal(journal))
    await receiver.start(port)
    await ended.wait()
    await receiver.stop()

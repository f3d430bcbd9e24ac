"""Failing on purpose: what a receiver does instead of answering well, once for each fault or as a script says."""

import asyncio
import json
import socket
import struct
from collections import Counter, defaultdict
from pathlib import Path

import msgspec
from aiohttp import web

from tests.harness.waiting import hold


class Fault(msgspec.Struct, frozen=True):
    """An answer other than the right one; `after` does the work first.

    `hang` never answers, `reset` cuts the connection once the body was taken, `slow_seconds` answers rightly but late.
    """

    status: int = 500
    body: str = ""
    headers: dict[str, str] = {}
    after: bool = False
    hang: bool = False
    reset: bool = False
    slow_seconds: float = 0.0

    @property
    def works(self) -> bool:
        """Tell whether the work is done all the same."""
        return self.after or self.slow_seconds > 0

    @property
    def word(self) -> str:
        """Return what the journal calls the answer."""
        if self.hang:
            return "hang"
        if self.reset:
            return "reset"
        return "slow" if self.slow_seconds else str(self.status)


class Scripted(msgspec.Struct, frozen=True):
    """A fault of the calls of a name (`*`: all), so many times; None is until the script changes.

    Calls that are about one of `spared` go right.
    """

    name: str
    call: str
    fault: Fault
    times: int | None = None
    spared: tuple[str, ...] = ()


class Faults:
    """Faults to come, by the name of the call; each happens once, in order."""

    def __init__(self) -> None:
        self._coming: dict[str, list[Fault]] = defaultdict(list)
        self._released = asyncio.Event()

    def add(self, call: str, *faults: Fault) -> None:
        """Let the next calls of that name go wrong."""
        self._coming[call] += faults

    def next(self, call: str, to: str | None = None) -> Fault | None:
        """Return the fault of this call, if there is one."""
        del to
        return self._coming[call].pop(0) if self._coming[call] else None

    async def answer(self, fault: Fault, right: web.Response, request: web.Request) -> web.Response:
        """Return the wrong answer; a hanging one when the server ends."""
        if fault.hang:
            await self.until_released()
        if fault.reset:
            reset(request.transport)
        if fault.slow_seconds:
            await hold(fault.slow_seconds)
            return right
        return web.Response(
            status=fault.status, text=fault.body, headers=fault.headers, content_type="application/json"
        )

    async def until_released(self) -> None:
        """Wait as long as the server lives."""
        await self._released.wait()

    def release(self) -> None:
        """End what hangs."""
        self._released.set()


class ScriptedFaults(Faults):
    """Faults out of a file (JSON: a list of `Scripted`) that may change at any time."""

    def __init__(self, script: Path) -> None:
        super().__init__()
        self._script = script
        self._given: Counter[str] = Counter()

    def next(self, call: str, to: str | None = None) -> Fault | None:
        """Return the fault of this call, if there is one now."""
        try:
            written = self._script.read_bytes()
        except FileNotFoundError:
            return None
        for scripted in msgspec.json.decode(written, type=list[Scripted]):
            exhausted = scripted.times is not None and self._given[scripted.name] >= scripted.times
            if scripted.call in (call, "*") and to not in scripted.spared and not exhausted:
                self._given[scripted.name] += 1
                return scripted.fault
        return None


class Journal:
    """What a receiver was asked and what it answered, a JSON line each, on disk before it answers."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path

    def note(self, call: str, answered: str, *, taken: bool, key: str | None, to: str | None) -> None:
        """Add a line; `taken` tells whether the receiver did what it was asked, whatever it then answered."""
        if self._path is None:
            return
        now = asyncio.get_running_loop().time()
        line = {"at": now, "call": call, "answered": answered, "taken": taken, "key": key, "to": to}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def reset(transport: asyncio.BaseTransport | None) -> None:
    """Cut a connection with a reset (RST), as a peer that crashed does."""
    if isinstance(transport, asyncio.Transport):
        connection: socket.socket | None = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


class RunningApp:
    """An aiohttp application, on a free port unless told."""

    def __init__(self, app: web.Application, faults: Faults) -> None:
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        self._faults = faults
        self.url = ""

    async def start(self, port: int = 0) -> None:
        """Listen."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        host, given = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{given}"

    async def stop(self) -> None:
        """End."""
        self._faults.release()
        await self._runner.cleanup()

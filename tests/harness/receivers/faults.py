"""Failing on purpose: what a receiver does instead of answering well, once for each fault."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Fault:
    """An answer other than the right one; `after` does the work first, `hang` never answers."""

    status: int = 500
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    after: bool = False
    hang: bool = False


class Faults:
    """Faults to come, by the name of the call; each happens once, in order."""

    def __init__(self) -> None:
        self._coming: dict[str, list[Fault]] = defaultdict(list)
        self._released = asyncio.Event()

    def add(self, call: str, *faults: Fault) -> None:
        """Let the next calls of that name go wrong."""
        self._coming[call] += faults

    def next(self, call: str) -> Fault | None:
        """Return the fault of this call, if there is one."""
        return self._coming[call].pop(0) if self._coming[call] else None

    async def answer(self, fault: Fault) -> web.Response:
        """Return the wrong answer; a hanging one when the server ends."""
        if fault.hang:
            await self._released.wait()
        return web.Response(
            status=fault.status, text=fault.body, headers=fault.headers, content_type="application/json"
        )

    def release(self) -> None:
        """End what hangs."""
        self._released.set()


@dataclass(slots=True)
class RunningApp:
    """An aiohttp application on a free port."""

    app: web.Application
    faults: Faults
    url: str = ""
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen."""
        self._runner = web.AppRunner(self.app, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def stop(self) -> None:
        """End."""
        self.faults.release()
        if self._runner is not None:
            await self._runner.cleanup()

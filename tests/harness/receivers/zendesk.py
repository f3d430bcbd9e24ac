"""Zendesk's ticket API, as far as we use it: comments, tags, audits in pages."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.harness.receivers.faults import Faults, Journal, RunningApp
from tests.harness.receivers.program import run_receiver

USER, TOKEN = "agent@support.example", "zd-the-right-one"
AUTHORIZATION = f"Basic {b64encode(f'{USER}/token:{TOKEN}'.encode()).decode()}"
_PAGE = 2
_OK = 200

Answer = dict[str, Any]


@dataclass(slots=True)
class LocalTicket:
    """A ticket with its audits, oldest first."""

    tags: set[str] = field(default_factory=set)
    audits: list[dict[str, Any]] = field(default_factory=list)

    @property
    def comments(self) -> list[tuple[str, bool]]:
        """Return text and visibility of each comment."""
        return [(event["body"], event["public"]) for audit in self.audits for event in audit["events"]]


class LocalZendesk:
    """Knows the tickets it is given, by id."""

    def __init__(
        self, tickets: dict[str, LocalTicket], *, faults: Faults | None = None, journal: Journal | None = None
    ) -> None:
        self.tickets = tickets
        self.faults = faults or Faults()
        self._journal = journal or Journal()
        app = web.Application()
        app.router.add_put("/api/v2/tickets/{ticket}.json", self._update)
        app.router.add_put("/api/v2/tickets/{ticket}/tags.json", self._tag)
        app.router.add_delete("/api/v2/tickets/{ticket}/tags.json", self._tag)
        app.router.add_get("/api/v2/tickets/{ticket}/audits.json", self._audits)
        self._running = RunningApp(app, self.faults)

    @property
    def url(self) -> str:
        """Return its address."""
        return self._running.url

    async def _update(self, request: web.Request) -> web.Response:
        change = json.loads(await request.text())["ticket"]

        def comment(ticket: LocalTicket) -> Answer:
            said = change["comment"]
            audit = {
                "id": 1000 + len(ticket.audits),
                "metadata": {"system": {}, "custom": change["metadata"]},
                "events": [{"type": "Comment", "body": said["body"], "public": said["public"]}],
            }
            ticket.audits.append(audit)
            return {"ticket": {}, "audit": audit}

        return await self._handle("comment", request, comment, key=change["metadata"].get("escalon_notice"))

    async def _tag(self, request: web.Request) -> web.Response:
        tags = set(json.loads(await request.text())["tags"])

        def tag(ticket: LocalTicket) -> Answer:
            ticket.tags = ticket.tags | tags if request.method == "PUT" else ticket.tags - tags
            return {"tags": sorted(ticket.tags)}

        return await self._handle("tags", request, tag)

    async def _audits(self, request: web.Request) -> web.Response:
        def page(ticket: LocalTicket) -> Answer:
            newest_first = ticket.audits[::-1]
            number = int(request.query.get("page", "1"))
            more = number * _PAGE < len(newest_first)
            following = f"{self.url}{request.path}?page={number + 1}" if more else None
            return {"audits": newest_first[(number - 1) * _PAGE : number * _PAGE], "next_page": following}

        return await self._handle("audits", request, page)

    async def _handle(
        self, call: str, request: web.Request, work: Callable[[LocalTicket], Answer], *, key: str | None = None
    ) -> web.Response:
        fault = self.faults.next(call)
        right = self._worked(request, work) if fault is None or fault.works else web.Response(status=500)
        answered = fault.word if fault else str(right.status)
        self._journal.note(call, answered, taken=right.status == _OK, key=key, to=request.match_info["ticket"])
        return right if fault is None else await self.faults.answer(fault, right, request)

    def _worked(self, request: web.Request, work: Callable[[LocalTicket], Answer]) -> web.Response:
        if request.headers.get("Authorization") != AUTHORIZATION:
            return web.Response(status=401)
        try:
            ticket = self.tickets[request.match_info["ticket"]]
        except KeyError:
            return web.Response(status=404)
        return web.json_response(work(ticket))

    async def start(self, port: int = 0) -> None:
        """Listen."""
        await self._running.start(port)

    async def stop(self) -> None:
        """End."""
        await self._running.stop()


@asynccontextmanager
async def a_zendesk(*tickets: str) -> AsyncIterator[LocalZendesk]:
    """Give a Zendesk with these tickets, until the end of the block."""
    zendesk = LocalZendesk({ticket: LocalTicket() for ticket in tickets})
    await zendesk.start()
    try:
        yield zendesk
    finally:
        await zendesk.stop()


class EveryTicket(dict[str, LocalTicket]):
    """The tickets of the Zendesk that runs as a program: all but those whose id says that they are gone."""

    def __missing__(self, ticket: str) -> LocalTicket:
        if ticket.startswith("gone"):
            raise KeyError(ticket)
        return self.setdefault(ticket, LocalTicket())


if __name__ == "__main__":
    run_receiver(lambda faults, journal: LocalZendesk(EveryTicket(), faults=faults, journal=journal))

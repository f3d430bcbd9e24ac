"""Zendesk's ticket API, as far as we use it: comments, tags, audits in pages."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.harness.receivers.faults import Faults, RunningApp

USER, TOKEN = "agent@support.example", "zd-the-right-one"
AUTHORIZATION = f"Basic {b64encode(f'{USER}/token:{TOKEN}'.encode()).decode()}"
_PAGE = 2


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

    def __init__(self, tickets: dict[str, LocalTicket]) -> None:
        self.tickets = tickets
        self.faults = Faults()
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
        fault = self.faults.next("comment")
        if fault is not None and not fault.after:
            return await self.faults.answer(fault)
        ticket = self._ticket(request)
        change = json.loads(await request.text())["ticket"]
        comment = change["comment"]
        audit = {
            "id": 1000 + len(ticket.audits),
            "metadata": {"system": {}, "custom": change["metadata"]},
            "events": [{"type": "Comment", "body": comment["body"], "public": comment["public"]}],
        }
        ticket.audits.append(audit)
        return web.json_response({"ticket": {}, "audit": audit}) if fault is None else await self.faults.answer(fault)

    async def _tag(self, request: web.Request) -> web.Response:
        fault = self.faults.next("tags")
        if fault is not None:
            return await self.faults.answer(fault)
        ticket = self._ticket(request)
        tags = set(json.loads(await request.text())["tags"])
        ticket.tags = ticket.tags | tags if request.method == "PUT" else ticket.tags - tags
        return web.json_response({"tags": sorted(ticket.tags)})

    async def _audits(self, request: web.Request) -> web.Response:
        fault = self.faults.next("audits")
        if fault is not None:
            return await self.faults.answer(fault)
        newest_first = self._ticket(request).audits[::-1]
        page = int(request.query.get("page", "1"))
        following = f"{self.url}{request.path}?page={page + 1}" if page * _PAGE < len(newest_first) else None
        shown = newest_first[(page - 1) * _PAGE : page * _PAGE]
        return web.json_response({"audits": shown, "next_page": following})

    def _ticket(self, request: web.Request) -> LocalTicket:
        if request.headers.get("Authorization") != AUTHORIZATION:
            raise web.HTTPUnauthorized
        ticket = self.tickets.get(request.match_info["ticket"])
        if ticket is None:
            raise web.HTTPNotFound
        return ticket

    async def start(self) -> None:
        """Listen."""
        await self._running.start()

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

"""Slack's Web API, as far as we use it, with its rules: tokens, names that stay taken, archived channels."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.harness.receivers.faults import Faults, RunningApp

TOKEN = "xoxb-the-right-one"

Arguments = dict[str, Any]


@dataclass(slots=True)
class Room:
    """A channel."""

    id: str
    name: str
    archived: bool = False
    members: list[str] = field(default_factory=list)


class LocalSlack:
    """Keeps what is posted; knows the people it is given."""

    def __init__(self, people: set[str]) -> None:
        self.people = people
        self.rooms: dict[str, Room] = {}
        self.messages: list[Arguments] = []
        self.faults = Faults()
        self.calls: list[str] = []
        app = web.Application()
        app.router.add_post("/api/{method}", self._handle)
        app.router.add_get("/api/{method}", self._handle)
        self._running = RunningApp(app, self.faults)

    @property
    def base_url(self) -> str:
        """Return the address of the Web API."""
        return f"{self._running.url}/api/"

    async def _handle(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        self.calls.append(method)
        fault = self.faults.next(method)
        if fault is not None and not fault.after:
            return await self.faults.answer(fault)
        answer = await self._answer(method, request)
        return web.json_response(answer) if fault is None else await self.faults.answer(fault)

    async def _answer(self, method: str, request: web.Request) -> Arguments:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _wrong("invalid_auth")
        methods: dict[str, Callable[[Arguments], Arguments]] = {
            "chat.postMessage": self._post,
            "conversations.create": self._create,
            "conversations.list": self._list,
            "conversations.invite": self._invite,
            "conversations.archive": self._archive,
            "conversations.open": self._open,
            "conversations.history": self._history,
        }
        return methods[method](await _arguments(request))

    def _post(self, given: Arguments) -> Arguments:
        place = given["channel"]
        room = self.rooms.get(place)
        if room is None and place not in self.people:
            return _wrong("channel_not_found")
        if room is not None and room.archived:
            return _wrong("is_archived")
        where = place if room else f"D{place}"
        message = {**given, "channel": where, "ts": f"{len(self.messages) + 1}.000100"}
        self.messages.append(message)
        return {"ok": True, "channel": where, "ts": message["ts"]}

    def _create(self, given: Arguments) -> Arguments:
        if any(room.name == given["name"] for room in self.rooms.values()):
            return _wrong("name_taken")
        room = Room(f"C{len(self.rooms) + 1}", given["name"])
        self.rooms[room.id] = room
        return {"ok": True, "channel": {"id": room.id, "name": room.name}}

    def _list(self, given: Arguments) -> Arguments:
        """Give one channel a page, so that whoever asks must turn pages."""
        hidden = str(given.get("exclude_archived")).lower() in ("true", "1")
        rooms = [room for room in self.rooms.values() if not (hidden and room.archived)]
        at = int(given.get("cursor") or 0)
        page = [{"id": room.id, "name": room.name, "is_archived": room.archived} for room in rooms[at : at + 1]]
        following = str(at + 1) if at + 1 < len(rooms) else ""
        return {"ok": True, "channels": page, "response_metadata": {"next_cursor": following}}

    def _invite(self, given: Arguments) -> Arguments:
        room, user = self.rooms[given["channel"]], given["users"]
        if user not in self.people:
            return _wrong("user_not_found")
        if user in room.members:
            return _wrong("already_in_channel")
        room.members.append(user)
        return {"ok": True}

    def _archive(self, given: Arguments) -> Arguments:
        room = self.rooms[given["channel"]]
        if room.archived:
            return _wrong("already_archived")
        room.archived = True
        return {"ok": True}

    def _open(self, given: Arguments) -> Arguments:
        if given["users"] not in self.people:
            return _wrong("user_not_found")
        return {"ok": True, "channel": {"id": f"D{given['users']}"}}

    def _history(self, given: Arguments) -> Arguments:
        messages = [message for message in self.messages if message["channel"] == given["channel"]]
        return {"ok": True, "messages": messages[::-1]}

    async def start(self) -> None:
        """Listen."""
        await self._running.start()

    async def stop(self) -> None:
        """End."""
        await self._running.stop()


@asynccontextmanager
async def a_slack(*people: str) -> AsyncIterator[LocalSlack]:
    """Give a Slack in which these people are, until the end of the block."""
    slack = LocalSlack(set(people))
    await slack.start()
    try:
        yield slack
    finally:
        await slack.stop()


def _wrong(error: str) -> Arguments:
    return {"ok": False, "error": error}


async def _arguments(request: web.Request) -> Arguments:
    if request.content_type == "application/json":
        given: Arguments = await request.json()
        return given
    form = {**request.query, **{name: str(value) for name, value in (await request.post()).items()}}
    return {name: json.loads(value) if value[:1] in ("{", "[") else value for name, value in form.items()}

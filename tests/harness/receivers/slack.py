"""Slack's Web API, as far as we use it, with its rules: tokens, names that stay taken, archived channels."""

import json
from collections.abc import AsyncIterator, Callable, Container
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.harness.receivers.faults import Fault, Faults, Journal, RunningApp
from tests.harness.receivers.program import run_receiver

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

    def __init__(
        self,
        people: Container[str],
        *,
        faults: Faults | None = None,
        journal: Journal | None = None,
        rooms_a_page: int = 1,
    ) -> None:
        self.people = people
        self.rooms: dict[str, Room] = {}
        self.messages: list[Arguments] = []
        self.faults = faults or Faults()
        self._journal = journal or Journal()
        self._rooms_a_page = rooms_a_page
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
        method, given = request.match_info["method"], await _arguments(request)
        self.calls.append(method)
        fault = self.faults.next(method, given.get("channel"))
        answer = self._answer(method, request, given) if fault is None or fault.works else _wrong("nothing")
        self._note(method, given, answer, fault)
        right = web.json_response(answer)
        return right if fault is None else await self.faults.answer(fault, right, request)

    def _answer(self, method: str, request: web.Request, given: Arguments) -> Arguments:
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
        return methods[method](given)

    def _note(self, method: str, given: Arguments, answer: Arguments, fault: Fault | None) -> None:
        key = (given.get("metadata") or {}).get("event_payload", {}).get("key")
        answered = fault.word if fault else str(answer.get("error", "ok"))
        self._journal.note(method, answered, taken=bool(answer["ok"]), key=key, to=given.get("channel"))

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
        """Give few channels a page, so that whoever asks must turn pages."""
        hidden = str(given.get("exclude_archived")).lower() in ("true", "1")
        rooms = [room for room in self.rooms.values() if not (hidden and room.archived)]
        at = int(given.get("cursor") or 0)
        end = at + self._rooms_a_page
        page = [{"id": room.id, "name": room.name, "is_archived": room.archived} for room in rooms[at:end]]
        following = str(end) if end < len(rooms) else ""
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
        """Give the latest first, as many as asked for, and where the next page begins."""
        messages = [message for message in self.messages if message["channel"] == given["channel"]][::-1]
        at = int(given.get("cursor") or 0)
        end = at + int(given.get("limit") or 100)
        following = str(end) if end < len(messages) else ""
        return {"ok": True, "messages": messages[at:end], "response_metadata": {"next_cursor": following}}

    async def start(self, port: int = 0) -> None:
        """Listen."""
        await self._running.start(port)

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


class Everybody:
    """Who is in the Slack that runs as a program: all but those whose id says that they are gone."""

    def __contains__(self, person: object) -> bool:
        return str(person).startswith("U0") and "GONE" not in str(person)


if __name__ == "__main__":
    run_receiver(lambda faults, journal: LocalSlack(Everybody(), faults=faults, journal=journal, rooms_a_page=200))

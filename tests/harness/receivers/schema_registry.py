"""Confluent's schema registry, as far as its clients and ours use it: ids of schemas, and what may follow what."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import avro.compatibility
import avro.schema
from aiohttp import web

from tests.harness.receivers.faults import Faults, RunningApp

_FIRST_ID = 101


class LocalSchemaRegistry:
    """Knows what was registered, by id; new versions of a subject must read what the one before wrote (BACKWARD).

    While `is_away` it hangs up on whoever asks.
    """

    def __init__(self) -> None:
        self.schemas: dict[int, str] = {}
        self.subjects: dict[str, list[int]] = {}
        self.calls: list[str] = []
        self.is_away = False
        self.faults = Faults()
        app = web.Application(middlewares=[self._answer_or_not])
        app.router.add_post("/subjects/{subject}/versions", self._register)
        app.router.add_get("/schemas/ids/{id}", self._look_up)
        self._running = RunningApp(app, self.faults)

    @property
    def url(self) -> str:
        """Return its address."""
        return self._running.url

    def register(self, subject: str, schema: str) -> int:
        """Return the schema's id, the same for the same schema; raises ValueError for an incompatible one."""
        known = next((number for number, text in self.schemas.items() if json.loads(text) == json.loads(schema)), None)
        versions = self.subjects.setdefault(subject, [])
        if known in versions:
            return known or 0
        if versions and not _reads(schema, self.schemas[versions[-1]]):
            raise ValueError(f"incompatible with the latest schema of {subject}")
        number = known or _FIRST_ID + len(self.schemas)
        self.schemas[number] = schema
        versions.append(number)
        return number

    async def _register(self, request: web.Request) -> web.Response:
        try:
            number = self.register(request.match_info["subject"], (await request.json())["schema"])
        except ValueError as error:
            return _wrong(409, 409, str(error))
        return web.json_response({"id": number})

    async def _look_up(self, request: web.Request) -> web.Response:
        schema = self.schemas.get(int(request.match_info["id"]))
        return _wrong(404, 40403, "Schema not found") if schema is None else web.json_response({"schema": schema})

    @web.middleware
    async def _answer_or_not(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.calls.append(f"{request.method} {request.path}")
        if self.is_away:
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        fault = self.faults.next(request.method)
        if fault is not None:
            return await self.faults.answer(fault, web.Response(), request)
        answer: web.StreamResponse = await handler(request)
        return answer

    async def start(self) -> None:
        """Listen."""
        await self._running.start()

    async def stop(self) -> None:
        """End."""
        await self._running.stop()


@asynccontextmanager
async def a_schema_registry() -> AsyncIterator[LocalSchemaRegistry]:
    """Give a registry that knows nothing yet, until the end of the block."""
    registry = LocalSchemaRegistry()
    await registry.start()
    try:
        yield registry
    finally:
        await registry.stop()


def _reads(reader: str, writer: str) -> bool:
    checker: Any = avro.compatibility.ReaderWriterCompatibilityChecker
    found = checker().get_compatibility(avro.schema.parse(reader), avro.schema.parse(writer))
    return bool(found.compatibility is avro.compatibility.SchemaCompatibilityType.compatible)


def _wrong(status: int, code: int, message: str) -> web.Response:
    return web.json_response({"error_code": code, "message": message}, status=status)

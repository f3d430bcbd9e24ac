"""A Confluent-compatible schema registry over HTTP: register what we write, look up what others wrote."""

import asyncio
import itertools
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

import aiohttp

from chassis.backoff import backoff_seconds
from chassis.errors import RetryableError, StartUpError

_TIMEOUT = aiohttp.ClientTimeout(total=10)
_NOT_FOUND = 404
_POLL = timedelta(milliseconds=100)

log = logging.getLogger(__name__)


class SchemaRegistry:
    """The registry at `url`; every call opens what it needs and leaves nothing open."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    async def register(self, subject: str, schema_json: str) -> int:
        """Return the schema's id under the subject, registering it if need be; repeating it is harmless.

        Waits for a registry that is not there. Raises StartUpError when it refuses the schema (incompatible).
        """
        for attempt in itertools.count(1):
            try:
                return await self._register(subject, schema_json)
            except RetryableError as error:
                log.warning("%s: trying again", error)
                await asyncio.sleep(backoff_seconds(attempt))
        raise AssertionError("unreachable: it is counted for ever")

    async def _register(self, subject: str, schema_json: str) -> int:
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT) as session,
                session.post(f"{self._url}/subjects/{subject}/versions", json={"schema": schema_json}) as answer,
            ):
                if answer.status >= 500:
                    raise RetryableError(f"the schema registry answers {answer.status}")
                if answer.status >= 400:
                    raise StartUpError(f"the schema registry refuses {subject}: status {answer.status}")
                return int((await answer.json())["id"])
        except (aiohttp.ClientError, TimeoutError) as error:
            raise RetryableError(f"the schema registry cannot be reached: {type(error).__name__}") from error

    async def schema(self, registry_id: int) -> str | None:
        """Return the schema's text, None if the registry does not know the id; RetryableError if it is not there."""
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT) as session,
                session.get(f"{self._url}/schemas/ids/{registry_id}") as answer,
            ):
                if answer.status == _NOT_FOUND:
                    return None
                if answer.status >= 400:
                    raise RetryableError(f"the schema registry answers {answer.status}")
                return str((await answer.json())["schema"])
        except (aiohttp.ClientError, TimeoutError) as error:
            raise RetryableError(f"the schema registry cannot be reached: {type(error).__name__}") from error


@dataclass(slots=True)
class SchemaLookup:
    """Follows the ids a decoder has met and does not know, and teaches it their schemas; a component of a Lifecycle."""

    registry: SchemaRegistry
    wanted: set[int]
    learn: Callable[[str, int], None]
    refuse: Callable[[int], None]
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Look up what is wanted, until stopped; a registry that is away is asked again."""
        while not self._stopping.is_set():
            for registry_id in tuple(self.wanted):
                await self._look_up(registry_id)
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL.total_seconds()):
                    await self._stopping.wait()

    def stop(self) -> None:
        """Ask it to end; safe to repeat."""
        self._stopping.set()

    async def _look_up(self, registry_id: int) -> None:
        try:
            schema = await self.registry.schema(registry_id)
        except RetryableError:
            return
        if schema is None:
            self.refuse(registry_id)
        else:
            self.learn(schema, registry_id)

"""One process a replica id: two that share one displace each other in their group without end, and neither is told.

aiokafka's heartbeats carry no instance id, so the broker cannot say "fenced": the displaced one joins again and
displaces the other. So who writes to a store claims its name there first, by a lock that ends with its process.
"""

import asyncio
import fcntl
import logging
import re
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import IO, Protocol

from sqlalchemy import URL, Connection, NullPool, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from chassis.errors import StartUpError

_LOCK_CLASS = 0x45534332
"""First half of our advisory locks on names; `sql_recorder` has another for partitions."""
_RETRY_SECONDS = 0.25
_SERVER_NOTICES = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
"""Have the server find out within half a minute that our host is gone; by its default the lock would stay for hours."""
_NOT_IN_A_FILE_NAME = re.compile(r"[^A-Za-z0-9_.-]")

log = logging.getLogger(__name__)


class _Lock(Protocol):
    """A lock that ends with its process; blocking."""

    def take(self) -> bool:
        """Take it, or tell that somebody else has it; harmless while held."""
        ...

    def release(self) -> None:
        """Let go of it; safe to repeat."""
        ...


class ReplicaClaim:
    """A replica's name beside its store; a component of a Lifecycle once it is taken.

    A claim that breaks with its connection is taken again; the service ends where somebody else has it by then.
    """

    def __init__(
        self,
        url: str,
        name: str,
        *,
        patience: timedelta = timedelta(seconds=10),
        every: timedelta = timedelta(seconds=2),
    ) -> None:
        self._name = name
        self._patience = patience
        self._every = every
        parsed = make_url(url)
        self._lock: _Lock = _FileLock(parsed, name) if parsed.get_backend_name() == "sqlite" else _RowLock(parsed, name)
        self._stopping = asyncio.Event()

    async def take(self) -> None:
        """Take it; waits a while for a process that is just ending, then raises StartUpError."""
        limit = time.monotonic() + self._patience.total_seconds()
        while not self._stopping.is_set():
            if await asyncio.to_thread(self._lock.take):
                return
            if time.monotonic() > limit:
                raise StartUpError(
                    f"another process runs as {self._name} on this store: give each replica an ESCALON_REPLICA_ID of "
                    "its own"
                )
            await asyncio.sleep(_RETRY_SECONDS)

    async def run(self) -> None:
        """Hold it until stopped; raises StartUpError when somebody else has taken it."""
        try:
            while not self._stopping.is_set():
                try:
                    await self.take()
                except DBAPIError as error:
                    log.warning("the claim of the replica's name waits: %s", type(error).__name__)
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._every.total_seconds()):
                        await self._stopping.wait()
        finally:
            self._lock.release()

    def stop(self) -> None:
        """Ask it to end; safe to repeat."""
        self._stopping.set()


class _FileLock:
    """Beside SQLite's file: whoever shares that is on the same machine."""

    def __init__(self, url: URL, name: str) -> None:
        database = Path(url.database or "")
        self._path = database.with_name(f"{database.name}.{_NOT_IN_A_FILE_NAME.sub('_', name)}.lock")
        self._file: IO[bytes] | None = None

    def take(self) -> bool:
        if self._file is not None:
            return True
        file = self._path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class _RowLock:
    """PostgreSQL's advisory lock of a session: the server ends it with the connection."""

    def __init__(self, url: URL, name: str) -> None:
        self._engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            isolation_level="AUTOCOMMIT",
            poolclass=NullPool,
            connect_args={"connect_timeout": 5, "options": _SERVER_NOTICES},
        )
        self._name = name
        self._held: Connection | None = None

    def take(self) -> bool:
        if self._held is not None and self._answers(self._held):
            return True
        connection = self._engine.connect()
        asked = text("SELECT pg_try_advisory_lock(:ours, hashtext(:name))")
        if not connection.execute(asked, {"ours": _LOCK_CLASS, "name": self._name}).scalar_one():
            connection.close()
            return False
        self._held = connection
        return True

    def release(self) -> None:
        if self._held is not None:
            held, self._held = self._held, None
            with suppress(DBAPIError):
                held.close()

    def _answers(self, held: Connection) -> bool:
        try:
            held.execute(text("SELECT 1"))
        except DBAPIError:
            self.release()
            return False
        return True

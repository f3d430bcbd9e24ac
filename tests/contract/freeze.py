"""A process that is frozen within a transaction for longer than PostgreSQL waits, and then goes on."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, event, text

_SHORT = text("SET SESSION idle_in_transaction_session_timeout = 50")
_TOLD_WITHIN_SECONDS = 30


@contextmanager
def frozen_before_its_next_commit() -> Iterator[list[Connection]]:
    """Have whatever commits next in this process stand still until PostgreSQL has ended its session.

    Yields the connections it happened to: exactly one, else nothing was tested.
    """
    frozen: list[Connection] = []

    def freeze(connection: Connection) -> None:
        if frozen:
            return
        frozen.append(connection)
        pid = connection.connection.dbapi_connection.info.backend_pid  # type: ignore[union-attr]  # psycopg's
        connection.execute(_SHORT)
        with connection.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as other:
            until = time.monotonic() + _TOLD_WITHIN_SECONDS
            while other.scalar(text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid"), {"pid": pid}):
                if time.monotonic() > until:
                    raise AssertionError(f"PostgreSQL did not end the session within {_TOLD_WITHIN_SECONDS} s")

    event.listen(Engine, "commit", freeze)
    try:
        yield frozen
    finally:
        event.remove(Engine, "commit", freeze)

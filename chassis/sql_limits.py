"""What a connection to PostgreSQL may take: neither a server that hangs nor a process that freezes holds up others."""

_STATEMENT_TIMEOUT_MS = 30_000
"""After which PostgreSQL gives up a statement."""
_CONNECT_SECONDS = 5
_IDLE_IN_TRANSACTION_MS = 5_000
"""After which PostgreSQL ends a session that stands still in the middle of a transaction, and with it its locks: a
frozen replica would else hold up those that have its partitions by now, until it wakes. Ours last milliseconds."""


def postgres_limits() -> dict[str, object]:
    """Return the arguments of psycopg's `connect`."""
    settings = {
        "statement_timeout": _STATEMENT_TIMEOUT_MS,
        "idle_in_transaction_session_timeout": _IDLE_IN_TRANSACTION_MS,
    }
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    return {"connect_timeout": _CONNECT_SECONDS, "options": options}

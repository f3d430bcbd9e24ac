"""What a database's driver says of an error, in words for whoever keeps the service: codes only, never a row."""

from typing import Any

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

_FULL = frozenset({"SQLITE_FULL", "SQLITE_IOERR_SHMSIZE", "53100"})
"""Of SQLite (sqlite.org/rescode.html) and PostgreSQL (appendix A, disk_full)."""
_NO_HANDLES = frozenset({"SQLITE_CANTOPEN"})
_ENDED = frozenset({"25P03"})
"""PostgreSQL ended a session that stood still within a transaction; psycopg has it among the internal errors."""


def code_of(original: object) -> str | None:
    """Return PostgreSQL's SQLSTATE or SQLite's name of an error the driver raised; None where it has none."""
    found: Any = getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", None)
    return None if found is None else str(found)


def is_full(original: object) -> bool:
    """Tell whether the database's disk is full: what can be read is, and nothing can be written."""
    return code_of(original) in _FULL


def unanswered(error: BaseException) -> BaseException | None:
    """Return what the driver raised, where it says that the database does not answer, or ended the session; else None.

    `error` is SQLAlchemy's, or one that was raised from it.
    """
    wrapped = error if isinstance(error, DBAPIError) else error.__cause__
    if not isinstance(wrapped, DBAPIError):
        return None
    is_away = isinstance(wrapped, OperationalError | InterfaceError) or wrapped.connection_invalidated
    return wrapped.orig if is_away or code_of(wrapped.orig) in _ENDED else None


def said_by(original: BaseException | None) -> str:
    """Return the error's class and code, and what to do where that is known."""
    name, code = type(original).__name__, code_of(original)
    if code is None:
        return name
    if code in _FULL:
        return f"{name} {code}: its disk is full, make room"
    if code in _NO_HANDLES:
        return f"{name} {code}: the file cannot be opened, or no file handle is left"
    return f"{name} {code}"

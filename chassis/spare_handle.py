"""A file handle kept in reserve, so that a process that has no other left can still say so."""

import errno
import logging
import os
import resource

EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE})
"""The process, or the machine, has no file handle left."""

log = logging.getLogger(__name__)


class SpareHandle:
    """Holds one handle; whoever lends it has room for one more file or connection. For one thread at a time."""

    def __init__(self) -> None:
        self._held: int | None = None
        self._told = False

    @property
    def is_held(self) -> bool:
        """Tell whether it is there to lend."""
        return self._held is not None

    def hold(self) -> None:
        """Take the handle if it is not held; where none is left it stays so."""
        if self._held is None:
            self._held = _opened()

    def lend(self) -> None:
        """Let go of it; nothing happens where it is lent already."""
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def check(self) -> str | None:
        """Tell /readyz what is wrong."""
        return None if _is_one_left() else _problem()

    def look(self) -> None:
        """Log when the last handle is gone, and when there are some again: once each."""
        gone = not _is_one_left()
        if gone and not self._told:
            log.error("%s; what needs one waits until then", _problem())
        if self._told and not gone:
            log.warning("there are file handles again")
        self._told = gone


def _problem() -> str:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return f"no file handle is left of {soft}: raise the limit (ulimit -n)"


def _is_one_left() -> bool:
    handle = _opened()
    if handle is not None:
        os.close(handle)
    return handle is not None


def _opened() -> int | None:
    try:
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in EXHAUSTED:
            return None
        raise

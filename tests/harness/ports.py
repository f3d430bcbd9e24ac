"""TCP ports of the loopback address that are this run's alone."""

import random
import socket

# Below the range from which Linux and macOS take ports for outgoing connections.
_LOWEST, _HIGHEST = 20000, 32000
_TRIES = 200
_kept: list[socket.socket] = []
"""Bound and not listening, for as long as this process lives: nobody else finds their ports free."""


def free_port() -> int:
    """Return a port for a server that reuses addresses, as all do that we start; no other call in any run gets it."""
    return free_row(1)


def free_row(count: int) -> int:
    """Return the first of so many such ports in a row. Raises OSError when none is found."""
    for _ in range(_TRIES):
        first = random.randint(_LOWEST, _HIGHEST)
        kept = [_bound(port) for port in range(first, first + count)]
        if all(kept):
            for keeper in filter(None, kept):
                keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                _kept.append(keeper)
            return first
        for keeper in filter(None, kept):
            keeper.close()
    raise OSError(f"no free ports found between {_LOWEST} and {_HIGHEST}")


def _bound(port: int) -> socket.socket | None:
    keeper = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        keeper.bind(("127.0.0.1", port))
    except OSError:
        keeper.close()
        return None
    return keeper

"""Which TCP ports of this machine are free."""

import random
import socket

# Below the range from which Linux and macOS take ports for outgoing connections: a port found free here stays free
# for the seconds a server needs to start.
_LOWEST, _HIGHEST = 20000, 32000


def is_free(port: int) -> bool:
    """Tell whether a server could listen on this port of the loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def listens(port: int) -> bool:
    """Tell whether something answers on this port of the loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """Return a port that was free a moment ago; two calls seldom give the same. Raises OSError when none is found."""
    for _ in range(200):
        port = random.randint(_LOWEST, _HIGHEST)  # noqa: S311  # chosen to differ between runs, not to be secret
        if is_free(port):
            return port
    raise OSError(f"no free port found between {_LOWEST} and {_HIGHEST}")

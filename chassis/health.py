"""Tells the outside how a service is: /livez (the loop turns), /readyz (named checks), /metrics."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry

Check = Callable[[], str | None]
"""Returns None when all is well, else what is not, in a few words."""


class HealthServer:
    """Serves /livez, /readyz and /metrics; a component of a Lifecycle. Port 0 takes any free one, told by `port`."""

    def __init__(self, service: str, registry: CollectorRegistry, host: str, port: int) -> None:
        self._service = service
        self._registry = registry
        self._host = host
        self.port = port
        self._checks: dict[str, Check] = {}

    def add_check(self, name: str, check: Check) -> None:
        """Let /readyz depend on a check; raises ValueError for a name that is taken."""
        if name in self._checks:
            raise ValueError(f"a check called {name} is there already")
        self._checks[name] = check

    async def run(self) -> None:
        """Serve until stopped."""
        raise NotImplementedError

    def stop(self) -> None:
        """Ask it to end."""
        raise NotImplementedError

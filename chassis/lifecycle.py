"""From start to stop: components run together, a signal ends them in order, a watchdog ends what hangs."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

T = TypeVar("T")


class Component(Protocol):
    """Something that runs as long as the service does."""

    async def run(self) -> None:
        """Run until stopped; what it raises ends the service."""
        ...

    def stop(self) -> None:
        """Ask it to end soon; safe to repeat."""
        ...


class Lifecycle:
    """Holds what a service is made of, in the order it was built; ends it in the reverse order."""

    async def enter(self, resource: AbstractAsyncContextManager[T]) -> T:
        """Enter a resource now and leave it when all that was started later has ended."""
        raise NotImplementedError(resource)

    def start(self, name: str, component: Component) -> None:
        """Run a component from now on, until the service ends."""
        raise NotImplementedError(name, component)


def run_service(name: str, build: Callable[[Lifecycle], Awaitable[None]]) -> int:
    """Run a service until SIGTERM or SIGINT and return its exit code; `build` (bootstrap's) starts its parts.

    0 after a signal, 1 when a part failed (logged), 2 for a StartUpError (one line on stderr).
    """
    raise NotImplementedError(name, build)

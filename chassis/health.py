"""Tells the outside how a service is: /livez (the loop turns), /readyz (named checks), /metrics.

The server has a thread of its own, so that it can tell of a loop that is stuck.
"""

import asyncio
import json
import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from chassis.clock import REAL_TIME
from chassis.errors import StartUpError
from chassis.spare_handle import EXHAUSTED, SpareHandle

_BEAT_SECONDS = 0.5
_STUCK_SECONDS = 10.0
_REQUEST_SECONDS = 5.0
"""What a client may take to say what it wants."""

Check = Callable[[], str | None]
"""Returns None when all is well, else what is not, in a few words. Called from another thread: it only reads."""


class _Server(ThreadingHTTPServer):
    """Answers also when the process has no file handle left: then it matters most, and then one after the other."""

    spare: SpareHandle

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept, with the spare handle where there is no other."""
        try:
            return super().get_request()
        except OSError as error:
            if error.errno not in EXHAUSTED:
                raise
        self.spare.lend()
        return super().get_request()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, or at once where the spare handle is lent, and take it back."""
        if self.spare.is_held:
            super().process_request(request, client_address)
            return
        try:
            self.finish_request(request, client_address)
        finally:
            self.shutdown_request(request)
            self.spare.hold()


class HealthServer:
    """Serves /livez, /readyz and /metrics; a component of a Lifecycle. Port 0 takes any free one, told by `port`.

    `start` is the first check: it says what is wrong until all parts are there, each with its own (`Lifecycle.check`).
    """

    def __init__(self, service: str, registry: CollectorRegistry, host: str, port: int, start: Check) -> None:
        self._service = service
        self._registry = registry
        self._host = host
        self.port = port
        self._spare = SpareHandle()
        self._checks: dict[str, Check] = {"start": start, "handles": self._spare.check}
        self._beat_at = REAL_TIME.monotonic()
        self._stopping = asyncio.Event()

    def add_check(self, name: str, check: Check) -> None:
        """Let /readyz depend on a check; raises ValueError for a name that is taken."""
        if name in self._checks:
            raise ValueError(f"a check called {name} is there already")
        self._checks[name] = check

    async def run(self) -> None:
        """Serve until stopped; raises StartUpError if the port is taken."""
        server = self._listening()
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="health", daemon=True)
        thread.start()
        try:
            while not self._stopping.is_set():
                self._beat_at = REAL_TIME.monotonic()
                self._spare.look()
                await asyncio.sleep(_BEAT_SECONDS)
        finally:
            await asyncio.to_thread(server.shutdown)
            server.server_close()
            self._spare.lend()

    def stop(self) -> None:
        """Ask it to end; safe to repeat."""
        self._stopping.set()

    def respond(self, path: str) -> tuple[HTTPStatus, str, bytes]:
        """Return status, content type and body for a path."""
        match path.split("?", 1)[0]:
            case "/livez":
                return self._livez()
            case "/readyz":
                return self._readyz()
            case "/metrics":
                return HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(self._registry)
            case _:
                return _json(HTTPStatus.NOT_FOUND, {"paths": ["/livez", "/readyz", "/metrics"]})

    def _livez(self) -> tuple[HTTPStatus, str, bytes]:
        seconds = REAL_TIME.monotonic() - self._beat_at
        status = HTTPStatus.OK if seconds < _STUCK_SECONDS else HTTPStatus.SERVICE_UNAVAILABLE
        return _json(status, {"service": self._service, "seconds_since_the_loop_turned": round(seconds, 1)})

    def _readyz(self) -> tuple[HTTPStatus, str, bytes]:
        found = {name: check() for name, check in tuple(self._checks.items())}
        status = HTTPStatus.SERVICE_UNAVAILABLE if any(found.values()) else HTTPStatus.OK
        checks = {name: problem or "ok" for name, problem in found.items()}
        return _json(status, {"service": self._service, "checks": checks})

    def _listening(self) -> _Server:
        try:
            server = _Server((self._host, self.port), _handler_of(self))
        except OSError as error:
            raise StartUpError(
                f"port {self.port} of {self._host} cannot be listened on ({error.strerror}): set ESCALON_HEALTH_PORT"
            ) from error
        server.daemon_threads = True
        server.spare = self._spare
        self._spare.hold()
        self.port = server.server_address[1]
        return server


def _handler_of(health: HealthServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _REQUEST_SECONDS

        def do_GET(self) -> None:
            status, content_type, body = health.respond(self.path)
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by http.server
            """Say nothing: a probe every few seconds is no news."""

    return Handler


def _json(status: HTTPStatus, told: dict[str, object]) -> tuple[HTTPStatus, str, bytes]:
    return status, "application/json", json.dumps(told).encode()

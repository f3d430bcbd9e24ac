"""One of our services as a process of its own: started as a user starts it, ended by its own pid."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


class ServiceProcess:
    """A running service, with its output in a file; `arguments` are Python's."""

    def __init__(
        self, name: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path, port: int
    ) -> None:
        self.name = name
        self.is_paused = False
        self._port = port
        self._log = log
        with log.open("ab") as written:
            self._child = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=REPOSITORY,
                env={**os.environ, **environment, "ESCALON_HEALTH_PORT": str(port)},
                stdout=written,
                stderr=subprocess.STDOUT,
            )

    @property
    def log(self) -> str:
        """Everything it has written."""
        return self._log.read_text(encoding="utf-8")

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    def is_alive(self) -> bool:
        """Tell whether it runs."""
        return self._child.poll() is None

    def is_ready(self) -> bool:
        """Tell whether it says it is ready; fails the test if it has ended."""
        assert self.is_alive(), self.log
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/readyz", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def answers(self) -> bool:
        """Tell whether it has begun: it answers, ready or not."""
        try:
            self.readiness()
        except OSError:
            return False
        return True

    def readiness(self) -> dict[str, str]:
        """Return what each check of /readyz says, "ok" where all is well."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/readyz", timeout=5) as answer:
                told = json.load(answer)
        except urllib.error.HTTPError as error:
            told = json.load(error)
        return dict(told["checks"])

    def metrics(self) -> str:
        """Return what it measures."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=1) as answer:
            return str(answer.read().decode())

    def kill(self) -> None:
        """End it as a crash would."""
        if self.is_alive():
            self._child.send_signal(signal.SIGKILL)
            self._child.wait()

    def pause(self) -> None:
        """Have it stand still, as a machine that swaps or a frozen container would."""
        self._child.send_signal(signal.SIGSTOP)
        self.is_paused = True

    def resume(self) -> None:
        """Have it go on where it stood."""
        self._child.send_signal(signal.SIGCONT)
        self.is_paused = False

    def end_by(self, signal_number: signal.Signals, within: timedelta) -> int:
        """Send it a signal and return its exit code; raises TimeoutExpired."""
        self._child.send_signal(signal_number)
        return self._child.wait(within.total_seconds())

    def terminate(self, within: timedelta) -> int:
        """Ask it to end and return its exit code; raises TimeoutExpired."""
        return self.end_by(signal.SIGTERM, within)

    def exit_code(self, within: timedelta) -> int:
        """Return the exit code of one that ends by itself; raises TimeoutExpired."""
        return self._child.wait(within.total_seconds())


@contextmanager
def a_service(
    name: str, environment: Mapping[str, str], log: Path, port: int, program: Sequence[str] = ()
) -> Iterator[ServiceProcess]:
    """Give a running service, or what Python runs in its place; it is gone when the block ends.

    Its group misses it as soon as a broker allows: who is started after a kill waits for that.
    """
    settings = {"ESCALON_KAFKA_SESSION_TIMEOUT_MS": "6000", **environment}
    process = ServiceProcess(name, tuple(program) or ("-m", f"services.{name}"), settings, log, port)
    try:
        yield process
    finally:
        process.kill()

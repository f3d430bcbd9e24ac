"""A server as a child of ours: started with its own log, stopped by its own pid, gone when we are."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ServerCommand:
    """How a server is run: its arguments, where it writes, and as whom.

    `user` is for servers that refuse to run as root; only root can set it. `ends_on` is the signal that asks it to end.
    """

    arguments: Sequence[str]
    log: Path
    directory: Path
    environment: Mapping[str, str] | None = None
    user: str | None = None
    ends_on: signal.Signals = signal.SIGTERM


class ServerProcess:
    """A running server. It stands in a session of its own: a Ctrl-C in the terminal reaches us, and we stop it."""

    def __init__(self, command: ServerCommand) -> None:
        """Start it; raises FileNotFoundError where its program is missing."""
        self._command = command
        with command.log.open("ab") as log:
            self._child = subprocess.Popen(  # noqa: S603  # the server's own arguments, no shell
                [*_ending_with_us(command.ends_on), *command.arguments],
                cwd=command.directory,
                env=command.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=command.user,
                group=command.user,
                extra_groups=[] if command.user else None,
            )

    @property
    def pid(self) -> int:
        """Return its process id."""
        return self._child.pid

    def is_running(self) -> bool:
        """Tell whether it has not ended."""
        return self._child.poll() is None

    def stop(self, grace: timedelta) -> None:
        """Ask it to end, and kill it when the grace is over. Safe to repeat."""
        if not self.is_running():
            return
        self._child.send_signal(self._command.ends_on)
        self.wait(grace)

    def wait(self, limit: timedelta) -> None:
        """Return when it has ended; it is killed when the limit is over."""
        try:
            self._child.wait(limit.total_seconds())
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once, as a machine that loses power would. Safe to repeat."""
        self._child.kill()
        self._child.wait()

    def last_words(self, count: int = 3) -> str:
        """Return the last lines it wrote that look like a failure, else its last lines."""
        lines = self._command.log.read_text(errors="replace").splitlines()
        failures = [line for line in lines if any(word in line for word in ("ERROR", "FATAL", "Exception", "rror:"))]
        return " | ".join((failures or lines)[-count:])


def _ending_with_us(ends_on: signal.Signals) -> list[str]:
    """Let Linux end the server when we are killed, so that no broker outlives an aborted run.

    "We" is the thread that started it: start servers from the main thread, or from one that lives as long.
    """
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    return [setpriv, "--pdeathsig", ends_on.name.removeprefix("SIG")] if setpriv else []

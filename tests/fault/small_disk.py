"""A disk of a few megabytes that a test can fill: a tmpfs in a mount namespace of its own, with and without root.

Run as a program it enters such a namespace and becomes a service: `python -m tests.fault.small_disk PID MODULE`.
"""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.harness.service_process import REPOSITORY

_CHUNK = 16 * 1024
_MOUNT = 'mount -t tmpfs -o size="$2" escalon "$1" && echo mounted && exec cat'
"""`cat` holds the namespace, and with it the disk, until its input is closed: the disk outlives the services on it."""

_QUERY = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(connection.execute("PRAGMA integrity_check").fetchone()[0])
for row in connection.execute(sys.argv[2]):
    print(row[0])
"""


class SmallDisk:
    """The disk, seen by services at `place` and by the test at `seen`."""

    def __init__(self, holder: int, place: Path) -> None:
        self.place = place
        self.seen = Path(f"/proc/{holder}/root{place}")
        self._holder = holder

    def program(self, service: str) -> tuple[str, ...]:
        """Return what Python runs to have a service live on this disk."""
        return ("-m", "tests.fault.small_disk", str(self._holder), f"services.{service}")

    def rows(self, file: str, query: str) -> list[str]:
        """Return the first column of what a SQLite database on the disk holds, read from inside; fails if corrupt."""
        command = [*_entering(str(self._holder)), sys.executable, "-c", _QUERY, str(self.place / file), query]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        whole, *rows = done.stdout.splitlines()
        assert whole == "ok", f"{file} is corrupt: {whole}"
        return rows

    def fill(self) -> int:
        """Leave not a byte, and return how many bytes that took."""
        with (self.seen / "ballast").open("ab", buffering=0) as ballast:
            for size in (_CHUNK, 1):
                try:
                    while True:
                        ballast.write(b"x" * size)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
            return ballast.tell()

    def free(self) -> None:
        """Make room again."""
        (self.seen / "ballast").unlink()


@contextmanager
def a_small_disk(place: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Give an empty disk at a folder; it is gone when the block ends."""
    place.mkdir(parents=True)
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", _MOUNT, "sh", str(place), f"{megabytes}m"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"mounted\n", "user namespaces are needed to make a small disk"
        yield SmallDisk(holder.pid, place)


def _entering(holder: str) -> list[str]:
    return ["nsenter", "--target", holder, "--user", "--mount", "--preserve-credentials", f"--wd={REPOSITORY}"]


def _become(holder: str, module: str) -> None:
    command = [*_entering(holder), sys.executable, "-m", module]
    os.execvp(command[0], command)  # noqa: S606 - the process must keep its id


if __name__ == "__main__":
    _become(sys.argv[1], sys.argv[2])

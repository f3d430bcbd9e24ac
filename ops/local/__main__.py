"""`python -m ops.local fetch|reset`: Kafka's jars onto this machine; what was stored off it."""

import os
import shutil
import sys
from pathlib import Path

import msgspec

from chassis.errors import StartUpError
from ops.local import kafka, prerequisites
from ops.local.run_file import LOCAL, RUN_FILE, LocalRun

_KEPT = {LOCAL / "kafka" / "lib"}
"""What costs time to fetch again and holds nothing of anybody."""


def fetch() -> None:
    """Fetch Kafka's jars and have Java remember their classes, unless that is done; raises StartUpError."""
    prerequisites.check_java()
    kafka.fetch_jars()
    kafka.remember_classes()


def reset() -> None:
    """Delete what a local installation stored; raises StartUpError while one runs."""
    if RUN_FILE.is_file():
        run = msgspec.json.decode(RUN_FILE.read_bytes(), type=LocalRun)
        if is_alive(run.supervisor_pid):
            raise StartUpError(f"`escalon up` runs (process {run.supervisor_pid}): stop it first")
    clear(LOCAL)


def is_alive(pid: int) -> bool:
    """Tell whether there is a process with this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def clear(folder: Path) -> None:
    """Delete what is in a folder but for what is worth keeping."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path in _KEPT:
            continue
        if any(kept.is_relative_to(path) for kept in _KEPT):
            clear(path)
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def main(arguments: list[str]) -> int:
    """Run one of the two; one clear line for what is wrong."""
    verbs = {"fetch": fetch, "reset": reset}
    if len(arguments) != 1 or arguments[0] not in verbs:
        print("usage: python -m ops.local fetch|reset", file=sys.stderr)
        return 2
    try:
        verbs[arguments[0]]()
    except StartUpError as error:
        print(f"escalon: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

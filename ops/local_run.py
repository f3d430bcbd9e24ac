"""Where a local installation started by `escalon up` is, so that other terminals find it without settings."""

import os
from pathlib import Path

import msgspec

from chassis.clock import Clock, SharedClock, SystemClock

LOCAL = Path(".local")
RUN_FILE = LOCAL / "run.json"
BOOTSTRAP = "ESCALON_KAFKA_BOOTSTRAP_SERVERS"
CLOCK_FILE = "ESCALON_CLOCK_FILE"


class LocalRun(msgspec.Struct, frozen=True, kw_only=True):
    """A running local installation."""

    bootstrap_servers: str
    clock_file: str
    supervisor_pid: int


def local_defaults() -> None:
    """Point this process at the local installation, where the environment names no other and one is running."""
    if BOOTSTRAP in os.environ or not RUN_FILE.is_file():
        return
    run = msgspec.json.decode(RUN_FILE.read_bytes(), type=LocalRun)
    os.environ[BOOTSTRAP] = run.bootstrap_servers
    os.environ.setdefault(CLOCK_FILE, run.clock_file)


def operator_clock() -> Clock:
    """Return the clock commands are dated by: the installation's fast clock where it has one."""
    path = os.environ.get(CLOCK_FILE)
    return SharedClock(Path(path)) if path else SystemClock()

"""Where a local installation started by `escalon up` is, so that other terminals find it without settings."""

import os
from pathlib import Path

import msgspec
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.clock import Clock, SharedClock, SystemClock
from chassis.settings import PREFIX, read_settings

LOCAL = Path(".local")
RUN_FILE = LOCAL / "run.json"
BOOTSTRAP = "ESCALON_KAFKA_BOOTSTRAP_SERVERS"
CLOCK_FILE = "ESCALON_CLOCK_FILE"


class LocalSettings(BaseSettings):
    """Where a local installation lives."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}LOCAL_", frozen=True)

    dir: Path = Field(LOCAL, description="The folder in which everything is stored.")
    port: int = Field(19092, ge=1024, le=65500, description="Kafka's port; the five after it are taken too.")


class LocalRun(msgspec.Struct, frozen=True, kw_only=True):
    """A running local installation."""

    bootstrap_servers: str
    clock_file: str
    supervisor_pid: int


def run_file() -> Path:
    """Return the file that tells of a running local installation."""
    return read_settings(LocalSettings).dir / RUN_FILE.name


def local_defaults() -> None:
    """Point this process at the local installation, where the environment names no other and one is running."""
    if BOOTSTRAP in os.environ or not run_file().is_file():
        return
    run = msgspec.json.decode(run_file().read_bytes(), type=LocalRun)
    os.environ[BOOTSTRAP] = run.bootstrap_servers
    os.environ.setdefault(CLOCK_FILE, run.clock_file)


def local_folder() -> Path | None:
    """Return where the local installation stores everything, if it is the one this process talks to."""
    if not run_file().is_file():
        return None
    run = msgspec.json.decode(run_file().read_bytes(), type=LocalRun)
    return run_file().parent.resolve() if os.environ.get(BOOTSTRAP) == run.bootstrap_servers else None


def operator_clock() -> Clock:
    """Return the clock commands are dated by: the installation's fast clock where it has one."""
    path = os.environ.get(CLOCK_FILE)
    return SharedClock(Path(path)) if path else SystemClock()

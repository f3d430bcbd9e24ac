"""The real PostgreSQL of a test run: the one given, else one in Docker, else a private cluster. Never none."""

import asyncio
import getpass
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from signal import SIGINT, SIGQUIT

from sqlalchemy import URL, Connection, NullPool, create_engine, make_url, text
from testcontainers.community.postgres import PostgresContainer

from chassis.errors import StartUpError
from ops.local.process import ServerCommand, ServerProcess
from tests.harness.docker import docker_answers
from tests.harness.settings import HarnessSettings
from tests.harness.waiting import eventually_blocking

_DRIVER = "postgresql+psycopg"
_IMAGE = "postgres:17"
_STOP_GRACE = timedelta(seconds=8)
_ADVICE = (
    "no PostgreSQL for the tests: set ESCALON_TEST_POSTGRES_URL, or start Docker, or install the server "
    "(Debian and Ubuntu: apt install postgresql)"
)


@contextmanager
def a_postgres_server() -> Iterator[URL]:
    """Give the address of a server in which we may create databases, until the end of the block."""
    given = HarnessSettings().postgres_url
    if given:
        yield make_url(given).set(drivername=_DRIVER)
    elif docker_answers():
        with PostgresContainer(_IMAGE) as running:
            yield make_url(running.get_connection_url()).set(drivername=_DRIVER)
    else:
        with a_restartable_postgres() as server:
            yield server.address


@contextmanager
def a_database(server: URL) -> Iterator[str]:
    """Give the SQLAlchemy URL of an empty database that is dropped at the end of the block."""
    name = f"escalon_{uuid.uuid4().hex[:12]}"
    with _administrator(server) as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        with _administrator(server) as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@contextmanager
def _administrator(server: URL) -> Iterator[Connection]:
    engine = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        yield connection


class RestartablePostgres:
    """A private cluster that a test may crash and start again, on the same socket, with what was committed."""

    def __init__(self, place: "_Place") -> None:
        self._place = place
        self._server: ServerProcess | None = None

    @property
    def address(self) -> URL:
        """Return the address of the server, for `a_database`."""
        return URL.create(_DRIVER, username="escalon", database="postgres", query={"host": str(self._place.home)})

    @property
    def pid(self) -> int | None:
        """Return the postmaster's process id while it runs."""
        return self._server.pid if self._server and self._server.is_running() else None

    def start(self) -> None:
        """Start it and return when it takes connections, recovered if it had to; blocks."""
        self._server = ServerProcess(_server_command(self._place))
        _wait_until_it_answers(self._server, self._place.home)

    def stop(self) -> None:
        """Let it end connections, write a checkpoint and go; blocks. Safe to repeat."""
        if self._server is not None:
            self._server.stop(_STOP_GRACE)

    def crash(self) -> None:
        """End it as `pg_ctl stop -m immediate` does: connections break, the log is replayed later."""
        if self._server is not None and self._server.is_running():
            os.kill(self._server.pid, SIGQUIT)
            self._server.wait(_STOP_GRACE)

    async def restart_at_once(self) -> None:
        """Do what `pg_ctl restart -m immediate` does; the loop runs on."""
        await asyncio.to_thread(self.crash)
        # On the loop's thread: a server ends with the thread that started it.
        self.start()


@contextmanager
def a_restartable_postgres() -> Iterator[RestartablePostgres]:
    """Give a private cluster of the test's own (2 s), whatever server the run was given."""
    place = _Place(_programs(), _unprivileged_user(), Path(tempfile.mkdtemp(prefix="escalon-pg-")))
    # Not under pytest's own temporary folder: that one is closed to the user whom the server runs as.
    if place.user:
        shutil.chown(place.home, place.user, place.user)
    try:
        _make_cluster(place)
        server = RestartablePostgres(place)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(place.home, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a private cluster lives, and who runs it with which programs."""

    programs: Path
    user: str | None
    home: Path
    """Its files, and its socket: no port, nothing to collide with."""


def _programs() -> Path:
    """Return the folder of `initdb` and `postgres`; Debian keeps them off the PATH."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise StartUpError(_ADVICE)
    return found[-1].parent


def _unprivileged_user() -> str | None:
    """Return whom the server runs as: it refuses to be root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise StartUpError("PostgreSQL does not run as root, and there is no user `postgres` or `nobody` to run it as")


def _make_cluster(place: _Place) -> None:
    home, user = place.home, place.user
    options = ["--auth=trust", "--username=escalon", "--encoding=UTF8", "--locale=C", "--no-sync"]
    done = subprocess.run(
        [place.programs / "initdb", "-D", home / "cluster", *options],
        capture_output=True,
        text=True,
        check=False,
        cwd=home,
        user=user,
        group=user,
        extra_groups=[] if user else None,
    )
    if done.returncode != 0:
        raise StartUpError(f"PostgreSQL could not make a cluster in {home}: {done.stderr.strip()}")


def _server_command(place: _Place) -> ServerCommand:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(place.home),
        "max_connections": "200",
        # The cluster is thrown away. A crash of the server alone loses nothing all the same.
        "fsync": "off",
        "full_page_writes": "off",
    }
    arguments = [str(place.programs / "postgres"), "-D", str(place.home / "cluster")]
    for name, value in settings.items():
        arguments += ["-c", f"{name}={value}"]
    return ServerCommand(
        arguments, log=place.home / "postgres.log", directory=place.home, user=place.user, ends_on=SIGINT
    )


def _wait_until_it_answers(server: ServerProcess, home: Path) -> None:
    def answers() -> bool:
        if not server.is_running():
            raise StartUpError(f"PostgreSQL ended while starting: {server.last_words()}")
        return (home / ".s.PGSQL.5432").exists() and _ready(home, server.pid)

    eventually_blocking(answers, within=30, what=f"PostgreSQL answers as {getpass.getuser()} in {home}")


def _ready(home: Path, pid: int) -> bool:
    """Tell whether the server's own status file says so: a socket is there a moment before it takes connections."""
    status = home / "cluster" / "postmaster.pid"
    said = status.read_text() if status.is_file() else ""
    return said.startswith(f"{pid}\n") and said.rstrip().endswith("ready")

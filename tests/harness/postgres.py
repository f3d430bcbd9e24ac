"""The real PostgreSQL of a test run: the one given, else one in Docker, else a private cluster. Never none."""

import getpass
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from signal import SIGINT

from sqlalchemy import URL, Connection, NullPool, create_engine, make_url, text
from testcontainers.community.postgres import PostgresContainer

from chassis.errors import StartUpError
from ops.local.process import ServerCommand, ServerProcess
from tests.harness.docker import docker_answers
from tests.harness.settings import HarnessSettings
from tests.harness.waiting import eventually_blocking

_DRIVER = "postgresql+psycopg"
_IMAGE = "postgres:17"
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
        with _private_cluster() as address:
            yield address


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


@contextmanager
def _private_cluster() -> Iterator[URL]:
    """Run a cluster of our own on a socket in a folder of its own: no port, nothing to collide with."""
    programs = _programs()
    user = _unprivileged_user()
    # Not under pytest's own temporary folder: that one is closed to the user whom the server runs as.
    home = Path(tempfile.mkdtemp(prefix="escalon-pg-"))
    if user:
        shutil.chown(home, user, user)
    try:
        _make_cluster(programs, home, user)
        server = ServerProcess(_server_command(programs, home, user))
        try:
            _wait_until_it_answers(server, home)
            yield _socket_address(home)
        finally:
            server.stop(timedelta(seconds=8))
    finally:
        shutil.rmtree(home, ignore_errors=True)


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


def _make_cluster(programs: Path, home: Path, user: str | None) -> None:
    options = ["--auth=trust", "--username=escalon", "--encoding=UTF8", "--locale=C", "--no-sync"]
    done = subprocess.run(
        [programs / "initdb", "-D", home / "cluster", *options],
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


def _server_command(programs: Path, home: Path, user: str | None) -> ServerCommand:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(home),
        "max_connections": "200",
        # The cluster is thrown away: what a power cut would lose is not missed.
        "fsync": "off",
        "full_page_writes": "off",
    }
    arguments = [str(programs / "postgres"), "-D", str(home / "cluster")]
    for name, value in settings.items():
        arguments += ["-c", f"{name}={value}"]
    return ServerCommand(arguments, log=home / "postgres.log", directory=home, user=user, ends_on=SIGINT)


def _socket_address(home: Path) -> URL:
    return URL.create(_DRIVER, username="escalon", database="postgres", query={"host": str(home)})


def _wait_until_it_answers(server: ServerProcess, home: Path) -> None:
    def answers() -> bool:
        if not server.is_running():
            raise StartUpError(f"PostgreSQL ended while starting: {server.last_words()}")
        return (home / ".s.PGSQL.5432").exists() and _ready(home)

    eventually_blocking(answers, within=30, what=f"PostgreSQL answers as {getpass.getuser()} in {home}")


def _ready(home: Path) -> bool:
    """Tell whether the server's own status line says so: a socket is there a moment before it takes connections."""
    status = home / "cluster" / "postmaster.pid"
    return status.is_file() and status.read_text().rstrip().endswith("ready")

"""Apache Kafka itself on one machine, one node, no Docker; its jars come by Maven, once.

`escalon up` and the tests start it by this module.
"""

import fcntl
import hashlib
import os
import shutil
import socket
import string
import subprocess
import tempfile
import time
import uuid
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from chassis.errors import StartUpError
from ops.local import prerequisites
from ops.local.ports import listens
from ops.local.process import ServerCommand, ServerProcess

_REPOSITORY = Path(__file__).resolve().parents[2]
_POM = _REPOSITORY / "deploy" / "local" / "pom.xml"
_PROPERTIES = _REPOSITORY / "deploy" / "local" / "kafka.properties"
DEFAULT_LIB = _REPOSITORY / ".local" / "kafka" / "lib"
"""Where the jars are kept, and Java's archive of their classes; about 110 MB."""
ARCHIVE = "kafka.jsa"
_START_LIMIT = timedelta(seconds=90)
_STOP_GRACE = timedelta(seconds=8)
_REMEMBERING_GRACE = timedelta(seconds=90)


def fetch_jars(lib: Path = DEFAULT_LIB) -> None:
    """Fetch Kafka's jars unless those that pom.xml names are there already. Runs side by side wait for each other.

    Raises StartUpError when Maven is missing or fails.
    """
    wanted = hashlib.sha256(_POM.read_bytes()).hexdigest()
    marker = lib / "fetched-for.sha256"
    if _says(marker, wanted):
        return
    lib.parent.mkdir(parents=True, exist_ok=True)
    with (lib.parent / "fetch.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _says(marker, wanted):
            return
        shutil.rmtree(lib, ignore_errors=True)
        _run_maven(lib)
        marker.write_text(wanted)


def remember_classes(lib: Path = DEFAULT_LIB) -> None:
    """Have Java keep Kafka's classes as it needs them in memory, once, beside the jars: brokers start in half the time.

    It takes a broker that starts and stops. Where Java makes no such archive, brokers start as ever. Raises
    StartUpError as `LocalKafka.start` does.
    """
    java = prerequisites.check_java()
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)  # noqa: S603  # found above
    marker, wanted = lib / "remembered-for.txt", f"{_POM.read_text()}\n{lib}\n{told.stderr}"
    if _says(marker, wanted):
        return
    fetch_jars(lib)
    with (lib.parent / "fetch.lock").open("w") as lock, tempfile.TemporaryDirectory(prefix="escalon-kafka-") as home:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _says(marker, wanted):
            return
        fresh = Path(home) / ARCHIVE
        broker = LocalKafka(KafkaPlace(Path(home) / "broker", _free_port(), _free_port()), lib, remember_in=fresh)
        broker.start()
        broker.stop()
        (lib / ARCHIVE).unlink(missing_ok=True)
        if fresh.is_file():
            shutil.move(fresh, lib / ARCHIVE)
        marker.write_text(wanted)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _says(marker: Path, wanted: str) -> bool:
    return marker.is_file() and marker.read_text() == wanted


def _run_maven(lib: Path) -> None:
    command = [
        prerequisites.check_maven(),
        *("--batch-mode", "--quiet", "--file", str(_POM)),
        *("dependency:copy-dependencies", f"-Descalon.lib={lib}"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # its own arguments
    if done.returncode != 0:
        said = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line]
        raise StartUpError(f"Maven could not fetch Apache Kafka: {said[0] if said else done.stderr.strip()}")


@dataclass(frozen=True, slots=True)
class KafkaPlace:
    """Where a broker lives: its folder (kept between starts) and its two ports."""

    home: Path
    port: int
    controller_port: int
    heap_mb: int = 512

    @property
    def bootstrap_servers(self) -> str:
        """Return the address that clients are given."""
        return f"127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """Return the file the broker writes its log to."""
        return self.home / "kafka.log"


class LocalKafka:
    """One broker. What is stored under its home is there again at the next start, on whatever ports."""

    def __init__(self, place: KafkaPlace, lib: Path = DEFAULT_LIB, remember_in: Path | None = None) -> None:
        """Keep a place for it; with `remember_in` it leaves an archive of its classes there when it is stopped."""
        self.place = place
        self._lib = lib
        self._remember_in = remember_in
        self._server: ServerProcess | None = None

    @property
    def bootstrap_servers(self) -> str:
        """Return the address that clients are given."""
        return self.place.bootstrap_servers

    @property
    def pid(self) -> int | None:
        """Return the broker's process id while it runs."""
        return self._server.pid if self._server and self._server.is_running() else None

    def start(self) -> None:
        """Start the broker and return when it takes connections (2 to 10 s); blocks.

        Raises StartUpError: no Java, no Maven, a port taken, or what the broker itself said.
        """
        java = prerequisites.check_java()
        prerequisites.check_port(self.place.port, "Kafka")
        prerequisites.check_port(self.place.controller_port, "Kafka's controller")
        fetch_jars(self._lib)
        properties = self._write_properties()
        if not (self.place.home / "log" / "meta.properties").is_file():
            self._format(java, properties)
        self._server = ServerProcess(
            ServerCommand(
                self._java(java, *self._remembering(), f"-Xmx{self.place.heap_mb}m", "kafka.Kafka", str(properties)),
                log=self.place.log,
                directory=self.place.home,
                environment=_environment(),
            )
        )
        self._wait_until_it_listens(self._server)

    def stop(self) -> None:
        """Let the broker close its files and end, within 8 s; blocks. Safe to repeat."""
        if self._server is not None:
            self._server.stop(_STOP_GRACE if self._remember_in is None else _REMEMBERING_GRACE)

    def kill(self) -> None:
        """End the broker as a power cut would. `start` brings it back with all that was acknowledged."""
        if self._server is not None:
            self._server.kill()

    def _java(self, java: str, *arguments: str) -> list[str]:
        # Compiled once and quickly: a broker of some hundred records a second gains nothing from the slow compiler, and
        # the services on the same two cores would pay for it.
        return [
            java,
            *("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"),
            *("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true"),
            # In an order of its own: the archive is of these jars in this order.
            *("-cp", ":".join(sorted(map(str, self._lib.glob("*.jar"))))),
            *self._remembered(),
            *arguments,
        ]

    def _remembered(self) -> list[str]:
        """Name the archive where there is one. Java leaves one aside that does not fit, and says so in the log."""
        archive = self._lib / ARCHIVE
        use_it = self._remember_in is None and archive.is_file()
        return [f"-XX:SharedArchiveFile={archive}"] if use_it else []

    def _remembering(self) -> list[str]:
        return [] if self._remember_in is None else [f"-XX:ArchiveClassesAtExit={self._remember_in}"]

    def _write_properties(self) -> Path:
        self.place.home.mkdir(parents=True, exist_ok=True)
        filled = string.Template(_PROPERTIES.read_text()).substitute(
            port=self.place.port, controller_port=self.place.controller_port, log_dir=self.place.home / "log"
        )
        properties = self.place.home / "kafka.properties"
        properties.write_text(filled)
        return properties

    def _format(self, java: str, properties: Path) -> None:
        arguments = self._java(java, "kafka.tools.StorageTool", "format", "-t", _cluster_id(), "-c", str(properties))
        done = subprocess.run(  # noqa: S603  # its own arguments
            arguments, capture_output=True, text=True, check=False, env=_environment()
        )
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise StartUpError(
                f"Kafka could not make its store in {self.place.home}: {said[-1] if said else 'no word'}"
            )

    def _wait_until_it_listens(self, server: ServerProcess) -> None:
        limit = time.monotonic() + _START_LIMIT.total_seconds()
        while not listens(self.place.port):
            if not server.is_running():
                raise StartUpError(f"Kafka ended while starting ({self.place.log}): {server.last_words()}")
            if time.monotonic() > limit:
                server.kill()
                raise StartUpError(f"Kafka did not listen on port {self.place.port} in time ({self.place.log})")
            time.sleep(0.05)


def _cluster_id() -> str:
    """Return a new cluster id in Kafka's form; made here because its own tool takes two seconds to."""
    while (made := urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass  # a leading dash would be read as an option
    return made


def _environment() -> dict[str, str]:
    """Return an environment without the variables that change how Java or Kafka runs."""
    return {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}

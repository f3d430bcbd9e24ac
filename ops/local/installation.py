"""A local installation: where it lives, which ports it takes, how its processes are run."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from chassis.errors import StartUpError
from chassis.settings import KafkaSettings, read_settings
from ops.local import prerequisites
from ops.local.__main__ import is_alive
from ops.local.kafka import KafkaPlace, LocalKafka
from ops.local.ports import is_free
from ops.local.run_file import BOOTSTRAP, CLOCK_FILE, RUN_FILE, LocalRun, LocalSettings
from ops.local.supervisor import KeptBroker, KeptService, ServiceCommand
from schemas.catalogue import DEPLOYED

_REPOSITORY = Path(__file__).resolve().parents[2]
_OF_ANOTHER_KAFKA = ("ESCALON_KAFKA_", "SCHEMA_REGISTRY_URL")
"""What the environment may say of another Kafka is not for the local one."""
_FIRST_EVENT = "2000-01-01T00:00:00Z"
"""Nothing on a Kafka of our own is old: each ticket on it was sent to be judged."""


@dataclass(frozen=True, slots=True)
class Installation:
    """A folder and seven ports in a row: Kafka, its controller, and the health of each service."""

    folder: Path
    port: int

    @property
    def bootstrap_servers(self) -> str:
        """Return Kafka's address."""
        return f"127.0.0.1:{self.port}"

    @property
    def clock_file(self) -> Path:
        """Return the file of the fast clock."""
        return self.folder / "clock.json"

    @property
    def kafka_settings(self) -> KafkaSettings:
        """Return how its Kafka is reached, whatever the environment says of others."""
        return KafkaSettings(bootstrap_servers=self.bootstrap_servers, security_protocol="PLAINTEXT")

    @property
    def logs(self) -> Path:
        """Return the folder of its logs."""
        return self.folder / "logs"

    def prepare(self, *, fresh: bool) -> None:
        """Make sure that it can start, and make its folders; `fresh` forgets what was stored.

        Raises StartUpError: one runs already, no Java, a port taken.
        """
        run = self.running()
        if run is not None:
            raise StartUpError(f"`escalon up` runs already (process {run.supervisor_pid}): stop it first, by Ctrl-C")
        prerequisites.check_java()
        for port, what in self._ports():
            if not is_free(port):
                raise StartUpError(
                    f"port {port} is taken, and {what} needs it: stop what listens there, "
                    f"or let ESCALON_LOCAL_PORT name the first of seven other ports (now {self.port})"
                )
        if fresh:
            self.forget()
        for folder in (self.logs, *(self.folder / name for name in DEPLOYED)):
            folder.mkdir(parents=True, exist_ok=True)

    def forget(self) -> None:
        """Delete what was stored, and nothing else that stands in the folder. Safe to repeat."""
        for name in (*DEPLOYED, Path("kafka", "log"), self.logs.name):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        self.clock_file.unlink(missing_ok=True)
        self.say_no_more()

    def running(self) -> LocalRun | None:
        """Return the installation that runs here; None where there is none."""
        path = self.folder / RUN_FILE.name
        if not path.is_file():
            return None
        run = msgspec.json.decode(path.read_bytes(), type=LocalRun)
        return run if run.supervisor_pid != os.getpid() and is_alive(run.supervisor_pid) else None

    def say_where(self) -> None:
        """Let commands in other terminals find it."""
        run = LocalRun(
            bootstrap_servers=self.bootstrap_servers, clock_file=str(self.clock_file), supervisor_pid=os.getpid()
        )
        (self.folder / RUN_FILE.name).write_bytes(msgspec.json.encode(run))

    def say_no_more(self) -> None:
        """Let nobody look for it any longer. Safe to repeat."""
        (self.folder / RUN_FILE.name).unlink(missing_ok=True)

    def broker(self) -> KeptBroker:
        """Return its Kafka, not started."""
        return KeptBroker(LocalKafka(KafkaPlace(self.folder / "kafka", self.port, self.port + 1)))

    def services(self) -> list[KeptService]:
        """Return its services, not started."""
        return [
            KeptService(
                ServiceCommand(
                    name=name,
                    arguments=[sys.executable, "-m", f"services.{name}"],
                    environment=self._environment(os.environ, port),
                    log=self.logs / f"{name}.log",
                    directory=_REPOSITORY,
                    health_port=port,
                )
            )
            for port, name in self._health_ports()
        ]

    def _ports(self) -> Iterator[tuple[int, str]]:
        yield self.port, "Kafka"
        yield self.port + 1, "Kafka's controller"
        for port, name in self._health_ports():
            yield port, f"the health of the {name}"

    def _health_ports(self) -> Iterator[tuple[int, str]]:
        for offset, name in enumerate(DEPLOYED):
            yield self.port + 2 + offset, name

    def _environment(self, given: Mapping[str, str], health_port: int) -> dict[str, str]:
        """Return what a service is told; what the user says of its channels stays, but a demo writes to nobody."""
        kept = {name: value for name, value in given.items() if not name.startswith(_OF_ANOTHER_KAFKA)}
        kept.setdefault("ESCALON_SHADOW", "true")
        return kept | {
            BOOTSTRAP: self.bootstrap_servers,
            CLOCK_FILE: str(self.clock_file),
            "ESCALON_HEALTH_PORT": str(health_port),
            "ESCALON_SINCE": _FIRST_EVENT,
            "ESCALON_ROUTER_STORE_URL": f"sqlite:///{self.folder / 'router' / 'escalations.db'}",
            "ESCALON_NOTIFIER_LEDGER_URL": f"sqlite:///{self.folder / 'notifier' / 'ledger.db'}",
            "ESCALON_NOTIFIER_SINK_FILE": str(self.folder / "notifier" / "sink.jsonl"),
            "ESCALON_SLA_MONITOR_STORAGE": str(self.folder / "sla_monitor"),
        }


def local_installation() -> Installation:
    """Return the installation the environment names, .local by default."""
    settings = read_settings(LocalSettings)
    return Installation(settings.dir.resolve(), settings.port)

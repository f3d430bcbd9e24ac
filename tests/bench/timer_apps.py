"""The applications whose timers are compared: ours, a plain Faust one, Kafka Streams; each a process of its own."""

import asyncio
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from ops.topics import DEFAULT_PARTITIONS
from schemas.catalogue import SLA
from schemas.sla import SlaFinding
from tests.bench.measuring import metric, resident_mib
from tests.bench.timer_events import OurTimers, PlainTimers, Timers, Written, bench_policy
from tests.harness.desk import Desk
from tests.harness.kafka import a_local_kafka
from tests.harness.ports import free_port
from tests.harness.topics import configure
from tests.unit.sla_monitor.telling import VERSION

PEERS = Path(__file__).parent / "peers"
_STREAMS = PEERS / "streams_timers"
_STOP_LIMIT = timedelta(seconds=60)
_LOOK_SECONDS = 0.1
_BY_APPEND = {"message.timestamp.type": "LogAppendTime"}

Fired = tuple[int, int]
"""When a timer was due and when the broker had the record that tells so, in milliseconds."""


@dataclass
class TimerApp:
    """An application on a broker of its own."""

    name: str
    bootstrap: str
    timers: Timers
    changelog: str
    command: Sequence[str]
    environment: Mapping[str, str]
    state: Path
    log: Path
    health_port: int | None = None
    """Where it tells how many events it has handled; None for one that writes a row for each."""
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._looking = _a_consumer(self.bootstrap)

    def start(self) -> None:
        """Start it; not at work yet when this returns."""
        self.state.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as written:
            self._process = subprocess.Popen(
                self.command, env={**os.environ, **self.environment}, stdout=written, stderr=subprocess.STDOUT
            )

    def stop(self) -> None:
        """Ask it to end, and wait."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_LIMIT.total_seconds())
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def resident_mib(self) -> float:
        """Return what it holds in memory."""
        return resident_mib(self.pid)

    def write(self, records: Iterator[Written]) -> None:
        """Write events; returns when the broker has them."""
        producer = Producer(
            {
                "bootstrap.servers": self.bootstrap,
                "partitioner": "murmur2_random",
                "linger.ms": 5,
                "queue.buffering.max.messages": 200_000,
            }
        )
        for record in records:
            while True:
                try:
                    producer.produce(self.timers.events, record.value, record.key, headers=record.headers)
                    break
                except BufferError:
                    producer.poll(_LOOK_SECONDS)
        assert not producer.flush(60), "not all events were acknowledged"

    def handled(self) -> int:
        """Return how many events it has handled: an event counts when its row is in the changelog.

        Ours writes one row for the events of a ticket that it reads together, a tenth of a second after it has counted
        them.
        """
        if self.health_port is not None:
            return _counted(self.health_port)
        try:
            return sum(_ends(self._looking, self.changelog))
        except KafkaException:
            # Not there yet; a client may go on saying so from its cache for minutes.
            self._looking.close()
            self._looking = _a_consumer(self.bootstrap)
            return 0

    def rows(self) -> int:
        """Return how many rows there are of the events handled."""
        return self.handled() // self.timers.events_a_row

    def wait_handled(self, count: int, limit_seconds: float) -> tuple[int, float]:
        """Wait until so many rows are written; return how many there were, and when that was seen."""
        deadline = time.monotonic() + limit_seconds
        while (handled := self.handled()) < count:
            assert self._process is not None
            assert self._process.poll() is None, f"{self.name} has ended: {self.log.read_text()[-3000:]}"
            assert time.monotonic() < deadline, f"{self.name}: {handled} of {count}: {self.log.read_text()[-3000:]}"
            time.sleep(_LOOK_SECONDS)
        return handled, time.monotonic()

    def fire(self, prefix: str, dues_ms: Sequence[int], limit_seconds: float) -> list[Fired]:
        """Set a timer for each instant, and return what came of each; fails unless each comes exactly once."""
        begin = _ends(self._looking, self.timers.fired)
        self.write(self.timers.due(prefix, dues_ms))
        expected = {record.key: due for record, due in zip(self.timers.due(prefix, dues_ms), dues_ms, strict=True)}
        came: dict[bytes, Fired] = {}
        for key, value, appended_ms in _read(self.bootstrap, self.timers.fired, begin, limit_seconds):
            told = self.timers.told(key, value)
            if told in expected:
                assert told is not None
                assert told not in came, f"{self.name}: {told!r} came twice"
                came[told] = (expected[told], appended_ms)
            if len(came) == len(expected):
                break
        assert len(came) == len(expected), (
            f"{self.name}: {len(came)} of {len(expected)}: {self.log.read_text()[-3000:]}"
        )
        return list(came.values())

    def restart(self, prefix: str, *, cold: bool) -> float:
        """Stop, start again; return the seconds until timers due at the start have come from all partitions."""
        self.stop()
        if cold:
            shutil.rmtree(self.state)
        started_ms = now_ms()
        self.start()
        fired = self.fire(prefix, [started_ms] * 100, 600)
        return (max(appended for _, appended in fired) - started_ms) / 1000


def now_ms() -> int:
    """Return the time of the wall clock."""
    return int(time.time() * 1000)


@contextmanager
def our_monitor(folder: Path) -> Iterator[TimerApp]:
    """Give the sla_monitor as it is deployed, under the default policy, not started yet."""
    with a_local_kafka() as broker:
        bootstrap = broker.bootstrap_servers
        asyncio.run(_prepare(bootstrap))
        health_port = free_port()
        app = TimerApp(
            name="sla_monitor",
            bootstrap=bootstrap,
            timers=OurTimers(),
            changelog="sla_monitor-rows-changelog",
            command=(sys.executable, "-m", "services.sla_monitor"),
            environment={
                "ESCALON_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
                "ESCALON_SLA_MONITOR_STORAGE": str(folder / "ours"),
                "ESCALON_HEALTH_PORT": str(health_port),
            },
            state=folder / "ours",
            log=folder / "ours.log",
            health_port=health_port,
        )
        try:
            yield app
        finally:
            app.stop()


@contextmanager
def plain_faust(folder: Path) -> Iterator[TimerApp]:
    """Give the straightforward Faust application, not started yet."""
    with a_local_kafka() as broker, _a_peer("faust", broker.bootstrap_servers, folder) as app:
        app.command = (sys.executable, str(PEERS / "timers_faust.py"))
        yield app


@contextmanager
def kafka_streams(folder: Path) -> Iterator[TimerApp]:
    """Give the Kafka Streams application, built with Maven where it is not yet."""
    built = _STREAMS / "target"
    if not (built / "streams-timers.jar").exists():
        subprocess.run(("mvn", "-q", "-B", "-f", str(_STREAMS / "pom.xml"), "package"), check=True)
    with a_local_kafka() as broker, _a_peer("streams", broker.bootstrap_servers, folder) as app:
        app.command = (
            *("java", "-Xmx512m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"),
            *("-cp", f"{built}/streams-timers.jar:{built}/lib/*", "peers.StreamsTimers"),
            *(app.bootstrap, "peer", app.timers.events, app.timers.fired, str(app.state), "at_least_once"),
        )
        yield app


@contextmanager
def _a_peer(name: str, bootstrap: str, folder: Path) -> Iterator[TimerApp]:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    topics = [NewTopic(f"peer-{topic}", DEFAULT_PARTITIONS, 1, config=_BY_APPEND) for topic in ("events", "due", "out")]
    for created in admin.create_topics(topics).values():
        created.result()
    state = folder / name
    app = TimerApp(
        name=name,
        bootstrap=bootstrap,
        timers=PlainTimers("peer-events", "peer-out"),
        changelog="peer-rows-changelog",
        command=(),
        environment={
            "BOOTSTRAP": bootstrap,
            "APP_ID": "peer",
            "STATE_DIR": str(state),
            "IN_TOPIC": "peer-events",
            "DUE_TOPIC": "peer-due",
            "OUT_TOPIC": "peer-out",
        },
        state=state,
        log=folder / f"{name}.log",
    )
    try:
        yield app
    finally:
        app.stop()


async def _prepare(bootstrap: str) -> None:
    async with Desk(bootstrap, "sla_monitor", SLA, SlaFinding) as desk:
        await desk.publish_policy(bench_policy(), VERSION)
    await configure(bootstrap, SLA.name, _BY_APPEND)


def _counted(health_port: int) -> int:
    """Return what the service says it has read; 0 while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{health_port}/metrics", timeout=5) as answer:
            said = answer.read().decode()
    except OSError:
        return 0
    return int(metric(said, "escalon_sla_monitor_events_total"))


def _a_consumer(bootstrap: str) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "bench",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 10,
            "log_level": 0,
        }
    )


def _ends(consumer: Consumer, topic: str) -> list[int]:
    places = (TopicPartition(topic, number) for number in range(DEFAULT_PARTITIONS))
    return [consumer.get_watermark_offsets(place, timeout=10)[1] for place in places]


def _read(bootstrap: str, topic: str, begin: Sequence[int], seconds: float) -> Iterator[tuple[bytes, bytes, int]]:
    """Yield key, value and append time of what comes from those offsets on, for at most so long."""
    consumer = _a_consumer(bootstrap)
    consumer.assign([TopicPartition(topic, number, offset) for number, offset in enumerate(begin)])
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            message: Any = consumer.poll(_LOOK_SECONDS)
            if message is not None:
                assert message.error() is None, message.error()
                yield message.key(), message.value(), message.timestamp()[1]
    finally:
        consumer.close()

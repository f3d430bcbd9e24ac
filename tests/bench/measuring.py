"""What the benches share: times from the broker, percentiles, slopes, memory, and the line of the table."""

import asyncio
import os
import re
import statistics
import sys
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from ops.connection import read_topics
from ops.topics import DEFAULT_PARTITIONS
from schemas.catalogue import Topic
from tests.harness.installation import Installation
from tests.harness.service_process import ServiceProcess

_PATIENCE_SECONDS = 600

_SAMPLE = re.compile(r"^(?P<name>\w+)(?:\{[^}]*\})? (?P<value>\S+)$", re.MULTILINE)


class Seen(NamedTuple):
    """A record as its headers tell of it: nothing is decoded, so that reading costs little."""

    at_ms: int
    event: str
    ticket: str


async def records_of(here: Installation, topic: Topic) -> AsyncIterator[Seen]:
    """Yield every record of the topic so far, with the producer's time of it."""
    async for record in read_topics(here.settings, [topic.name]):
        headers = dict(record.headers)
        event = headers.get("ce_type", b"").decode().rpartition(".")[2]
        yield Seen(record.timestamp_ms, event, headers.get("ce_subject", record.key or b"").decode())


async def times_of(here: Installation, topic: Topic, event: str) -> list[int]:
    """Return when the events of this type were written, in milliseconds, in order."""
    return sorted([seen.at_ms async for seen in records_of(here, topic) if seen.event == event])


async def firsts(here: Installation, topic: Topic, event: str) -> dict[str, int]:
    """Return for each ticket when the first event of this type was written."""
    found: dict[str, int] = {}
    async for seen in records_of(here, topic):
        if seen.event == event:
            found[seen.ticket] = min(seen.at_ms, found.get(seen.ticket, seen.at_ms))
    return found


def rate(times_ms: Sequence[int]) -> float:
    """Return events a second; the first tenth is the start and does not count."""
    cut = len(times_ms) // 10
    return (len(times_ms) - cut) / max((times_ms[-1] - times_ms[cut]) / 1000, 0.001)


def percentile(values: Iterable[float], percent: float) -> float:
    """Return the smallest value that so many percent do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return how much the second grows with one of the first, by least squares."""
    return statistics.linear_regression([at for at, _ in points], [value for _, value in points]).slope


async def caught_up(service: ServiceProcess, position: int) -> None:
    """Wait until a service has handled so many records; asks once a second, since asking costs the service time."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while metric(service.metrics(), "escalon_consumer_position_offset") < position:
        assert time.monotonic() < deadline, f"{service.name} has not caught up"
        await asyncio.sleep(1)


async def settled(here: Installation, topic: Topic) -> None:
    """Wait until nothing was written to a topic for three seconds."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    before, count = -1, await written_to(here, topic)
    while count != before:
        assert time.monotonic() < deadline, f"{topic.name} does not come to rest"
        await asyncio.sleep(3)
        before, count = count, await written_to(here, topic)


async def written_to(here: Installation, topic: Topic) -> int:
    """Return how many records a topic holds so far."""
    async with AIOKafkaConsumer(bootstrap_servers=here.settings.bootstrap_servers) as consumer:
        places = [TopicPartition(topic.name, number) for number in range(DEFAULT_PARTITIONS)]
        return sum((await consumer.end_offsets(places)).values())


def metric(text: str, name: str) -> float:
    """Return the sum over the labels of a metric, 0 where there is none yet."""
    return sum(float(found["value"]) for found in _SAMPLE.finditer(text) if found["name"] == name)


def resident_mib(pid: int) -> float:
    """Return what a process holds in memory."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def cpu_seconds(pid: int) -> float:
    """Return how long a process has computed so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def row(figure: str, target: str, measured: str) -> None:
    """Print a line of the table in docs/benchmarks.md."""
    note(f"| {figure} | {target} | {measured} | {os.getloadavg()[0]:.1f} |")


def note(text: str) -> None:
    """Print what is measured on the way."""
    sys.stdout.write(f"\n{text}")
    sys.stdout.flush()

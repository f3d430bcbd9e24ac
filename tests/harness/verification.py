"""Holds an installation against its promises once it is quiet, by `escalon verify` as an operator would run it."""

import asyncio
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition

from chassis.startup import check_kafka
from schemas.catalogue import COMMANDS, ESCALATIONS, NOTIFICATIONS, TICKETS
from tests.harness.installation import Installation
from tests.harness.service_process import REPOSITORY
from tests.harness.waiting import hold

_BETWEEN_LOOKS_SECONDS = 1.0
_LOOK_SECONDS = 240.0
"""A look that has begun may take so long, whatever is left of the time to wait."""
_MOVING = (TICKETS, COMMANDS, ESCALATIONS, NOTIFICATIONS)
"""Where something stands still when all is at rest."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What `escalon verify` said, by check: how much each looked at."""

    looked_at: dict[str, int | None]

    def __str__(self) -> str:
        counts = (f"{check} {'-' if count is None else count}" for check, count in self.looked_at.items())
        return f"verified: {', '.join(counts)}"


async def verified(here: Installation, *, within: float = 120) -> Verified:
    """Wait until all is at rest, then hold it against every promise; fails with what is broken after `within` seconds.

    It is at rest when no topic that people and receivers rest on has moved during a look that found nothing missing,
    unread or under way. A process of its own looks, so that the test's load goes on meanwhile.
    """
    limit = time.monotonic() + within
    while True:
        before = await _ends(here)
        results = await asyncio.to_thread(_look, here, max(limit - time.monotonic(), _LOOK_SECONDS))
        broken = [f"{one['check']}: {told['where']}: {told['what']}" for one in results for told in one["violations"]]
        if not broken and before == await _ends(here):
            said = Verified({one["check"]: one["looked_at"] for one in results})
            print(said)
            return said
        if time.monotonic() > limit:
            raise AssertionError(f"not within {within:g} s: {_told(broken)}")
        await hold(_BETWEEN_LOOKS_SECONDS)


async def stopped_cleanly(here: Installation, within: timedelta = timedelta(seconds=30)) -> None:
    """Ask every service to end; each must end with code 0 and have committed all it was given.

    Fails where a partition is not read to its end afterwards (`everything read`), or anything else is broken.
    """
    for service in here.services.values():
        assert service.terminate(within) == 0, f"{service.name} did not end cleanly: {service.log[-2000:]}"
    await verified(here, within=0)


def _look(here: Installation, seconds: float) -> list[Any]:
    said = subprocess.run(
        [sys.executable, "-m", "ops", "verify", "--settled", "--json"],
        cwd=REPOSITORY,
        env={**os.environ, **here.environment},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    if said.stderr:
        # A broker that is just coming back, say.
        return [{"check": "verify", "looked_at": None, "violations": [{"where": "stderr", "what": said.stderr}]}]
    return [json.loads(line) for line in said.stdout.splitlines()]


async def _ends(here: Installation) -> dict[KafkaPartition, int]:
    counts = await check_kafka(here.settings, tuple(topic.name for topic in _MOVING))
    kafka: Any = AIOKafkaConsumer(bootstrap_servers=here.settings.bootstrap_servers)
    await kafka.start()
    try:
        places = [KafkaPartition(topic, number) for topic, count in counts.items() for number in range(count)]
        ends: dict[KafkaPartition, int] = await kafka.end_offsets(places)
        return ends
    finally:
        await kafka.stop()


def _told(broken: list[str]) -> str:
    if not broken:
        return "the topics still move"
    return "\n".join([f"{len(broken)} violations", *broken[:40]])

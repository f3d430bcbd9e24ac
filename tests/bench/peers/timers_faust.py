"""A straightforward Faust application with the timers of test_timers.py; a program of its own, told by the environment.

A table write per event, minute buckets in memory, a timer that sends due ids to a topic of its own, an agent there that
marks the row and says so.
"""

import os
import time
from collections import defaultdict
from typing import Any

import faust

BREACHED = 1
PARTITIONS = 8

app: Any = faust.App(
    os.environ["APP_ID"],
    broker=f"kafka://{os.environ['BOOTSTRAP']}",
    datadir=os.environ["STATE_DIR"],
    store="rocksdb://?driver=rocksdict",
    producer_linger=0.03,
    topic_partitions=PARTITIONS,
    topic_disable_leader=True,
    table_standby_replicas=0,
    web_enabled=False,
)
RAW = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}
events = app.topic(os.environ["IN_TOPIC"], **RAW)
due = app.topic(os.environ["DUE_TOPIC"], **RAW)
breaches = app.topic(os.environ["OUT_TOPIC"], **RAW)
rows = app.Table("rows", key_type=bytes, value_type=bytes, partitions=PARTITIONS)
buckets: defaultdict[int, dict[bytes, int]] = defaultdict(dict)
"""By minute: id to due time, in milliseconds."""


def due_at(row: bytes) -> int:
    return int.from_bytes(row[:8], "big")


def remember(key: bytes, row: bytes) -> None:
    at = due_at(row)
    buckets[at // 60_000][key] = at


async def rebuild() -> None:
    buckets.clear()
    for key, row in rows.items():
        if row[8] != BREACHED:
            remember(key, row)


async def on_event(stream: Any) -> None:
    async for key, row in stream.items():
        rows[key] = row
        remember(key, row)


async def fire() -> None:
    now = int(time.time() * 1000)
    for minute in [m for m in buckets if m <= now // 60_000]:
        bucket = buckets[minute]
        for key in [k for k, at in bucket.items() if at <= now]:
            at = bucket.pop(key)
            await due.send(key=key, value=at.to_bytes(8, "big"))
        if not bucket:
            del buckets[minute]


async def on_due(stream: Any) -> None:
    async for key, at in stream.items():
        row = rows.get(key)
        if row is not None and row[8] != BREACHED and row[:8] == at:
            rows[key] = at + bytes([BREACHED]) + row[9:]
            await breaches.send(key=key, value=at)


rows.on_recover(rebuild)
app.agent(events)(on_event)
app.timer(0.25)(fire)
app.agent(due)(on_due)

if __name__ == "__main__":
    faust.Worker(app, loglevel="warn", quiet=True, redirect_stdouts=False).execute_from_commandline()

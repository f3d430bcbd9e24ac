"""`python -m tests.fault.crashing <service> <point> <nth> <bites> [SIGSTOP]`: a service that ends while at work.

The product knows nothing of it: a method is wrapped in this process only, and SIGKILL, or the signal named, comes at
the n-th passing of a point with work in hand. `<bites>` is a file that then gets a line: so a test knows that it bit.
"""

import importlib
import inspect
import os
import runpy
import signal
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from chassis.records import Outgoing


class When(Enum):
    """On which side of the method the process ends."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Point:
    """A method (`module:Class.method`) and the side of it; `counts` tells from its arguments whether it does work."""

    method: str
    when: When
    counts: Callable[..., bool]
    nth: int = 1
    """At which passing a test lets it bite first."""


def _events(_partition: int, events: Collection[object], *_: object) -> bool:
    return bool(events)


def _notices(_progress: object, plans: Sequence[Any]) -> bool:
    return any(plan.notices for plan in plans)


def _always(*_: object) -> bool:
    return True


def _facts(records: Sequence[Outgoing]) -> bool:
    """Tell whether what is sent is about tickets, not only the classifier's word on how far it is, or its schemas."""
    return any(
        record.topic == "classifications.v1" and b"Progressed" not in dict(record.headers).get("ce_type", b"")
        for record in records
    )


def _of(topic: str) -> Callable[..., bool]:
    return lambda records: any(record.topic == topic for record in records)


_SEND = "chassis.producer:Producer.send_batch"
_APPEND = "chassis.event_store:EventStore.append"
_LEDGER = "services.notifier.adapters.sql_ledger:SqlLedger"
_PUT = "services.sla_monitor.adapters.faust_rows:FaustRows.put"
_COMMIT = "aiokafka:AIOKafkaConsumer.commit"

POINTS: dict[str, dict[str, Point]] = {
    "classifier": {
        "before-send": Point(_SEND, When.BEFORE, _facts, nth=3),
        "sent": Point(_SEND, When.AFTER, _facts, nth=3),
        "before-commit": Point(_COMMIT, When.BEFORE, bool),
        "committed": Point(_COMMIT, When.AFTER, bool),
    },
    "router": {
        "before-store": Point(_APPEND, When.BEFORE, _events, nth=3),
        "stored": Point(_APPEND, When.AFTER, _events, nth=3),
        "before-publish": Point(_SEND, When.BEFORE, _of("escalations.v1"), nth=2),
        "published": Point(_SEND, When.AFTER, _of("escalations.v1"), nth=2),
        "remembered": Point("chassis.event_store:EventStore.remember_published", When.AFTER, _always, nth=2),
        "committed": Point(_COMMIT, When.AFTER, bool),
    },
    "sla_monitor": {
        "before-row": Point(_PUT, When.BEFORE, _always, nth=10),
        "row-kept": Point(_PUT, When.AFTER, _always, nth=10),
        "before-send": Point(_SEND, When.BEFORE, _of("sla.v1"), nth=2),
        "sent": Point(_SEND, When.AFTER, _of("sla.v1"), nth=2),
        "committed": Point(_COMMIT, When.AFTER, bool),
    },
    "notifier": {
        "before-record": Point(f"{_LEDGER}.record", When.BEFORE, _notices, nth=3),
        "recorded": Point(f"{_LEDGER}.record", When.AFTER, _notices, nth=3),
        "attempt-begun": Point(f"{_LEDGER}.begin_attempt", When.AFTER, _always, nth=5),
        "sent": Point(f"{_LEDGER}.conclude", When.BEFORE, _always, nth=5),
        "concluded": Point(f"{_LEDGER}.conclude", When.AFTER, _always, nth=5),
        "published": Point(_SEND, When.AFTER, _of("notifications.v1")),
        "committed": Point(_COMMIT, When.AFTER, bool),
    },
}
"""Where each service can be made to end: before an effect, between effect and commit, store and publish, send and
record."""


class Bite:
    """Counts the passings of a point and ends the process, or freezes it, at the n-th."""

    def __init__(
        self, named: str, counts: Callable[..., bool], nth: int, bites: Path, by: signal.Signals = signal.SIGKILL
    ) -> None:
        self._by = by
        self._named = named
        self._counts = counts
        self._left = nth
        self._bites = bites

    def passed(self, arguments: Sequence[object]) -> None:
        """Note a passing."""
        if not self._counts(*arguments):
            return
        self._left -= 1
        if self._left == 0:
            with self._bites.open("a") as told:
                told.write(f"bit {self._named}\n")
            os.kill(os.getpid(), self._by)


def wrap(point: Point, bite: Bite) -> None:
    """Put the bite around the point's method, in this process."""
    module, _, path = point.method.partition(":")
    owner_name, _, method_name = path.partition(".")
    owner = getattr(importlib.import_module(module), owner_name)
    method = getattr(owner, method_name)
    setattr(owner, method_name, _wrapped(method, point.when, bite))


def _wrapped(method: Callable[..., Any], when: When, bite: Bite) -> Callable[..., Any]:
    async def awaited(self: object, *arguments: object) -> object:
        if when is When.BEFORE:
            bite.passed(arguments)
        given = await method(self, *arguments)
        if when is When.AFTER:
            bite.passed(arguments)
        return given

    def called(self: object, *arguments: object) -> object:
        if when is When.BEFORE:
            bite.passed(arguments)
        given = method(self, *arguments)
        if when is When.AFTER:
            bite.passed(arguments)
        return given

    return awaited if inspect.iscoroutinefunction(method) else called


def main(service: str, named: str, nth: str, bites: str, by: str = "SIGKILL") -> None:
    """Run the service as its `__main__` does, with the point in place."""
    point = POINTS[service][named]
    wrap(point, Bite(f"{service} {named}", point.counts, int(nth), Path(bites), signal.Signals[by]))
    runpy.run_module(f"services.{service}", run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])

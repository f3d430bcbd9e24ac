"""`python -m tests.fault.merging <point> <bites>`: a router that kills itself while one ticket is merged into another.

The points lie between the end of the one escalation and what the other, on another partition, takes over from it.
"""

import runpy
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from chassis.event_store import StoredEvent
from chassis.records import Outgoing
from schemas.catalogue import COMMANDS
from schemas.escalations import EscalationMerged, MergeAbsorbed
from tests.fault.crashing import Bite, Point, When, wrap

_APPEND = "chassis.event_store:EventStore.append"
_SEND = "chassis.producer:Producer.send_batch"


def _stores(name: str) -> Callable[..., bool]:
    def counts(_partition: int, events: Sequence[StoredEvent], *_: object) -> bool:
        return any(event.name == name for event in events)

    return counts


def _commands(records: Sequence[Outgoing]) -> bool:
    return any(record.topic == COMMANDS.name for record in records)


POINTS = {
    "ended": Point(_APPEND, When.AFTER, _stores(EscalationMerged.wire_name())),
    "told": Point(_SEND, When.AFTER, _commands),
    "absorbing": Point(_APPEND, When.BEFORE, _stores(MergeAbsorbed.wire_name())),
    "absorbed": Point(_APPEND, When.AFTER, _stores(MergeAbsorbed.wire_name())),
}
"""The end is stored and nobody told; the command is out and the relay has not remembered it; the command is read and
not applied; it is applied and not published."""


def main(named: str, bites: str) -> None:
    """Run the router as its `__main__` does, with the point in place."""
    point = POINTS[named]
    wrap(point, Bite(f"router {named}", point.counts, 1, Path(bites)))
    runpy.run_module("services.router", run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])

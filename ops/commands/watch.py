"""`escalon watch`: the live view of any installation; reads only."""

import asyncio
import signal
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from chassis.clock import SharedClock
from ops.connection import open_log
from ops.local.run_file import local_defaults, operator_clock
from ops.output import EXIT_USAGE, command, fail
from ops.view.dashboard import Dashboard, Moment
from ops.view.watch import show
from policy.time_zones import zone_of

Zone = Annotated[str, typer.Option("--zone", help="Time zone of the times shown.")]


@command
async def watch(zone: Zone = "UTC") -> None:
    """Show open escalations and what is sent to whom and why, until Ctrl-C; without a terminal, a line for each."""
    local_defaults()
    clock = operator_clock()
    speed = clock.speed if isinstance(clock, SharedClock) else 1.0
    showing = asyncio.create_task(show(open_log(), Dashboard(asked_zone(zone)), lambda: Moment(clock.now(), speed)))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, showing.cancel)
    await asyncio.wait({showing})
    if not showing.cancelled():
        showing.result()


def asked_zone(name: str) -> ZoneInfo:
    """Return a time zone by name; ends the command for one there is none of."""
    try:
        return zone_of(name)
    except ZoneInfoNotFoundError:
        raise fail(f"--zone {name}: no such time zone; one is called Europe/Berlin", EXIT_USAGE) from None

"""`escalon ticket send` and `escalon play`: publish events from a file, at once or as time goes by."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from chassis.clock import Clock
from ops.connection import Publisher, kafka_settings, publisher
from ops.event_file import FileEvent, read_event_file
from ops.local.run_file import local_defaults, operator_clock
from ops.output import command

app = typer.Typer(no_args_is_help=True, help="Publish ticket events.")
EventFile = Annotated[Path, typer.Argument(help="Events, a JSON object a line.", dir_okay=False)]
_TICK_SECONDS = 0.05
_SEND_AT_ONCE = 500


@app.command()
@command
async def send(file: EventFile) -> None:
    """Publish every event of the file now; an event that says when it happened keeps that."""
    local_defaults()
    events = read_event_file(file)
    now = operator_clock().now()
    async with publisher(kafka_settings()) as out:
        for start in range(0, len(events), _SEND_AT_ONCE):
            chunk = events[start : start + _SEND_AT_ONCE]
            await out.publish([(event.key, event.sealed(now)) for event in chunk])
    typer.echo(f"{len(events)} events sent")


@command
async def play(
    file: EventFile,
    speed: Annotated[float, typer.Option("--speed", help="Times real time.", min=0.01)] = 1.0,
) -> None:
    """Publish the events of the file as if its day passed now, so many times faster; all dates move to today."""
    local_defaults()
    events = sorted(read_event_file(file), key=_arrival)
    clock = operator_clock()
    begins_at = _arrival(events[0]) if events else clock.now()
    started = clock.monotonic()
    first_now = clock.now()
    async with publisher(kafka_settings()) as out:
        for event in events:
            wait = (_arrival(event) - begins_at).total_seconds() / speed - (clock.monotonic() - started)
            await asyncio.sleep(max(0.0, wait))
            moved = _moved(event, first_now, begins_at, speed)
            await out.publish([(moved.key, moved.sealed(clock.now()))])
    typer.echo(f"{len(events)} events played")


async def play_by_clock(events: list[FileEvent], out: Publisher, clock: Clock, sent: Callable[[], None]) -> None:
    """Publish each event when the clock reaches it; what lies behind goes at once, with the same ids."""
    for event in sorted(events, key=_arrival):
        await _reached(clock, _arrival(event))
        await out.publish([(event.key, event.sealed(clock.now()))])
        sent()


async def _reached(clock: Clock, instant: datetime) -> None:
    """Wait for an instant of a clock that may stand still."""
    while True:
        if clock.now() >= instant:
            return
        await asyncio.sleep(_TICK_SECONDS)


def _arrival(event: FileEvent) -> datetime:
    return event.arrives or datetime.min.replace(tzinfo=UTC)


def _moved(event: FileEvent, first_now: datetime, begins_at: datetime, speed: float) -> FileEvent:
    if event.at is None:
        return event
    at = first_now + (event.at - begins_at) / speed
    return FileEvent(line=event.line, at=at, arrives=at, by=event.by, id=event.id, draft=event.draft)

"""`escalon up`: a whole installation on this machine, with a sample morning to watch."""

import re
from typing import Annotated

import typer

from ops.commands.watch import asked_zone
from ops.local.installation import local_installation
from ops.local.up import Up, Wishes
from ops.output import EXIT_USAGE, command, fail

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h)?")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}

RunFor = Annotated[str | None, typer.Option("--for", help="Stop by itself that long after the play began: 120s, 5m.")]
Speed = Annotated[float, typer.Option("--speed", help="Times real time.", min=0.1, max=3600)]
Fresh = Annotated[bool, typer.Option("--fresh", help="Forget first what an earlier run stored.")]
Zone = Annotated[str, typer.Option("--zone", help="Time zone of the times shown.")]


@command
async def up(
    run_for: RunFor = None, speed: Speed = 60.0, zone: Zone = "Europe/Berlin", *, fresh: Fresh = False
) -> None:
    """Start Kafka and all services here, play the sample morning by a fast clock, and show the live view.

    Ctrl-C stops all of it; a second `up` goes on from what is stored. Unless ESCALON_SHADOW is false, nobody outside
    is written to. ESCALON_LOCAL_DIR names another folder than .local, ESCALON_LOCAL_PORT the first of seven ports in a
    row, 19092 by default.
    """
    wishes = Wishes(
        run_for_seconds=None if run_for is None else seconds_of(run_for),
        speed=speed,
        zone=asked_zone(zone),
        fresh=fresh,
    )
    await Up(local_installation(), wishes).run()


def seconds_of(duration: str) -> float:
    """Return a duration as people write it (90, 120s, 5m, 1h) in seconds; ends the command for another."""
    found = _DURATION.fullmatch(duration.strip())
    if found is None:
        raise fail(f"--for {duration}: a duration is written 90s, 5m or 1h", EXIT_USAGE)
    return float(found[1]) * _SECONDS[found[2]]

"""`escalon clock`: deadlines worked out, and clocks explained, by the arithmetic of the services."""

import re
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from ops.clock_cases import differences, read_cases
from ops.clock_explained import explained
from ops.connection import open_log
from ops.local.run_file import local_defaults, operator_clock
from ops.output import EXIT_FAILED, EXIT_USAGE, OURS, AsJson, command, fail, print_json
from ops.scenario.setting import DEFAULT_POLICY
from policy.calendars import Calendar
from policy.loader import load_policy
from policy.targets import DayEnd, Measure, Target
from policy.time_zones import zone_of
from policy.working_time import calendar_for, due_at, seconds_of

app = typer.Typer(no_args_is_help=True, help="Work out deadlines.")
_TARGET = re.compile(
    r"(?P<amount>\d+)\s*(?P<working>(?:working|business)\s+)?(?P<unit>s|seconds?|min|minutes?|h|hours?|days?)"
    r"(?P<end>,?\s+(?:until\s+)?end of day)?"
)
_SECONDS = {"s": 1, "m": 60, "h": 3600}


@app.command()
def check(file: Annotated[Path, typer.Argument(help="Cases as in tests/acceptance/sla_clock_cases.json.")]) -> None:
    """Hold worked examples against our arithmetic: a line for each that differs; exit 1 if any, 2 for no such file."""
    try:
        cases = read_cases(file)
    except OURS as error:
        raise fail(str(error), EXIT_USAGE) from None
    found = list(differences(cases))
    for line in found:
        typer.echo(line)
    if found:
        raise typer.Exit(EXIT_FAILED)
    typer.echo(f"{len(cases)} cases come out as they say")


@app.command()
def due(
    target: Annotated[str, typer.Option(help='Like "15 min", "4 working hours", "3 business days, end of day".')],
    start: Annotated[str, typer.Option(help="An instant; without a zone the calendar's own time.")],
    calendar: Annotated[str | None, typer.Option(help="A calendar of the policy; none is the 24x7 clock.")] = None,
    policy: Annotated[Path, typer.Option(help="The policy's folder.", file_okay=False)] = DEFAULT_POLICY,
    *,
    as_json: AsJson = False,
) -> None:
    """Answer a single question: when a clock is due that starts then and is never paused."""
    try:
        chosen = _calendar(policy, calendar)
        began, wanted = _start(start, chosen), _target(target, chosen)
        at = due_at(chosen, began, wanted)
        worked = seconds_of(wanted, calendar_for(wanted, chosen), began)
    except (ValueError, *OURS) as error:
        raise fail(str(error), EXIT_USAGE) from None
    if as_json:
        print_json({"due_at": at, "working_seconds": worked, "target": wanted})
        return
    local = at if chosen is None else at.astimezone(zone_of(chosen.time_zone))
    amount = f"{wanted.words} of working time" if wanted.measure is Measure.WORKING_TIME else wanted.words
    typer.echo(f"{at:%Y-%m-%dT%H:%M:%SZ}  {local:%a %d %b %Y %H:%M:%S %Z}, {amount} from {began.isoformat()}")


@app.command()
@command
async def explain(
    reference: Annotated[str, typer.Argument(help="Reference or ticket key.")], *, as_json: AsJson = False
) -> None:
    """Say of each clock of an escalation where it stands and why: when it ran, was closed, was paused and by whom."""
    local_defaults()
    clocks = await explained(open_log(), reference, operator_clock().now())
    if as_json:
        print_json(clocks)
        return
    for one in clocks:
        typer.echo(f"{one.clock.sentence} (policy {one.clock.policy_version})")
        for line in (*one.lines, *one.said):
            typer.echo(f"    {line}")


def _calendar(folder: Path, name: str | None) -> Calendar | None:
    if name is None:
        return None
    calendars = load_policy(folder).policy.calendars
    if name not in calendars:
        raise ValueError(f"there is no calendar {name!r}; allowed: {', '.join(calendars)}")
    return calendars[name]


def _start(text: str, calendar: Calendar | None) -> datetime:
    try:
        start = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no instant; write it like 2026-06-01T09:00:00+02:00") from None
    if start.tzinfo is not None:
        return start
    if calendar is None:
        raise ValueError(f"{text!r} has no time zone, and there is no calendar to give it one")
    return start.replace(tzinfo=zone_of(calendar.time_zone))


def _target(text: str, calendar: Calendar | None) -> Target:
    found = _TARGET.fullmatch(text.strip())
    if found is None or (found["unit"].startswith("d") and not found["working"]):
        raise ValueError(f'{text!r} is no target; write "15 min", "4 working hours" or "3 business days[, end of day]"')
    if calendar is None and found["working"]:
        raise ValueError(f"{text!r} needs a calendar; name one")
    amount = int(found["amount"])
    if found["unit"].startswith("d"):
        ends = DayEnd.END_OF_DAY if found["end"] else DayEnd.SAME_TIME
        return Target(measure=Measure.BUSINESS_DAYS, amount=amount, ends=ends)
    if found["end"]:
        raise ValueError(f"{text!r}: only business days end at the end of a day")
    measure = Measure.WORKING_TIME if found["working"] else Measure.ELAPSED
    return Target(measure=measure, amount=amount * _SECONDS[found["unit"][0]])

"""`escalon verify`: hold a live installation against its promises; reads only."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from chassis.clock import REAL_TIME, SharedClock
from chassis.settings import read_settings
from ops.connection import kafka_settings, open_log
from ops.local.run_file import local_defaults, local_folder, operator_clock
from ops.output import EXIT_FAILED, AsJson, command, print_json
from ops.verify.evidence import LONG_AGO, Moment
from ops.verify.gathering import Addresses, Gathering
from ops.verify.verification import Result, Verification

_SHOWN = 20
"""Violations shown of one check; `--json` has all."""


@command
async def verify(
    *,
    grace: Annotated[float, typer.Option(help="Seconds in which what is missing may still come.", min=0)] = 60.0,
    settled: Annotated[bool, typer.Option("--settled", help="Nothing is under way: judge all, without grace.")] = False,
    since: Annotated[datetime | None, typer.Option(help="Judge what was written from this instant (UTC) on.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check that nothing was lost, doubled, late or false, by the topics, the stores and the sink's file.

    Exit code 1 where a promise is broken. The log is read once, in order. What is kept of it are ids and states, some
    2.4 KB an event of an escalation, and each takes 0.4 ms: a million events need 2.4 GB and seven minutes.
    """
    local_defaults()
    clock = operator_clock()
    moment = Moment(
        real=REAL_TIME.now(),
        business=clock.now(),
        speed=clock.speed if isinstance(clock, SharedClock) else 1.0,
        grace=None if settled else timedelta(seconds=grace),
        since=LONG_AGO if since is None else since.replace(tzinfo=UTC),
    )
    gathering = Gathering(open_log(), kafka_settings(), _addresses())
    verification = Verification(await gathering.reference())
    async for piece in gathering.pieces():
        verification.take(piece)
    results = verification.results(moment, gathering.missing)
    if as_json:
        print_json(results)
    else:
        _print(results)
    if any(result.violations for result in results):
        raise typer.Exit(EXIT_FAILED)


def _addresses() -> Addresses:
    """Return where stores are; for a local installation that the environment does not name, where it has them."""
    named = read_settings(Addresses)
    folder = local_folder()
    if folder is None:
        return named
    return Addresses(
        router_store_url=named.router_store_url or SecretStr(f"sqlite:///{folder / 'router' / 'escalations.db'}"),
        notifier_ledger_url=named.notifier_ledger_url or SecretStr(f"sqlite:///{folder / 'notifier' / 'ledger.db'}"),
        notifier_sink_file=named.notifier_sink_file or folder / "notifier" / "sink.jsonl",
    )


def _print(results: tuple[Result, ...]) -> None:
    table = Table(header_style="bold")
    for column in ("check", "looked at", "under way", "result"):
        table.add_column(column, justify="right" if column in {"looked at", "under way"} else "left")
    for result in results:
        said = result.verdict if result.reason is None else f"{result.verdict}: {result.reason}"
        counted = "" if result.looked_at is None else str(result.looked_at)
        table.add_row(result.check, counted, str(result.under_way or ""), said)
    console = Console()
    console.print(table)
    for result in results:
        if result.violations:
            console.print(f"[bold]{result.check}[/bold]: {result.promise}", highlight=False)
        for one in result.violations[:_SHOWN]:
            console.print(f"  {one.where}: {one.what}", highlight=False, markup=False)
        if len(result.violations) > _SHOWN:
            console.print(f"  and {len(result.violations) - _SHOWN} more; --json shows all", highlight=False)

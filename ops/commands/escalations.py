"""`escalon escalation`: read escalations from the log."""

from typing import Annotated

import msgspec
import typer
from rich.console import Console

from ops.connection import open_log
from ops.local.run_file import local_defaults
from ops.output import AsJson, command, fail, print_json, print_table
from ops.view.board import Board, timeline
from ops.view.storytelling import told
from schemas.catalogue import ESCALATIONS, NOTIFICATIONS, SLA

app = typer.Typer(no_args_is_help=True, help="Read escalations from the log.")
_COLUMNS = ("reference", "ticket", "state", "severity", "type", "owner", "opened_at", "next_promise", "next_due_at")


@app.command("list")
@command
async def list_escalations(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List escalations, what is due next first."""
    local_defaults()
    board = Board()
    async for entry in open_log().entries(ESCALATIONS, SLA):
        board.take(entry.message)
    rows = board.rows(closed=everything)
    if as_json:
        print_json(rows)
    else:
        print_table("Escalations", _COLUMNS, [[getattr(row, column) for column in _COLUMNS] for row in rows])


@app.command("show")
@command
async def show(
    reference: Annotated[str, typer.Argument(help="Reference or ticket key.")], *, as_json: AsJson = False
) -> None:
    """Show everything on record about one escalation, oldest first."""
    local_defaults()
    log = open_log()
    found = timeline(reference, [entry.message async for entry in log.entries(ESCALATIONS, NOTIFICATIONS)])
    if found is None:
        raise fail(f"there is no escalation {reference}")
    if as_json:
        print_json([{"event": event.wire_name(), **msgspec.to_builtins(event)} for event in found.events])
        return
    console = Console()
    for event in found.events:
        at = event.meta.occurred_at.strftime("%Y-%m-%d %H:%M:%S")
        console.print(f"[dim]{at}Z[/dim]  [bold]{type(event).__name__}[/bold]  {told(event)}", highlight=False)

"""What commands print: tables for people, JSON for programs, one line for an error."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import wraps
from typing import Annotated, Any, ParamSpec, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from chassis.errors import EscalonError
from policy.problems import PolicyError

P = ParamSpec("P")
T = TypeVar("T")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
EXIT_FAILED = 1
EXIT_USAGE = 2
OURS = (EscalonError, PolicyError)
"""Errors whose text is for the user: one clear line, no trace."""


def print_json(value: object) -> None:
    """Print a value as JSON, a line an item where it is a list."""
    items: Sequence[object] = value if isinstance(value, list | tuple) else [value]
    for item in items:
        sys.stdout.write(msgspec.json.encode(item).decode() + "\n")
    sys.stdout.flush()


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows as a table, as wide as the terminal lets it be."""
    table = Table(title=title, title_justify="left", header_style="bold", expand=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    Console().print(table)


def fail(text: str, code: int = EXIT_FAILED) -> typer.Exit:
    """Print one clear line on standard error and return what to raise."""
    sys.stderr.write(f"escalon: {text}\n")
    return typer.Exit(code)


def command(function: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run an asynchronous command; an error of ours becomes one clear line and exit code 1."""

    @wraps(function)
    def run(*arguments: P.args, **words: P.kwargs) -> None:
        try:
            asyncio.run(_awaited(function(*arguments, **words)))
        except OURS as error:
            raise fail(str(error)) from None

    return run


async def _awaited(work: Awaitable[T]) -> T:
    return await work

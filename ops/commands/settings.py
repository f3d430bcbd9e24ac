"""`escalon settings`: what a service can be told, and what it is told now."""

import os
from typing import Annotated

import msgspec
import typer

from chassis.settings import describe_settings
from ops.output import EXIT_USAGE, AsJson, command, fail, print_json, print_table
from ops.services import SETTINGS


class SettingLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of `escalon settings`."""

    variable: str
    value: str | None
    default: str
    doc: str


@command
async def settings(
    service: Annotated[str, typer.Argument(help="classifier, router, sla_monitor, notifier or auditor.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Print every setting of a service: its variable, what the environment says, its default; secrets masked."""
    if service not in SETTINGS:
        raise fail(f"{service}: no such service; there are {', '.join(SETTINGS)}", EXIT_USAGE)
    lines = [
        SettingLine(
            variable=one.variable,
            value="***" if one.secret and one.variable in os.environ else os.environ.get(one.variable),
            default="required" if one.required else one.default,
            doc=one.doc,
        )
        for one in describe_settings(SETTINGS[service])
    ]
    if as_json:
        print_json(lines)
    else:
        rows = [(one.variable, one.value, one.default, one.doc) for one in lines]
        print_table(service, ("variable", "is", "default", "what for"), rows)

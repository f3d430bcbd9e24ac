"""`escalon`: the operator's command line. Every group of commands has a file of its own in ops/commands/."""

import logging
import sys

import typer

from ops.commands import clock, dead_letters, escalations, people, policies, rosters, scenarios, tickets, topics
from ops.commands.classify import classify
from ops.commands.settings import settings
from ops.commands.up import up
from ops.commands.verify import verify
from ops.commands.watch import watch
from ops.output import OURS

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Escalon: a company's customer-escalation procedure as software.",
)
app.command()(up)
app.command()(watch)
app.add_typer(topics.app, name="topics")
app.add_typer(tickets.app, name="ticket")
app.command()(tickets.play)
app.add_typer(escalations.app, name="escalation")
app.add_typer(people.app, name="command")
app.command()(classify)
app.add_typer(scenarios.app, name="scenario")
app.add_typer(clock.app, name="clock")
app.add_typer(policies.app, name="policy")
app.add_typer(rosters.app, name="roster")
app.add_typer(dead_letters.app, name="dead-letters")
app.command()(verify)
app.command()(settings)


def main() -> None:
    """Run the command line. What libraries log is not shown: what went wrong is told in one line of our own."""
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        app()
    except OURS as error:
        sys.stderr.write(f"escalon: {error}\n")
        sys.exit(1)

"""`escalon topics`: make the topics of the catalogue, and see what is there."""

from typing import Annotated

import msgspec
import typer

from ops.connection import kafka_settings
from ops.local.run_file import local_defaults
from ops.output import AsJson, command, print_json, print_table
from ops.topics import DEFAULT_PARTITIONS, apply_topics, list_topics

app = typer.Typer(no_args_is_help=True, help="Make the topics and see what is there.")
Partitions = Annotated[int, typer.Option("--partitions", help="Of each topic about tickets.", min=1)]


class TopicLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of `escalon topics list`."""

    topic: str
    partitions: int | None
    wanted: int
    problem: str | None


@app.command()
@command
async def apply(
    partitions: Partitions = DEFAULT_PARTITIONS,
    replication: Annotated[int, typer.Option("--replication", help="Copies of each partition.", min=1)] = 1,
) -> None:
    """Create what is missing; what is there is never changed."""
    local_defaults()
    created = await apply_topics(kafka_settings(), partitions, replication)
    typer.echo(f"created: {', '.join(created)}" if created else "every topic is there")


@app.command("list")
@command
async def list_all(partitions: Partitions = DEFAULT_PARTITIONS, *, as_json: AsJson = False) -> None:
    """List the topics, and what is wrong with them."""
    local_defaults()
    lines = [
        TopicLine(topic=one.spec.name, partitions=one.partitions, wanted=one.spec.partitions, problem=one.problem)
        for one in await list_topics(kafka_settings(), partitions)
    ]
    if as_json:
        print_json(lines)
    else:
        rows = [(one.topic, one.partitions, one.wanted, one.problem) for one in lines]
        print_table("Topics", ("topic", "partitions", "wanted", "problem"), rows)

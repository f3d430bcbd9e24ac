"""`escalon dead-letters`: what could never be handled, why, and how to bring it back."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from chassis.producer import Producer
from chassis.records import Outgoing, Record
from ops.connection import CLIENT_ID, kafka_settings, open_log, read_topics
from ops.local.run_file import local_defaults
from ops.output import AsJson, command, fail, print_json, print_table
from ops.topics import dead_letter_topics
from schemas.catalogue import SCHEMAS
from schemas.errors import WireError

app = typer.Typer(no_args_is_help=True, help="Read and redrive dead letters.")
REDRIVEN = "escalon.redriven-from"
_TOPICS = dead_letter_topics()
Place = Annotated[str, typer.Argument(help="`topic:partition:offset`, as `list` prints it.")]


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A line of `escalon dead-letters list`."""

    place: str
    origin: str
    reason: str
    key: str | None
    bytes: int


@app.command("list")
@command
async def list_dead_letters(*, as_json: AsJson = False) -> None:
    """List every dead letter with where it came from and why it died."""
    local_defaults()
    letters = [_letter(record) async for record in read_topics(kafka_settings(), _TOPICS)]
    if as_json:
        print_json(letters)
    else:
        columns = ("place", "origin", "reason", "key", "bytes")
        print_table("Dead letters", columns, [[getattr(one, name) for name in columns] for one in letters])


@app.command("show")
@command
async def show(place: Place, *, as_json: AsJson = False) -> None:
    """Show one dead letter whole: headers, and its value decoded where it can be, else as hexadecimal digits."""
    local_defaults()
    record = await _record(place)
    shown = {
        **msgspec.to_builtins(_letter(record)),
        "headers": {name: value.decode("utf-8", "backslashreplace") for name, value in record.headers},
        "value": await _value(record),
    }
    if as_json:
        print_json(shown)
    else:
        print_table(place, ("field", "content"), list(shown.items()))


@app.command("redrive")
@command
async def redrive(
    place: Place,
    value: Annotated[Path | None, typer.Option("--value", help="A repaired value, as a file.", dir_okay=False)] = None,
) -> None:
    """Send a dead letter to the topic it came from again, as it was or repaired; the letter itself stays."""
    local_defaults()
    record = await _record(place)
    headers = dict(record.headers)
    origin = headers.get("kafka_dlt-original-topic", b"").decode()
    if not origin:
        raise fail(f"{place} does not say which topic it came from")
    kept = tuple((name, text) for name, text in record.headers if not name.startswith(("kafka_dlt-", "__connect.")))
    again = Outgoing(
        origin,
        record.key,
        value.read_bytes() if value else record.value,
        headers=(*kept, (REDRIVEN, place.encode())),
    )
    async with Producer(kafka_settings(), CLIENT_ID) as producer:
        await producer.send_batch([again])
    typer.echo(f"{place} sent to {origin} again")


async def _record(place: str) -> Record:
    topic, _, rest = place.partition(":")
    if topic not in _TOPICS:
        raise fail(f"{place}: no such dead-letter topic; `escalon dead-letters list` prints places")
    async for record in read_topics(kafka_settings(), [topic]):
        if f"{record.partition}:{record.offset}" == rest:
            return record
    raise fail(f"{place}: no such dead letter")


async def _value(record: Record) -> Any:
    log = open_log()
    async for schema in read_topics(kafka_settings(), [SCHEMAS.name]):
        log.codec.book.learn((schema.value or b"").decode("utf-8", "replace"))
    try:
        return msgspec.to_builtins(log.codec.decode(record.value or b""))
    except WireError:
        return (record.value or b"").hex()


def _letter(record: Record) -> DeadLetter:
    headers = {name: value.decode("utf-8", "replace") for name, value in record.headers}
    topic, partition, offset = (
        headers.get(f"__connect.errors.{word}", "?") for word in ("topic", "partition", "offset")
    )
    return DeadLetter(
        place=f"{record.topic}:{record.partition}:{record.offset}",
        origin=f"{topic}:{partition}:{offset}",
        reason=headers.get("__connect.errors.exception.message", "?"),
        key=None if record.key is None else record.key.decode("utf-8", "backslashreplace"),
        bytes=len(record.value or b""),
    )

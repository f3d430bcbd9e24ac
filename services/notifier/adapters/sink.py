"""The local sink: shows in a line what would be sent, and keeps the whole of it in a file."""

import asyncio
from collections.abc import Callable
from io import RawIOBase
from pathlib import Path

import msgspec

from chassis.errors import StartUpError
from services.notifier.domain.notice import Address
from services.notifier.domain.outcomes import Receipt
from services.notifier.ports import Letter, TryLaterError


class SinkRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the file (JSON)."""

    key: str
    kind: str
    audience: str
    recipient: str
    ticket: str
    reference: str | None
    cause: str
    subject: str
    body: str


class SinkChannel:
    """Appends what it gets to a JSON-lines file and shows a line without any customer's text.

    A file that cannot be written is tried again later; where there is no file, the line is all there is.
    """

    def __init__(self, path: Path | None, show: Callable[[str], None]) -> None:
        self._path = path
        self._show = show
        if path is not None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
            except OSError as error:
                raise StartUpError(f"the sink's file {path} cannot be written: {error.strerror}") from error

    @property
    def name(self) -> str:
        """Return what outcomes call it."""
        return "sink"

    def serves(self, address: Address) -> bool:
        """Tell that it takes everything."""
        return bool(address.target)

    async def send(self, letter: Letter) -> Receipt:
        """Keep and show the letter."""
        row = _row(letter)
        if self._path is not None:
            await asyncio.to_thread(self._append, self._path, row)
        self._show(f"{row.kind} -> {row.audience} {row.recipient} about {row.reference or row.ticket} ({row.cause})")
        return Receipt(via=self.name, external_id=letter.key)

    async def find(self, letter: Letter) -> Receipt | None:
        """Look whether the file has the letter already."""
        if self._path is None:
            return None
        kept = await asyncio.to_thread(_has, self._path, letter.key)
        return Receipt(via=self.name, external_id=letter.key) if kept else None

    def _append(self, path: Path, row: SinkRow) -> None:
        try:
            with path.open("ab", buffering=0) as file:
                _write_whole(file, msgspec.json.encode(row) + b"\n")
        except OSError as error:
            raise TryLaterError(f"the sink's file {path} cannot be written: {error.strerror}") from error


def _write_whole(file: RawIOBase, line: bytes) -> None:
    """Write a line or nothing: a disk that fills up takes the front of it."""
    before = file.tell()
    try:
        written = file.write(line) or 0
        if written < len(line):
            file.write(line[written:])
    except OSError:
        file.truncate(before)
        raise


def _has(path: Path, key: str) -> bool:
    mark = msgspec.json.encode(key)
    with path.open("rb") as file:
        return any(mark in line for line in file)


def _row(letter: Letter) -> SinkRow:
    notice = letter.notice
    return SinkRow(
        key=letter.key,
        kind=notice.kind.value,
        audience=notice.audience.value,
        recipient=notice.recipient,
        ticket=notice.about.ticket,
        reference=notice.about.reference,
        cause=notice.cause.name,
        subject=notice.words.subject,
        body=notice.words.body,
    )

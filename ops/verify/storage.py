"""What is stored against what is published, and how far each service has read."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, datetime

from ops.verify.evidence import Check, Moment, Piece, ReadUpTo, Seen, Source, Stored, Violation, ticket_of
from ops.verify.streams import Streams, digest_of
from schemas.catalogue import SERVICES, inputs_of, topic_of
from schemas.classifications import ClassifierProgressed
from schemas.sla import PromiseScheduled

_SAY_ONLY = (ClassifierProgressed, PromiseScheduled)
"""What moves nothing: its reader need not have remembered that it read it."""


class PublishedIsStored(Check):
    """See `promise`."""

    name = "published = stored"
    promise = "what the router has stored is on its topic, and what is on it is stored, by version, id and content"
    needs = Source.STORE

    def __init__(self, streams: Streams) -> None:
        super().__init__()
        self._streams = streams
        self._stored: dict[str, int] = {}
        self._unpublished: list[tuple[str, int, datetime]] = []
        self._wrong: list[Violation] = []

    def take(self, piece: Piece) -> None:
        """Hold a row against the log, which is read before."""
        if not isinstance(piece, Stored):
            return
        self.looked_at += 1
        ticket, version = ticket_of(piece.event), piece.version
        self._stored[ticket] = self._stored.get(ticket, 0) | 1 << version
        stream = self._streams.by_ticket.get(ticket)
        published = None if stream is None else stream.digests.get(version)
        if published is None:
            self._unpublished.append((ticket, version, piece.event.meta.recorded_at))
        elif published != digest_of(piece.event):
            self._wrong.append(Violation(ticket, f"version {version} is published otherwise than it is stored"))

    def violations(self, moment: Moment) -> Iterator[Violation]:
        """Yield what is only on one side."""
        yield from self._wrong
        for ticket, version, recorded_at in self._unpublished:
            since = moment.real_of(recorded_at)
            yield Violation(ticket, f"version {version} is stored and not published", since)
        for ticket, stream in self._streams.by_ticket.items():
            stored = self._stored.get(ticket, 0)
            for version in stream.digests:
                if not stored & 1 << version:
                    yield Violation(ticket, f"version {version} is published and not stored")


class _Line:
    """Records of a partition that move something: where they stand, and since when (two numbers each)."""

    __slots__ = ("offsets", "seconds")

    def __init__(self) -> None:
        self.offsets = array("q")
        self.seconds = array("d")


class EverythingRead(Check):
    """See `promise`."""

    name = "everything read"
    promise = "each service has read its inputs to the end they had, as far as it has committed"

    def __init__(self) -> None:
        super().__init__()
        self._lines: dict[tuple[str, int], _Line] = {}
        self._positions: dict[tuple[str, str, int], int] = {}

    def take(self, piece: Piece) -> None:
        """Remember where records stand, and positions."""
        if isinstance(piece, Seen):
            event = type(piece.message)
            if event in _SAY_ONLY or not topic_of(event).readers:
                return
            line = self._lines.setdefault((piece.topic, piece.partition), _Line())
            line.offsets.append(piece.offset)
            line.seconds.append(piece.written_at.timestamp())
            self.looked_at += 1
        elif isinstance(piece, ReadUpTo):
            self._positions[piece.service, piece.topic, piece.partition] = piece.position

    def violations(self, moment: Moment) -> Iterator[Violation]:
        """Yield each partition that somebody has not read to its end."""
        readers = [(service, topic.name) for service in SERVICES for topic in inputs_of(service)]
        for service, topic in readers:
            for (name, partition), line in self._lines.items():
                if name == topic:
                    position = self._positions.get((service, topic, partition), 0)
                    yield from _unread(service, f"{topic}:{partition}", line, position, moment)


def _unread(service: str, place: str, line: _Line, position: int, moment: Moment) -> Iterator[Violation]:
    first = bisect_left(line.offsets, position)
    first = max(first, bisect_left(line.seconds, moment.since.timestamp()))
    if first < len(line.offsets):
        since = datetime.fromtimestamp(line.seconds[first], UTC)
        count = len(line.offsets) - first
        yield Violation(f"{place}:{line.offsets[first]}", f"{count} records are not read by the {service}", since)

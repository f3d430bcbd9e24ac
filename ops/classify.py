"""The classifier on exported tickets, no Kafka: a line of JSON in, a line with the verdict out."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec

from chassis.errors import EscalonError
from policy.model import VersionedPolicy
from schemas.classifications import Because, Judgement
from schemas.tickets import Comment, Customer, Ticket, TicketFields
from schemas.vocabulary import AuthorKind, Channel, IssueType, Reason, Severity
from services.classifier.ports import Judge

_AUTHORS = {"customer": AuthorKind.CUSTOMER, "bot": AuthorKind.BOT, "escalon": AuthorKind.ESCALON}
_UNDATED = datetime(1970, 1, 1, tzinfo=UTC)
"""When a ticket was exported nobody tells; it only matters where a front-line SLA has dates and no share left."""


class TicketFileError(EscalonError):
    """A line of a ticket file cannot be read; the text names file and line and quotes nothing of the ticket."""


class ExportedComment(msgspec.Struct, frozen=True, kw_only=True):
    """A message on an exported ticket; an `author` that is not customer, bot or escalon is a person of ours."""

    author: str
    text: str


class ExportedTicket(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as it is exported; further keys (an expected verdict) are not read."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    subject: str
    description: str = ""
    comments: tuple[ExportedComment, ...] = ()
    channel: str = "email"
    language: str | None = "en"
    tags: tuple[str, ...] = ()
    fields: dict[str, bool | int | float | str | None] = {}


class ExportedVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on an exported ticket."""

    qualifies: bool
    reasons: tuple[Reason, ...]
    severity: Severity
    type: IssueType
    also: tuple[IssueType, ...]
    confidence: float
    because: tuple[Because, ...]


class ClassifiedTicket(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the output."""

    id: str
    verdict: ExportedVerdict


def classify_file(source: Path, out: Path, policy: VersionedPolicy, judge: Judge) -> int:
    """Write a verdict for each ticket of `source`, in its order, and return how many; the same input, the same bytes.

    Raises TicketFileError naming every line that is wrong; `out` is then not written.
    """
    lines = [msgspec.json.encode(classified) for classified in _classified(read_tickets(source), policy, judge)]
    try:
        out.write_bytes(b"".join(line + b"\n" for line in lines))
    except OSError as error:
        raise TicketFileError(f"{out}: cannot be written ({error.strerror})") from error
    return len(lines)


def read_tickets(source: Path) -> list[tuple[str, Ticket]]:
    """Return the tickets of a file with their ids; raises TicketFileError naming every line that is wrong."""
    tickets: list[tuple[str, Ticket]] = []
    problems: list[str] = []
    try:
        lines = source.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise TicketFileError(f"{source}: cannot be read ({type(error).__name__})") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            exported = msgspec.json.decode(line.encode(), type=ExportedTicket)
            tickets.append((exported.id, _ticket(exported)))
        except (msgspec.DecodeError, ValueError) as error:
            problems.append(f"{source}:{number}: {_told(error)}")
    if problems:
        raise TicketFileError("\n".join(problems))
    return tickets


def _told(error: Exception) -> str:
    """Return what msgspec says; it names types and places, and a value only where that is none of ours."""
    return str(error) if isinstance(error, msgspec.ValidationError) and "Invalid" not in str(error) else "not a ticket"


def _ticket(exported: ExportedTicket) -> Ticket:
    filled = {name: value for name, value in exported.fields.items() if value is not None}
    return Ticket(
        helpdesk="export",
        ticket_id=exported.id,
        subject=exported.subject,
        description=exported.description,
        comments=tuple(
            Comment(
                author_kind=_AUTHORS.get(comment.author, AuthorKind.PERSON), author_id=comment.author, text=comment.text
            )
            for comment in exported.comments
        ),
        channel=Channel(exported.channel) if exported.channel in set(Channel) else Channel.WEB,
        tags=exported.tags,
        customer=Customer(language=exported.language or "en"),
        fields=msgspec.convert(filled, TicketFields, strict=False),
    )


def _classified(tickets: list[tuple[str, Ticket]], policy: VersionedPolicy, judge: Judge) -> Iterator[ClassifiedTicket]:
    for ticket_id, ticket in tickets:
        yield ClassifiedTicket(id=ticket_id, verdict=_verdict(judge.judge(ticket, None, policy, _UNDATED)))


def _verdict(judgement: Judgement) -> ExportedVerdict:
    return ExportedVerdict(
        qualifies=judgement.qualifies,
        reasons=judgement.reasons,
        severity=judgement.severity,
        type=judgement.type,
        also=judgement.also,
        confidence=judgement.confidence,
        because=judgement.because,
    )

"""`escalon command`: what people ask of an escalation, published on `commands.v1`."""

from datetime import UTC, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from ops.commands.watch import asked_zone
from ops.connection import kafka_settings, open_log, publisher
from ops.event_file import CUSTOMER, FileEvent
from ops.local.run_file import local_defaults, operator_clock
from ops.output import EXIT_USAGE, command, fail
from ops.view.board import Board
from policy.local_time import instant_of
from schemas import commands
from schemas.catalogue import ESCALATIONS
from schemas.vocabulary import IssueType, PreventionKind, Severity

app = typer.Typer(no_args_is_help=True, help="Ask something of an escalation.")

Ref = Annotated[str, typer.Argument(help="Reference, or the ticket's key `<helpdesk>/<ticket_id>`.")]
By = Annotated[str, typer.Option("--by", help="Who asks: a key of the roster.")]
ByCustomer = Annotated[str, typer.Option("--by", help="Who recorded it for the customer; the customer, if left out.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; goes on record.")]
Text = Annotated[str, typer.Option("--text", help="The text.")]
NextAt = Annotated[str | None, typer.Option("--next-at", help="When the customer hears again: 14:30, or an instant.")]
Question = Annotated[bool, typer.Option("--question", help="It asks the customer something: clocks may stand.")]
Zone = Annotated[str, typer.Option("--zone", help="Whose 14:30 it is.")]


@app.command()
@command
async def accept(reference: Ref, by: By) -> None:
    """Take it on; the customer is acknowledged in the owner's name."""
    await _send(by, commands.AcceptEscalation(ticket=await _ticket(reference)))


@app.command()
@command
async def reassign(
    reference: Ref, by: By, to: Annotated[str, typer.Option("--to", help="To whom.")], reason: Reason
) -> None:
    """Hand over to another of the chain."""
    await _send(by, commands.ReassignEscalation(ticket=await _ticket(reference), to=to, reason=reason))


@app.command()
@command
async def note(reference: Ref, by: By, text: Text) -> None:
    """Record an internal note."""
    await _send(by, commands.AddNote(ticket=await _ticket(reference), text=text))


@app.command()
@command
async def evidence(
    reference: Ref,
    by: By,
    link: Annotated[str, typer.Option("--link", help="Where it lies.")],
    checksum: Annotated[str | None, typer.Option("--checksum", help="`sha256:<hex>`.")] = None,
) -> None:
    """Record evidence by link and checksum."""
    await _send(by, commands.AttachEvidence(ticket=await _ticket(reference), link=link, checksum=checksum))


@app.command("root-cause")
@command
async def root_cause(
    reference: Ref, by: By, category: Annotated[str, typer.Option("--category", help="Of the policy.")], text: Text
) -> None:
    """Record the root cause."""
    await _send(by, commands.RecordRootCause(ticket=await _ticket(reference), category=category, text=text))


@app.command()
@command
async def review(
    reference: Ref,
    by: By,
    text: Text,
    front_line: Annotated[bool | None, typer.Option(help="Whether the front line could have solved it.")] = None,
    misdiagnosed: Annotated[bool | None, typer.Option(help="Whether it was misdiagnosed at first.")] = None,
    article: Annotated[str | None, typer.Option("--article", help="Link to the article that was written.")] = None,
) -> None:
    """Record the review that was held after the close."""
    held = commands.RecordReview(
        ticket=await _ticket(reference), text=text, front_line=front_line, misdiagnosed=misdiagnosed, article=article
    )
    await _send(by, held)


@app.command("plan-action")
@command
async def plan_action(
    reference: Ref,
    action: Annotated[str, typer.Argument(help="A short name for it, e.g. `queue-alert`.")],
    by: By,
    text: Text,
    kind: Annotated[PreventionKind, typer.Option(help="What it is.")],
    owner: Annotated[
        tuple[str, str], typer.Option(metavar="WHO WHEN", help="Who does it until when: ben 2026-06-30T17:00:00+02:00.")
    ],
) -> None:
    """Plan what is done so that it does not happen again."""
    planned = commands.PlanPreventiveAction(
        ticket=await _ticket(reference),
        action=action,
        kind=kind,
        text=text,
        owner=owner[0],
        due_at=_instant(owner[1]),
    )
    await _send(by, planned)


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise fail(f"{text} is no instant; write it like 2026-06-30T17:00:00+02:00", EXIT_USAGE)
    return found.astimezone(UTC)


@app.command("action-done")
@command
async def action_done(
    reference: Ref, action: Annotated[str, typer.Argument(help="Its name in the plan.")], by: By
) -> None:
    """Record that a preventive action is done."""
    await _send(by, commands.CompletePreventiveAction(ticket=await _ticket(reference), action=action))


@app.command()
@command
async def update(
    reference: Ref, by: By, text: Text, next_at: NextAt = None, zone: Zone = "UTC", *, question: Question = False
) -> None:
    """Tell the customer how it stands, and when the next word comes; or ask something that must be known to go on."""
    ticket = await _ticket(reference)
    promised = None if next_at is None else promised_instant(next_at, asked_zone(zone), operator_clock().now())
    await _send(by, commands.SendUpdate(ticket=ticket, text=text, next_at=promised, question=question))


def promised_instant(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    """Return the next instant at which it is `HH:MM` in the zone, or an ISO 8601 one; ends the command for less."""
    try:
        if len(text) > len("14:30"):
            found = datetime.fromisoformat(text)
            return found.astimezone(UTC) if found.tzinfo is not None else instant_of(found, zone)
        named = time.fromisoformat(text)
    except ValueError:
        raise fail(f"--next-at {text}: write 14:30, or 2026-06-02T14:30:00+02:00", EXIT_USAGE) from None
    today = now.astimezone(zone).date()
    days = (today, today + timedelta(days=1), today + timedelta(days=2))
    return next(at for at in (instant_of(datetime.combine(day, named), zone) for day in days) if at > now)


@app.command()
@command
async def resolve(
    reference: Ref,
    by: By,
    category: Annotated[str, typer.Option("--category", help="Of the policy.")],
    steps: Annotated[str, typer.Option("--steps", help="What was done, for the customer.")],
) -> None:
    """Ask the customer whether it is solved."""
    await _send(by, commands.ProposeResolution(ticket=await _ticket(reference), category=category, steps=steps))


@app.command()
@command
async def confirm(reference: Ref, by: ByCustomer = CUSTOMER) -> None:
    """Record that the customer says it is solved."""
    await _send(by, commands.ConfirmResolution(ticket=await _ticket(reference)))


@app.command()
@command
async def reject(
    reference: Ref,
    by: ByCustomer = CUSTOMER,
    text: Annotated[str | None, typer.Option("--text", help="What the customer said.")] = None,
) -> None:
    """Record that the customer says it is not solved."""
    await _send(by, commands.RejectResolution(ticket=await _ticket(reference), text=text))


@app.command()
@command
async def close(reference: Ref, by: By, reason: Reason) -> None:
    """Close without a confirmation or without the record; management only."""
    await _send(by, commands.CloseEscalation(ticket=await _ticket(reference), reason=reason))


@app.command()
@command
async def reclassify(
    reference: Ref,
    by: By,
    reason: Reason,
    severity: Annotated[Severity | None, typer.Option("--severity", help="The new one.")] = None,
    issue_type: Annotated[IssueType | None, typer.Option("--type", help="The new one.")] = None,
) -> None:
    """Change severity, type or both."""
    if severity is None and issue_type is None:
        raise fail("give --severity, --type or both")
    ticket = await _ticket(reference)
    await _send(by, commands.ReclassifyEscalation(ticket=ticket, severity=severity, type=issue_type, reason=reason))


async def _ticket(reference: str) -> str:
    """Return the ticket's key; a key is taken as it is, a reference is looked up in the log."""
    local_defaults()
    if "/" in reference:
        return reference
    board = Board()
    async for entry in open_log().entries(ESCALATIONS):
        board.take(entry.message)
    found = next((row.ticket for row in board.rows() if row.reference == reference), None)
    if found is None:
        raise fail(f"there is no escalation {reference}")
    return found


async def _send(by: str, draft: commands.Command) -> None:
    event = FileEvent(line=0, at=None, arrives=None, by=by, id=None, draft=draft)
    sealed = event.sealed(operator_clock().now())
    async with publisher(kafka_settings()) as out:
        await out.publish([(event.key, sealed)])
    typer.echo(f"{type(draft).__name__} for {event.key} sent, id {sealed.meta.id}")

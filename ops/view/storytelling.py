"""One plain sentence for each event, for timelines and the feed; whom it names are roster keys, never addresses."""

from collections.abc import Callable

from schemas import escalations as ev
from schemas import notifications as nt
from schemas import prevention as pv
from schemas.merging import MergePassedOn
from schemas.message import Message


def _promises(event: ev.MergeAbsorbed) -> str:
    """Return which promises came along."""
    names = ", ".join(one.clock.replace("_", " ") for one in event.promises)
    return f" with what it had promised: {names}" if names else ""


_TELL: dict[type[Message], Callable[..., str]] = {
    ev.TicketWatched: lambda e: f"watched until {e.front_line_due_at:%Y-%m-%d %H:%M}Z",
    ev.TicketUnwatched: lambda e: f"no longer watched: {e.reason}",
    ev.CommandRejected: lambda e: f"{e.command} of {e.sender.id} refused: {e.reason}",
    ev.EscalationOpened: lambda e: (
        f"{e.escalation.reference} {e.escalation.severity} {e.escalation.type}, because of {', '.join(e.reasons)}"
    ),
    ev.OwnerAssigned: lambda e: f"{e.owner} is the owner ({e.cause}{f', after {e.previous}' if e.previous else ''})",
    ev.EscalationAccepted: lambda e: f"{e.by} {'accepted' if e.explicit else 'acted on it, which accepts it'}",
    ev.CustomerInformed: lambda e: f"{e.by} {'asked' if e.question else 'wrote to'} the customer ({e.kind})",
    ev.CustomerReplyReceived: lambda e: f"the customer wrote ({e.intent})",
    ev.NoteAdded: lambda e: f"{e.by} left a note",
    ev.EvidenceAttached: lambda e: f"{e.by} attached evidence",
    ev.RootCauseRecorded: lambda e: f"{e.by} recorded the root cause: {e.category}",
    ev.ResolutionProposed: lambda e: f"{e.by} proposed a resolution: {e.category}",
    ev.ConfirmationRepeated: lambda e: f"the customer is asked again ({e.attempt})",
    ev.CustomerCallDue: lambda e: f"{e.escalation.owner} is told to call the customer",
    ev.ResolutionConfirmed: lambda _: "confirmed by the customer",
    ev.DocumentationMissing: lambda e: f"not closed yet, missing: {', '.join(e.missing)}",
    ev.ResolutionRejected: lambda _: "the customer says it is not solved",
    ev.EscalationClosed: lambda e: f"closed by {e.by.id}{'' if e.confirmed else ', without a confirmation'}",
    ev.EscalationReopened: lambda e: f"opened again, for the {e.opening}. time",
    ev.EscalationReclassified: lambda e: (
        f"{e.previous_severity} {e.previous_type} became {e.escalation.severity} {e.escalation.type}, by {e.by.id}"
    ),
    ev.PolicyAdopted: lambda e: f"policy {e.version} holds from here on, {e.previous} did before",
    ev.ReclassificationProposed: lambda e: (
        f"a verdict of {e.severity} {e.type}, as it is"
        if (e.severity, e.type) == (e.escalation.severity, e.escalation.type)
        else f"{e.severity} {e.type} is proposed to {e.escalation.owner}"
    ),
    ev.EscalationMerged: lambda e: f"merged into {e.into}",
    ev.MergeAbsorbed: lambda e: f"took in {e.merged}{_promises(e)}",
    MergePassedOn: lambda e: f"{e.merged} was merged into it, which goes on to {e.into}",
    ev.EscalationEnded: lambda e: e.reason,
    pv.ReviewHeld: lambda e: f"{e.by} held the review",
    pv.PreventiveActionPlanned: lambda e: f"{e.owner} is to see to {e.action} ({e.kind}) by {e.due_at:%Y-%m-%d %H:%M}Z",
    pv.PreventiveActionCompleted: lambda e: f"{e.action} is done, says {e.by}",
    ev.OwnerReminded: lambda e: f"{e.escalation.owner} is reminded to accept",
    ev.SlaWarned: lambda e: f"{e.percent} % of {e.clock} used, due {e.due_at:%H:%M:%S}Z",
    ev.SlaBreached: lambda e: (
        f"{e.clock} broken, was due {e.due_at:%Y-%m-%d %H:%M:%S}Z{' (unverified)' if e.unverified else ''}"
    ),
    ev.SlaKept: lambda e: f"{e.clock} kept{f', restored {e.restored_at:%Y-%m-%d %H:%M:%S}Z' if e.restored_at else ''}",
    ev.SlaCorrected: lambda e: (
        f"{e.clock} corrected from {e.previous} to {e.verdict}{' (nothing was due)' if e.withdrawn else ''}"
    ),
    ev.OwnerNotified: lambda e: f"{e.person} was reached ({e.kind})",
    ev.CustomerAcknowledged: lambda _: "the acknowledgement reached the customer",
    ev.NoticeFailed: lambda e: f"{e.kind} to {e.recipient} could not be delivered: {e.reason}",
    nt.NoticeDelivered: lambda e: f"{e.kind} to {e.recipient} by {e.via}, because of {e.cause}",
    nt.NoticeUndeliverable: lambda e: f"{e.kind} to {e.recipient} given up: {e.reason}",
    nt.NoticeSuperseded: lambda e: f"{e.kind} to {e.recipient} overtaken by {e.by}",
}


def told(event: Message) -> str:
    """Return what happened in one sentence; the event's name for one that has none."""
    tell = _TELL.get(type(event))
    return tell(event) if tell else type(event).__name__

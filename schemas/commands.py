"""`commands.v1`: what people ask of an escalation. The sender is `meta.actor`; the ticket is named by its key."""

from datetime import datetime
from typing import Annotated, ClassVar

from schemas.context import EscalationContext, OpenPromise
from schemas.message import Message, doc, pii
from schemas.vocabulary import IssueType, PreventionKind, Reason, Severity

_NAMESPACE = "escalon.commands"


class Command(Message, frozen=True, kw_only=True):
    """What all commands share."""

    namespace: ClassVar[str] = _NAMESPACE
    ticket: Annotated[str, doc("`<helpdesk>/<ticket_id>`.")]


class AcceptEscalation(Command, frozen=True, kw_only=True):
    """The owner takes it on; the customer is acknowledged in the owner's name."""


class SendUpdate(Command, frozen=True, kw_only=True):
    """Tell the customer how it stands."""

    text: Annotated[str, pii("Text for the customer.")]
    next_at: Annotated[datetime | None, doc("When the customer is promised to hear again (UTC).")] = None
    question: Annotated[bool, doc("It asks the customer something; clocks may stand until the reply.")] = False


class AddNote(Command, frozen=True, kw_only=True):
    """Record an internal note."""

    text: Annotated[str, pii("The note.")]


class AttachEvidence(Command, frozen=True, kw_only=True):
    """Record evidence by link and checksum."""

    link: Annotated[str, pii("Where it lies.")]
    checksum: Annotated[str | None, doc("`sha256:<hex>`.")] = None
    description: Annotated[str | None, pii("What it shows.")] = None


class RecordRootCause(Command, frozen=True, kw_only=True):
    """Record the root cause."""

    category: Annotated[str, doc("Category of the policy, e.g. `defect`.")]
    text: Annotated[str, pii("The cause in words.")]


class ProposeResolution(Command, frozen=True, kw_only=True):
    """Ask the customer whether it is solved."""

    category: Annotated[str, doc("Category of the policy, e.g. `fixed`.")]
    steps: Annotated[str, pii("What was done, for the customer.")]


class ConfirmResolution(Command, frozen=True, kw_only=True):
    """The customer says it is solved, or somebody records it for them."""


class RejectResolution(Command, frozen=True, kw_only=True):
    """The customer says it is not solved, or somebody records it for them."""

    text: Annotated[str | None, pii("What the customer said.")] = None


class ReassignEscalation(Command, frozen=True, kw_only=True):
    """Hand over to another of the chain."""

    to: Annotated[str, doc("Roster key.")]
    reason: Annotated[str, pii("Why.")]


class ReclassifyEscalation(Command, frozen=True, kw_only=True):
    """Change severity, type or both."""

    severity: Severity | None = None
    type: IssueType | None = None
    reason: Annotated[str, pii("Why.")]


class CloseEscalation(Command, frozen=True, kw_only=True):
    """Management closes without a confirmation or without the record."""

    reason: Annotated[str, pii("Why.")]


class RecordReview(Command, frozen=True, kw_only=True):
    """Record the review that was held after the close."""

    text: Annotated[str, pii("What came out of it.")]
    front_line: Annotated[bool | None, doc("The front line could have solved it.")] = None
    misdiagnosed: Annotated[bool | None, doc("It was misdiagnosed at first.")] = None
    article: Annotated[str | None, pii("Link to the knowledge-base article that was written or updated.")] = None


class PlanPreventiveAction(Command, frozen=True, kw_only=True):
    """Have somebody see to it that it does not happen again."""

    action: Annotated[str, doc("Key of the action within the escalation.")]
    kind: PreventionKind
    text: Annotated[str, pii("What is to be done; a link to the backlog, say.")]
    owner: Annotated[str, doc("Roster key of who does it.")]
    due_at: Annotated[datetime, doc("When it is to be done (UTC).")]


class CompletePreventiveAction(Command, frozen=True, kw_only=True):
    """Record that a preventive action is done."""

    action: Annotated[str, doc("Key of the action within the escalation.")]


class AbsorbMerged(Command, frozen=True, kw_only=True):
    """Another ticket was merged into this one; written by the router's outbox."""

    merged: Annotated[str, doc("Key of the ticket that ended.")]
    reasons: Annotated[tuple[Reason, ...], doc("Why the ticket that ended was an escalation.")] = ()
    escalation: Annotated[
        EscalationContext | None, doc("The escalation that ended, for a survivor that is none yet.")
    ] = None
    promises: Annotated[tuple[OpenPromise, ...], doc("What was promised and is still to be kept.")] = ()
    solved: Annotated[
        bool | None, doc("The customer had confirmed a solution; null where neither this nor the promises are known.")
    ] = None
    through: Annotated[tuple[str, ...], doc("Tickets it went through that had been merged themselves.")] = ()


class AdoptPolicy(Command, frozen=True, kw_only=True):
    """Hold a running escalation to another version of the procedure; its clocks go on with the new targets."""

    version: Annotated[str, doc("Version, as published on `policies.v1`.")]

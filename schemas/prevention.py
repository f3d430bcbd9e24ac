"""After the close, on `escalations.v1`: the review, and what is done so that it does not happen again."""

from datetime import datetime
from typing import Annotated

from schemas.escalations import EscalationEvent
from schemas.message import doc, pii
from schemas.vocabulary import PreventionKind


class PreventionEvent(EscalationEvent, frozen=True, kw_only=True):
    """What these events share: like `CLOCK_EVENTS` they move clocks, of their own."""


class ReviewHeld(PreventionEvent, frozen=True, kw_only=True):
    """The review after the close was held, which ends its clock."""

    by: str
    text: Annotated[str, pii("What came out of it.")]
    front_line: Annotated[bool | None, doc("The front line could have solved it.")] = None
    misdiagnosed: Annotated[bool | None, doc("It was misdiagnosed at first.")] = None
    article: Annotated[str | None, pii("Link to the knowledge-base article that was written or updated.")] = None


class PreventiveActionPlanned(PreventionEvent, frozen=True, kw_only=True):
    """Somebody is to see to it that it does not happen again; its clock runs until `due_at`."""

    by: str
    action: Annotated[str, doc("Key of the action within the escalation.")]
    number: Annotated[int, doc("Number of the action, from 1; its clock's cycle.")]
    kind: PreventionKind
    text: Annotated[str, pii("What is to be done.")]
    owner: Annotated[str, doc("Roster key of who does it.")]
    due_at: Annotated[datetime, doc("When it is to be done (UTC).")]


class PreventiveActionCompleted(PreventionEvent, frozen=True, kw_only=True):
    """A preventive action is done."""

    by: str
    action: Annotated[str, doc("Key of the action within the escalation.")]
    number: Annotated[int, doc("Number of the action.")]

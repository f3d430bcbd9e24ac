"""`notifications.v1`: what was sent to whom, where and why, and what could not be."""

from datetime import datetime
from typing import Annotated, ClassVar

from schemas.message import Message, doc
from schemas.vocabulary import Audience, NoticeKind

_NAMESPACE = "escalon.notifications"


class NoticeOutcome(Message, frozen=True, kw_only=True):
    """What all outcomes share."""

    namespace: ClassVar[str] = _NAMESPACE
    notice_id: Annotated[str, doc("Derived from the cause, the kind and the recipient.")]
    ticket: Annotated[str, doc("`<helpdesk>/<ticket_id>`.")]
    reference: Annotated[str | None, doc("Reference of the escalation.")] = None
    kind: NoticeKind
    audience: Audience
    recipient: Annotated[str, doc("Roster key, `customer`, the incident channel's name or the ticket's key.")]
    cause_id: Annotated[str, doc("Id of the event on `escalations.v1` that is the reason.")]
    cause: Annotated[str, doc("Name of that event.")]
    via: Annotated[str, doc("Channel: slack, email, zendesk, sink.")]


class NoticeDelivered(NoticeOutcome, frozen=True, kw_only=True):
    """A receiver took the notice."""

    delivered_at: Annotated[datetime, doc("Business time (UTC).")]
    external_id: Annotated[str | None, doc("The receiver's id of it: timestamp of a Slack message, Message-ID.")] = None
    attempts: int = 1
    possible_repeat: Annotated[bool, doc("A crash came between send and record; it may have been sent twice.")] = False


class NoticeUndeliverable(NoticeOutcome, frozen=True, kw_only=True):
    """A notice was given up."""

    reason: Annotated[str, doc("From a closed list: bad_recipient, refused, credentials, exhausted, no_contact.")]
    attempts: int


class NoticeSuperseded(NoticeOutcome, frozen=True, kw_only=True):
    """A notice was overtaken before it was sent and is not needed any more."""

    by: Annotated[str, doc("What overtook it.")]

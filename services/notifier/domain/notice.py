"""A notice: one message to one recipient, planned once and then the same in every attempt."""

from datetime import datetime
from enum import StrEnum

import msgspec

from policy.communication_render import Words
from schemas.ids import NoticeId
from schemas.vocabulary import Audience, IssueType, NoticeKind, Severity


class Transport(StrEnum):
    """How a recipient can be reached; a channel serves one or more of these."""

    SLACK = "slack"
    """A person's Slack user id."""
    ROOM = "room"
    """The incident channel, by name."""
    EMAIL = "email"
    HELPDESK = "helpdesk"
    """The ticket itself, by its key."""
    SINK = "sink"
    """Nowhere: shown and stored here."""


class FailureReason(StrEnum):
    """Why a notice was given up; the closed list of `NoticeUndeliverable.reason`."""

    BAD_RECIPIENT = "bad_recipient"
    REFUSED = "refused"
    CREDENTIALS = "credentials"
    EXHAUSTED = "exhausted"
    NO_CONTACT = "no_contact"


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where a recipient can be reached."""

    transport: Transport
    target: str


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What a notice is about, for channels that do more than write text (rooms, tags, buttons)."""

    ticket: str
    reference: str | None = None
    ticket_url: str | None = None
    severity: Severity | None = None
    type: IssueType | None = None
    started_at: datetime | None = None
    members: tuple[str, ...] = ()
    """Slack user ids to invite to an incident channel."""


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """The event on `escalations.v1` that is the reason."""

    id: str
    name: str
    policy_version: str | None = None
    traceparent: str | None = None


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one recipient.

    `addresses` are in order of preference; `everywhere` means each of them instead of the first that works.
    `requires` names a kind that must have been planned for the ticket before, else this one has no object.
    """

    id: NoticeId
    kind: NoticeKind
    audience: Audience
    recipient: str
    addresses: tuple[Address, ...]
    words: Words
    about: Subject
    cause: Cause
    planned_at: datetime
    everywhere: bool = False
    requires: NoticeKind | None = None

    @property
    def lane(self) -> tuple[str, str]:
        """Ticket and recipient: notices of one lane are sent in the order they were planned."""
        return (self.about.ticket, self.recipient)

    @property
    def line(self) -> str:
        """By what it is sent first, a `Transport`; empty where nobody knows how. Lines never wait for each other."""
        return self.addresses[0].transport.value if self.addresses else ""

    @property
    def urgency(self) -> int:
        """Rank among what waits, 2 (first) to 9: by severity, and of one severity people before tags on the ticket.

        What belongs to no severity (a refused command) has somebody waiting for it, as a P2 has.
        """
        severity = self.about.severity or Severity.P2
        return 2 * severity.rank + (self.audience is Audience.TICKET)


class Supersession(msgspec.Struct, frozen=True, kw_only=True):
    """Notices of these kinds that a recipient has not been sent yet are not needed any more."""

    ticket: str
    recipient: str
    kinds: tuple[NoticeKind, ...]
    cause: Cause
    at: datetime


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What an event calls for."""

    notices: tuple[Notice, ...] = ()
    supersessions: tuple[Supersession, ...] = ()

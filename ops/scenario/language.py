"""The words of a story, typed. What is not here is an error, never ignored."""

from datetime import datetime
from typing import Any

import msgspec

from ops.scenario.parts import ActionNamed, ActionPlannedAs, By, DeletedBecause, Part, Promised, Written
from policy.calendars import Calendar, CalendarChoice
from schemas.tickets import Customer
from schemas.vocabulary import (
    AuthorKind,
    Channel,
    ClockName,
    EscalationState,
    IssueType,
    NoticeKind,
    Reason,
    Severity,
    TicketStatus,
    Verdict,
)


class AccountGiven(Part, frozen=True, kw_only=True):
    """An account."""

    name: str | None = None
    tier: str | None = None
    key_account: bool = False
    region: str | None = None


class PolicyChanges(Part, frozen=True, kw_only=True):
    """What of a policy is otherwise in a story, as its files say it; what is left out of a severity stays."""

    severities: dict[Severity, dict[str, Any]] = {}
    calendars: dict[str, Calendar] = {}
    calendar_by: CalendarChoice | None = None


class Given(PolicyChanges, frozen=True, kw_only=True):
    """What holds from the start."""

    policy: str | None = None
    calendar: Calendar | None = None
    chains: dict[IssueType, tuple[str, ...]] | None = None
    accounts: dict[str, AccountGiven] = {}
    unreachable: tuple[str, ...] = ()
    """Whom no message reaches: keys of the roster, `customer`."""


class VerdictGiven(Part, frozen=True, kw_only=True):
    """A judgement that stands in for the classifier's."""

    qualifies: bool
    reasons: tuple[Reason, ...] = ()
    severity: Severity | None = None
    type: IssueType | None = None


class CommentGiven(Part, frozen=True, kw_only=True):
    """A comment the ticket came with."""

    author: str
    text: str


class Opened(Part, frozen=True, kw_only=True):
    """A ticket is opened; fields as in exported tickets."""

    subject: str = ""
    description: str = ""
    account: str | None = None
    channel: Channel = Channel.EMAIL
    language: str = "en"
    comments: tuple[CommentGiven, ...] = ()
    fields: dict[str, Any] = {}
    verdict: VerdictGiven | None = None
    customer: Customer | None = None
    """How the customer can be reached; by e-mail, if left out."""


class Changed(Part, frozen=True, kw_only=True):
    """Fields of the ticket, or the verdict on it, change."""

    subject: str | None = None
    description: str | None = None
    fields: dict[str, Any] = {}
    verdict: VerdictGiven | None = None


class CustomerRepliedWith(Part, frozen=True, kw_only=True):
    """The customer writes."""

    text: str


class AgentRepliedWith(Part, frozen=True, kw_only=True):
    """An agent or a bot writes."""

    by: str
    text: str
    public: bool = True
    bot: bool = False

    @property
    def author_kind(self) -> AuthorKind:
        """A bot or a person."""
        return AuthorKind.BOT if self.bot else AuthorKind.PERSON


class MergedInto(Part, frozen=True, kw_only=True):
    """The ticket is merged into another and ends."""

    into: str


class Nothing(Part, frozen=True, kw_only=True):
    """A word that needs no more words."""


class Updated(Written, frozen=True, kw_only=True):
    """What the customer is told, and when the next word is promised."""

    next_at: datetime | None = None


class RootCauseGiven(Written, frozen=True, kw_only=True):
    """A root cause."""

    category: str


class EvidenceGiven(By, frozen=True, kw_only=True):
    """A piece of evidence."""

    link: str


class Resolved(By, frozen=True, kw_only=True):
    """A proposed resolution."""

    category: str
    steps: str


class Rejected(Part, frozen=True, kw_only=True):
    """The customer's no."""

    text: str | None = None


class HandedOver(By, frozen=True, kw_only=True):
    """A handover."""

    to: str
    reason: str


class ReclassifiedAs(By, frozen=True, kw_only=True):
    """Another severity, type or both."""

    severity: Severity | None = None
    type: IssueType | None = None
    reason: str


class ClosedBecause(By, frozen=True, kw_only=True):
    """Management's close."""

    reason: str


class PolicyPublishedWith(PolicyChanges, frozen=True, kw_only=True):
    """A version is published: that of a folder beside the story, or the present one, with changes."""

    policy: str | None = None
    running: bool = False


class Down(Part, frozen=True, kw_only=True):
    """A service is away; what is sent to it waits."""

    service: str
    until: datetime


Act = (
    Opened
    | Changed
    | CustomerRepliedWith
    | AgentRepliedWith
    | TicketStatus
    | MergedInto
    | str
    | DeletedBecause
    | Nothing
    | By
    | Written
    | Updated
    | Promised
    | RootCauseGiven
    | EvidenceGiven
    | ActionPlannedAs
    | ActionNamed
    | Resolved
    | Rejected
    | HandedOver
    | ReclassifiedAs
    | ClosedBecause
    | PolicyPublishedWith
    | Down
)
ACTS: dict[str, Any] = {
    "opened": Opened,
    "changed": Changed,
    "customer_replied": CustomerRepliedWith,
    "agent_replied": AgentRepliedWith,
    "status": TicketStatus,
    "reopened": Nothing,
    "merged": MergedInto,
    "merged_into": str,
    "deleted": DeletedBecause,
    "accept": By,
    "update": Updated,
    "question": Written,
    "promise": Promised,
    "note": Written,
    "root_cause": RootCauseGiven,
    "evidence": EvidenceGiven,
    "review": Written,
    "preventive_action": ActionPlannedAs,
    "action_done": ActionNamed,
    "resolve": Resolved,
    "confirm": Nothing,
    "reject": Rejected,
    "reassign": HandedOver,
    "reclassify": ReclassifiedAs,
    "close": ClosedBecause,
    "policy_published": PolicyPublishedWith,
}
OF_NO_TICKET = ("policy_published",)
"""Acts that concern no ticket, or all."""


class When(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happens at `at` and reaches us at `arrives`."""

    line: int
    at: datetime
    arrives: datetime
    ticket: str
    word: str
    act: Act


class EscalatedAs(Part, frozen=True, kw_only=True):
    """How a ticket was escalated."""

    severity: Severity | None = None
    type: IssueType | None = None
    reasons: tuple[Reason, ...] | None = None


class Expectation(Part, frozen=True, kw_only=True):
    """A line of `then` or `never`: keys that are left out match anything."""

    at: datetime | None = None
    ticket: str | None = None
    escalated: EscalatedAs | None = None
    not_escalated: Nothing | None = None
    owner: str | None = None
    warned: ClockName | None = None
    percent: int | None = None
    breached: ClockName | None = None
    due: datetime | None = None
    kept: ClockName | None = None
    told: str | None = None
    what: NoticeKind | None = None
    refused: str | None = None
    to: str | None = None
    state: EscalationState | None = None
    corrected: ClockName | None = None


KINDS = (
    "escalated",
    "not_escalated",
    "owner",
    "warned",
    "breached",
    "kept",
    "told",
    "refused",
    "state",
    "corrected",
)
DETAILS = {
    "warned": ("percent",), "breached": ("due",), "told": ("what",), "refused": ("to",), "corrected": ("to",),
}  # fmt: skip


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """An expectation with its place and kind."""

    line: int
    kind: str
    expects: Expectation


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """A story, ready to be played."""

    path: str
    name: str
    given: Given
    when: tuple[When, ...]
    then: tuple[Line, ...]
    never: tuple[Line, ...]
    complete: tuple[str, ...]
    until: datetime


VERDICT_WORDS = {verdict.value for verdict in Verdict}

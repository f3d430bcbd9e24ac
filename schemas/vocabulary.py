"""The field's words: the sets of the procedure (`docs/glossary.md` explains each)."""

from schemas.message import ClosedSet, OpenSet


class Severity(ClosedSet):
    """Business impact, most severe first. `rank` 1 is the most severe."""

    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"

    @property
    def rank(self) -> int:
        """1 for P1 … 4 for P4."""
        return int(self.value[1])

    def is_above(self, other: "Severity") -> bool:
        """Tell whether this one is more severe than the other."""
        return self.rank < other.rank


class IssueType(ClosedSet):
    """What an escalation is about; decides who owns it."""

    TECHNICAL = "technical"
    BILLING = "billing"
    SERVICE = "service"
    COMPLIANCE = "compliance"


class Reason(ClosedSet):
    """Why a ticket qualifies (procedure, section 1)."""

    AUTHORITY_EXCEEDED = "authority_exceeded"
    SLA_AT_RISK = "sla_at_risk"
    MANAGER_REQUESTED = "manager_requested"
    REPEAT_CONTACT = "repeat_contact"
    AGENT_ESCALATED = "agent_escalated"


class Channel(OpenSet):
    """How a customer writes to us or wants to be reached."""

    EMAIL = "email"
    PHONE = "phone"
    CHAT = "chat"
    WEB = "web"


class TicketStatus(OpenSet):
    """Status of the ticket in the helpdesk; closes nothing here."""

    OPEN = "open"
    PENDING = "pending"
    SOLVED = "solved"
    CLOSED = "closed"


class AuthorKind(ClosedSet):
    """Who wrote on a ticket; `escalon` marks our own writes coming back."""

    PERSON = "person"
    BOT = "bot"
    ESCALON = "escalon"
    CUSTOMER = "customer"


class FactKind(OpenSet):
    """What happened to a ticket."""

    OPENED = "opened"
    UPDATED = "updated"
    CUSTOMER_REPLIED = "customer_replied"
    AGENT_REPLIED = "agent_replied"
    STATUS_CHANGED = "status_changed"
    REOPENED = "reopened"
    MERGED = "merged"
    DELETED = "deleted"


class ReplyIntent(ClosedSet):
    """What a customer's reply means for a proposed resolution."""

    CONFIRMS = "confirms"
    REJECTS = "rejects"
    THANKS = "thanks"
    UNCLEAR = "unclear"


class EscalationState(OpenSet):
    """Where an escalation is in its life."""

    OPEN = "open"
    RESOLUTION_PROPOSED = "resolution_proposed"
    CONFIRMED = "confirmed"
    CLOSED = "closed"


class ClockName(OpenSet):
    """The promises that are held against a clock."""

    ACCEPTANCE = "acceptance"
    FIRST_RESPONSE = "first_response"
    UPDATE = "update"
    RESOLUTION = "resolution"
    CONFIRMATION = "confirmation"
    FRONT_LINE = "front_line"
    PROMISE = "promise"
    """A time that a person named to the customer."""
    NEXT_REPLY = "next_reply"
    """The oldest message of the customer that nobody has answered."""
    REVIEW = "review"
    PREVENTIVE_ACTION = "preventive_action"


class Verdict(ClosedSet):
    """How a cycle of a clock ended."""

    KEPT = "kept"
    BROKEN = "broken"


class ContactKind(OpenSet):
    """What a customer-visible message of a person was."""

    ACKNOWLEDGEMENT = "acknowledgement"
    UPDATE = "update"
    AGENT_REPLY = "agent_reply"
    CONFIRMATION_REQUEST = "confirmation_request"


class AssignmentCause(OpenSet):
    """Why somebody became owner."""

    OPENED = "opened"
    NOT_ACCEPTED = "not_accepted"
    REASSIGNED = "reassigned"
    TYPE_CHANGED = "type_changed"
    REOPENED = "reopened"


class RecordPart(OpenSet):
    """What must be on record before an escalation closes."""

    ROOT_CAUSE = "root_cause"
    EVIDENCE = "evidence"
    CATEGORY = "category"


class PreventionKind(OpenSet):
    """What a preventive action is (procedure, section 6)."""

    PRODUCT_BUG = "product_bug"
    """A permanent fix in the development backlog."""
    PROCESS_GAP = "process_gap"
    """A changed procedure or training."""
    RECURRING_ISSUE = "recurring_issue"
    """A systemic measure: automation, an alert, a change of the product."""


class NoticeKind(OpenSet):
    """What somebody is told."""

    NEW_OWNER = "new_owner"
    REMINDER = "reminder"
    WARNING = "warning"
    BREACH = "breach"
    CORRECTION = "correction"
    COMPLIANCE = "compliance"
    OPENED = "opened"
    ARCHIVED = "archived"
    ACKNOWLEDGEMENT = "acknowledgement"
    UPDATE = "update"
    CONFIRMATION_REQUEST = "confirmation_request"
    CALL_CUSTOMER = "call_customer"
    REPLY_UNCLEAR = "reply_unclear"
    RECLASSIFICATION_PROPOSED = "reclassification_proposed"
    DOCUMENTATION_MISSING = "documentation_missing"
    REFUSED = "refused"
    UNDELIVERED = "undelivered"
    CLOSED = "closed"
    TICKET_TAGGED = "ticket_tagged"


class Audience(OpenSet):
    """Whom a notice is for; a role, resolved to a person, a room or a system when it is planned."""

    OWNER = "owner"
    MANAGEMENT = "management"
    CUSTOMER = "customer"
    CHANNEL = "channel"
    SENDER = "sender"
    TICKET = "ticket"

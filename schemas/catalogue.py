"""Every topic and event there is, once: who writes it, what it carries, how it is keyed and kept."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from schemas import (
    classifications,
    commands,
    escalations,
    merging,
    notifications,
    prevention,
    reference_data,
    sla,
    tickets,
)
from schemas.message import Message

MAX_MESSAGE_BYTES = 1024 * 1024
"""What a service accepts; larger is dead-lettered."""
TOPIC_MAX_MESSAGE_BYTES = 4 * 1024 * 1024
"""What a topic takes, so that what is too large for us can arrive and be dead-lettered."""


class Key(StrEnum):
    """What a topic's records are keyed by."""

    TICKET = "ticket"
    """`<helpdesk>/<ticket_id>`: all such topics have equal partition counts and Kafka's own murmur2."""
    ACCOUNT = "account"
    VERSION = "version"
    CONSTANT = "constant"
    FINGERPRINT = "fingerprint"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic; `retention` None with `compacted` False keeps for ever."""

    name: str
    owner: str
    key: Key
    events: tuple[type[Message], ...]
    doc: str
    compacted: bool = False
    retention: timedelta | None = None
    readers: tuple[str, ...] = ()
    followers: tuple[str, ...] = ()
    """Who reads it from the beginning at each start: no place is kept for them, and they put nothing aside."""


SERVICES = ("classifier", "router", "sla_monitor", "notifier")
"""What an escalation needs."""
DEPLOYED = (*SERVICES, "auditor")
"""Everything that is deployed, with what only looks on."""

TICKETS = Topic(
    "tickets.v1",
    "helpdesk",
    Key.TICKET,
    (
        tickets.TicketOpened,
        tickets.TicketUpdated,
        tickets.CustomerReplied,
        tickets.AgentReplied,
        tickets.TicketStatusChanged,
        tickets.TicketReopened,
        tickets.TicketMerged,
        tickets.TicketDeleted,
    ),
    "What upstream systems tell us about tickets.",
    retention=timedelta(days=14),
    readers=("classifier",),
)
CLASSIFICATIONS = Topic(
    "classifications.v1",
    "classifier",
    Key.TICKET,
    (classifications.TicketClassified, classifications.ClassifierProgressed),
    "The verdict on each ticket event, and how far the classifier is.",
    retention=timedelta(days=90),
    readers=("router",),
)
COMMANDS = Topic(
    "commands.v1",
    "people",
    Key.TICKET,
    (
        commands.AcceptEscalation,
        commands.SendUpdate,
        commands.AddNote,
        commands.AttachEvidence,
        commands.RecordRootCause,
        commands.ProposeResolution,
        commands.ConfirmResolution,
        commands.RejectResolution,
        commands.ReassignEscalation,
        commands.ReclassifyEscalation,
        commands.CloseEscalation,
        commands.RecordReview,
        commands.PlanPreventiveAction,
        commands.CompletePreventiveAction,
        commands.AbsorbMerged,
        commands.AdoptPolicy,
    ),
    "What people ask of an escalation.",
    retention=timedelta(days=90),
    readers=("router",),
)
ESCALATIONS = Topic(
    "escalations.v1",
    "router",
    Key.TICKET,
    (
        escalations.TicketWatched,
        escalations.TicketUnwatched,
        escalations.CommandRejected,
        escalations.EscalationOpened,
        escalations.OwnerAssigned,
        escalations.EscalationAccepted,
        escalations.CustomerInformed,
        escalations.CustomerReplyReceived,
        escalations.NoteAdded,
        escalations.EvidenceAttached,
        escalations.RootCauseRecorded,
        escalations.ResolutionProposed,
        escalations.ConfirmationRepeated,
        escalations.CustomerCallDue,
        escalations.ResolutionConfirmed,
        escalations.DocumentationMissing,
        escalations.ResolutionRejected,
        escalations.EscalationClosed,
        escalations.EscalationReopened,
        escalations.EscalationReclassified,
        escalations.ReclassificationProposed,
        escalations.EscalationMerged,
        escalations.MergeAbsorbed,
        merging.MergePassedOn,
        escalations.EscalationEnded,
        prevention.ReviewHeld,
        prevention.PreventiveActionPlanned,
        prevention.PreventiveActionCompleted,
        escalations.OwnerReminded,
        escalations.SlaWarned,
        escalations.SlaBreached,
        escalations.SlaKept,
        escalations.SlaCorrected,
        escalations.OwnerNotified,
        escalations.CustomerAcknowledged,
        escalations.NoticeFailed,
        escalations.PolicyAdopted,
    ),
    "The life of every escalation.",
    readers=("sla_monitor", "notifier"),
    followers=("auditor",),
)
SLA = Topic(
    "sla.v1",
    "sla_monitor",
    Key.TICKET,
    (sla.ThresholdReached, sla.ClockKept, sla.VerdictCorrected, sla.FrontLineAtRisk, sla.PromiseScheduled),
    "What the sla_monitor found.",
    retention=timedelta(days=90),
    readers=("router",),
)
NOTIFICATIONS = Topic(
    "notifications.v1",
    "notifier",
    Key.TICKET,
    (notifications.NoticeDelivered, notifications.NoticeUndeliverable, notifications.NoticeSuperseded),
    "What was sent to whom, where and why.",
    retention=timedelta(days=400),
    readers=("router",),
)
ACCOUNTS = Topic(
    "accounts.v1",
    "CRM",
    Key.ACCOUNT,
    (reference_data.AccountRecorded,),
    "Accounts as the CRM knows them.",
    compacted=True,
    readers=("classifier",),
)
POLICIES = Topic(
    "policies.v1",
    "operators",
    Key.VERSION,
    (reference_data.PolicyPublished,),
    "Every version of the procedure.",
    compacted=True,
    readers=SERVICES,
    followers=("auditor",),
)
ROSTER = Topic(
    "roster.v1",
    "operators",
    Key.CONSTANT,
    (reference_data.RosterPublished,),
    "People, contacts, rotations, overrides, absences; the latest version.",
    compacted=True,
    readers=("router", "notifier"),
)
SCHEMAS = Topic(
    "schemas.v1",
    "every writer",
    Key.FINGERPRINT,
    (),
    "Avro schemas by CRC-64-AVRO fingerprint: key the eight bytes of it, little-endian; value the schema's JSON.",
    compacted=True,
    readers=SERVICES,
    followers=("auditor",),
)

TOPICS = (
    TICKETS,
    CLASSIFICATIONS,
    COMMANDS,
    ESCALATIONS,
    SLA,
    NOTIFICATIONS,
    ACCOUNTS,
    POLICIES,
    ROSTER,
    SCHEMAS,
)
EVENTS: dict[str, type[Message]] = {event.wire_name(): event for topic in TOPICS for event in topic.events}
"""Every event by its wire name."""


def topic_of(event: type[Message]) -> Topic:
    """Return the topic that carries this event; raises KeyError for one that no topic carries."""
    return _TOPIC_OF[event]


_TOPIC_OF = {event: topic for topic in TOPICS for event in topic.events}


def inputs_of(service: str) -> tuple[Topic, ...]:
    """Return what a service reads record by record."""
    return tuple(topic for topic in TOPICS if service in topic.readers and not topic.compacted)


def tables_of(service: str) -> tuple[Topic, ...]:
    """Return what a service reads as tables, to the end before it is ready."""
    return tuple(topic for topic in TOPICS if service in topic.readers and topic.compacted)


def followed_by(service: str) -> tuple[Topic, ...]:
    """Return what a service that only looks on reads, from the beginning at each start."""
    return tuple(topic for topic in TOPICS if service in topic.followers)


def dead_letter_topic(topic: str, service: str) -> str:
    """Return where `service` puts records of `topic` that will never be right."""
    return f"{topic}.{service}.dead-letter"

"""What an outsider sees of the messages that pass, in the words of stories."""

from dataclasses import dataclass, field
from datetime import datetime

from ops.scenario.matching import Observation
from schemas import escalations as ev
from schemas.classifications import TicketClassified
from schemas.message import Message
from schemas.notifications import NoticeDelivered
from schemas.vocabulary import EscalationState

_COMMAND_WORDS = {
    "AcceptEscalation": "accept",
    "SendUpdate": "update",
    "AddNote": "note",
    "AttachEvidence": "evidence",
    "RecordRootCause": "root_cause",
    "RecordReview": "review",
    "PlanPreventiveAction": "preventive_action",
    "CompletePreventiveAction": "action_done",
    "ProposeResolution": "resolve",
    "ConfirmResolution": "confirm",
    "RejectResolution": "reject",
    "ReassignEscalation": "reassign",
    "ReclassifyEscalation": "reclassify",
    "CloseEscalation": "close",
}


@dataclass(slots=True)
class Observer:
    """Watches the bus; `seen` is what happened so far."""

    seen: list[Observation] = field(default_factory=list)
    _qualified: dict[str, bool] = field(default_factory=dict)
    _owners: dict[str, str] = field(default_factory=dict)
    _states: dict[str, EscalationState] = field(default_factory=dict)

    def watch(self, message: Message, now: datetime) -> None:
        """Note what the message means to an outsider, if anything; `now` is when it is said."""
        ticket = message.meta.correlation_id
        if isinstance(message, TicketClassified):
            self._judged(message, now)
        elif isinstance(message, NoticeDelivered):
            names = frozenset({message.recipient, message.audience.value})
            self.seen.append(Observation(now, ticket, "told", names, what=message.kind.value))
        elif isinstance(message, ev.CommandRejected):
            names = frozenset({_COMMAND_WORDS.get(message.command, message.command)})
            self.seen.append(Observation(now, ticket, "refused", names, to=message.sender.id))
        elif isinstance(message, ev.EscalationEvent):
            self._escalation(message, ticket, now)

    def _judged(self, message: TicketClassified, now: datetime) -> None:
        ticket, qualifies = message.ticket.key, message.judgement.qualifies
        if not qualifies and self._qualified.get(ticket, True):
            self.seen.append(Observation(now, ticket, "not_escalated"))
        self._qualified[ticket] = qualifies

    def _escalation(self, message: ev.EscalationEvent, ticket: str, now: datetime) -> None:
        context = message.escalation
        if isinstance(message, ev.EscalationOpened):
            self.seen.append(
                Observation(
                    now, ticket, "escalated", severity=context.severity, type=context.type, reasons=message.reasons
                )
            )
        if isinstance(message, ev.SlaRecord):
            self._clock(message, ticket, now)
        if isinstance(message, ev.OwnerAssigned) and self._owners.get(ticket) != message.owner:
            self._owners[ticket] = message.owner
            self.seen.append(Observation(now, ticket, "owner", frozenset({message.owner})))
        if self._states.get(ticket) != context.state:
            self._states[ticket] = context.state
            self.seen.append(Observation(now, ticket, "state", frozenset({context.state.value})))

    def _clock(self, message: ev.SlaRecord, ticket: str, now: datetime) -> None:
        names = frozenset({message.clock.value})
        match message:
            case ev.SlaWarned():
                seen = Observation(now, ticket, "warned", names, percent=message.percent)
            case ev.SlaBreached():
                seen = Observation(now, ticket, "breached", names, due=message.due_at)
            case ev.SlaKept():
                seen = Observation(now, ticket, "kept", names)
            case ev.SlaCorrected():
                seen = Observation(now, ticket, "corrected", names, to=message.verdict.value)
            case _:
                return
        self.seen.append(seen)

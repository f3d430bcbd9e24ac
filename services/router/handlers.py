"""What the router does with each message: load, decide, append. `HANDLERS` is the service's index."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from chassis.errors import RejectedMessageError
from policy.rota import chain
from schemas.catalogue import COMMANDS, NOTIFICATIONS
from schemas.classifications import TicketClassified, TicketSummary
from schemas.commands import AbsorbMerged, AdoptPolicy, Command
from schemas.escalations import EscalationEvent, StreamEvent
from schemas.ids import PolicyVersion, TicketKey
from schemas.message import Message
from schemas.notifications import NoticeOutcome
from schemas.sla import ClockKept, FrontLineAtRisk, SlaFinding, ThresholdReached, VerdictCorrected
from services.router.domain.commands import decide_on_command, decide_on_command_elsewhere
from services.router.domain.evidence import Evidence
from services.router.domain.facts import decide_on_fact
from services.router.domain.findings import (
    HOLD_LIMIT,
    Ruling,
    arbitrate,
    decide_on_correction,
    decide_on_front_line,
    decide_on_kept,
    decide_on_threshold,
)
from services.router.domain.merging import open_survivor
from services.router.domain.notices import decide_on_outcome
from services.router.domain.sealing import Seal, seal
from services.router.domain.situation import Situation
from services.router.domain.state import TicketState
from services.router.ports import EscalationBatch, FindingHeldError, Policies, Rosters


class Router:
    """Decides on facts, commands, findings and outcomes. A repeat of what was applied is dropped before deciding.

    Every method may raise RetryableError (a policy version or the roster is not here yet): nothing was appended then,
    and calling it again is safe.
    """

    def __init__(self, policies: Policies, rosters: Rosters, hold_limit: timedelta = HOLD_LIMIT) -> None:
        self._policies = policies
        self._rosters = rosters
        self._hold_limit = hold_limit

    def on_ticket_classified(self, event: TicketClassified, batch: EscalationBatch, now: datetime) -> None:
        """Apply what happened to a ticket, and the verdict on it."""
        if event.meta.policy_version is None:
            raise RejectedMessageError("TicketClassified names no policy version")
        state = batch.load(TicketKey(event.ticket.key))
        if event.meta.id in state.applied:
            return
        pinned = None if state.escalation is None else state.escalation.policy_version
        version = PolicyVersion(pinned or event.meta.policy_version)
        situation = self._situation(version, now)
        drafts = decide_on_fact(state, event, situation)
        _conclude(batch, state, drafts, _seal(event, version, situation, event.ticket))

    def on_command(self, command: Command, batch: EscalationBatch, now: datetime) -> None:
        """Apply what somebody asks, or refuse it with a reason."""
        state = batch.load(TicketKey(command.ticket))
        escalation = state.escalation
        if command.meta.id in state.applied:
            return
        if escalation is None:
            drafts = decide_on_command_elsewhere(command)
            _conclude(batch, state, drafts, Seal(cause=command, now=now, policy_version=None))
            return
        asks_for = command.version if isinstance(command, AdoptPolicy) else escalation.policy_version
        situation = self._situation(asks_for, now)
        drafts = decide_on_command(escalation, command, situation)
        _conclude(batch, state, drafts, _seal(command, escalation.policy_version, situation))

    def on_absorb_merged(self, command: AbsorbMerged, batch: EscalationBatch, now: datetime) -> None:
        """Take in the escalation of a ticket that was merged into this one, so that its promises live on here."""
        state = batch.load(TicketKey(command.ticket))
        if state.escalation is not None or command.escalation is None or command.solved:
            self.on_command(command, batch, now)
        elif command.meta.id not in state.applied:
            situation = self._situation(command.meta.policy_version, now)
            drafts = open_survivor(state, command, command.escalation, situation)
            _conclude(batch, state, drafts, _seal(command, command.meta.policy_version, situation))

    def on_finding(self, finding: SlaFinding, batch: EscalationBatch, now: datetime, evidence: Evidence) -> None:
        """Record what the sla_monitor found, once, and act on it; raises FindingHeldError where it must wait.

        `PromiseScheduled` is for boards and nothing here. A finding comes again with the same id, so what makes a
        repeat harmless is the record of the threshold, not of the message.
        """
        state = batch.load(TicketKey(finding.ticket))
        if isinstance(finding, FrontLineAtRisk | ThresholdReached):
            ruling = arbitrate(state, finding, evidence, now, self._hold_limit)
            if ruling is Ruling.HELD:
                raise FindingHeldError(f"{type(finding).__name__} waits for what could refute it")
            if ruling is not Ruling.DROPPED:
                self._act_on(state, finding, batch, now, verified=ruling is Ruling.TAKEN)
            return
        escalation = state.escalation
        if escalation is None:
            return
        drafts: list[EscalationEvent] = []
        if isinstance(finding, ClockKept):
            drafts = decide_on_kept(escalation, finding)
        elif isinstance(finding, VerdictCorrected):
            drafts = decide_on_correction(escalation, finding)
        self._append_here(batch, state, drafts, finding, now)

    def on_notice_outcome(self, outcome: NoticeOutcome, batch: EscalationBatch, now: datetime) -> None:
        """Record what the notifier achieved, where something rests on it."""
        state = batch.load(TicketKey(outcome.ticket))
        if outcome.meta.id in state.applied:
            return
        if state.escalation is None:
            batch.note_applied(state.ticket, outcome.meta.id)
            return
        self._append_here(batch, state, decide_on_outcome(state.escalation, outcome), outcome, now)

    def _act_on(
        self,
        state: TicketState,
        finding: FrontLineAtRisk | ThresholdReached,
        batch: EscalationBatch,
        now: datetime,
        *,
        verified: bool,
    ) -> None:
        version = _pinned(state)
        situation = self._situation(version, now)
        drafts: Sequence[StreamEvent] = []
        if isinstance(finding, FrontLineAtRisk):
            drafts = decide_on_front_line(state, finding, situation)
        elif state.escalation is not None:
            drafts = decide_on_threshold(state.escalation, finding, situation, verified=verified)
        _append(batch, state, drafts, _seal(finding, version, situation))

    def _append_here(
        self, batch: EscalationBatch, state: TicketState, drafts: Sequence[StreamEvent], cause: Message, now: datetime
    ) -> None:
        """Append what follows without asking the policy; it still names who management is."""
        if drafts:
            version = _pinned(state)
            _append(batch, state, drafts, _seal(cause, version, self._situation(version, now)))

    def _situation(self, version: str | None, now: datetime) -> Situation:
        if version is None:
            raise RejectedMessageError("the stream names no policy version")
        policy = self._policies.get(PolicyVersion(version))
        roster = self._rosters.current()
        return Situation(policy=policy, now=now, chain_of=lambda type_: chain(policy.routing, roster, type_, now))


def _pinned(state: TicketState) -> str | None:
    if state.escalation is not None:
        return state.escalation.policy_version
    return None if state.watch is None else state.watch.policy_version


def _seal(cause: Message, version: str | None, situation: Situation, ticket: TicketSummary | None = None) -> Seal:
    return Seal(
        cause=cause,
        now=situation.now,
        policy_version=version,
        management_of=lambda type_: situation.chain_of(type_)[-1],
        ticket=ticket,
    )


def _conclude(batch: EscalationBatch, state: TicketState, drafts: Sequence[StreamEvent], by: Seal) -> None:
    """Append what a message leads to, or remember that it led to nothing."""
    if drafts:
        _append(batch, state, drafts, by)
    else:
        batch.note_applied(state.ticket, by.cause.meta.id)


def _append(batch: EscalationBatch, state: TicketState, drafts: Sequence[StreamEvent], by: Seal) -> None:
    if drafts:
        events, after = seal(state, drafts, by)
        batch.append(state.ticket, events, after)


HANDLERS: dict[type[Message], Callable[..., None]] = {
    TicketClassified: Router.on_ticket_classified,
    **dict.fromkeys(COMMANDS.events, Router.on_command),
    AbsorbMerged: Router.on_absorb_merged,
    ThresholdReached: Router.on_finding,
    FrontLineAtRisk: Router.on_finding,
    ClockKept: Router.on_finding,
    VerdictCorrected: Router.on_finding,
    **dict.fromkeys(NOTIFICATIONS.events, Router.on_notice_outcome),
}
"""Which handler takes which message; what is not listed (progress, promises for boards) concerns no ticket's life."""


def ticket_of(message: Message) -> TicketKey | None:
    """Return the ticket whose stream the message's handler loads; None for one that no handler takes."""
    if isinstance(message, TicketClassified):
        return TicketKey(message.ticket.key)
    if isinstance(message, Command | SlaFinding | NoticeOutcome) and type(message) in HANDLERS:
        return TicketKey(message.ticket)
    return None

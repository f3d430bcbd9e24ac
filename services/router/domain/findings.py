"""What the sla_monitor found: taken only when all that could refute it has been seen, recorded once, then acted on."""

from datetime import datetime, timedelta
from enum import Enum

from policy.model import Policy
from policy.thresholds import BREACH
from schemas import escalations as ev
from schemas import sla
from schemas.escalations import EscalationEvent, StreamEvent
from schemas.vocabulary import AssignmentCause, ClockName, Verdict
from services.router.domain.evidence import Evidence
from services.router.domain.evolve import call_mark
from services.router.domain.opening import open_at_risk
from services.router.domain.ownership import assignment, next_in_chain
from services.router.domain.prevention import about
from services.router.domain.situation import Situation
from services.router.domain.state import Cycle, Escalation, Mark, TicketState

HOLD_LIMIT = timedelta(seconds=120)
"""How long a finding waits for its evidence, in real time (architecture, "Races, decided")."""

_NOTHING = timedelta(0)


class Ruling(Enum):
    """What becomes of a finding."""

    TAKEN = "taken"
    UNVERIFIED = "unverified"
    HELD = "held"
    DROPPED = "dropped"


def arbitrate(
    state: TicketState,
    finding: sla.ThresholdReached | sla.FrontLineAtRisk,
    evidence: Evidence,
    now: datetime,
    limit: timedelta = HOLD_LIMIT,
) -> Ruling:
    """Rule on a finding: dropped where clocks moved since, held until nothing can refute it, unverified at the limit.

    What will not be due within the limit is dropped at once, for what stands behind it: the monitor's clock is ahead of
    ours, and it says again what came on no record. A repeat of an unverified one does not wait again: the monitor
    repeats it until it can be verified.
    """
    if finding.version < state.clock_version or _is_settled(state, finding):
        return Ruling.DROPPED
    early = finding.reached_at - now
    if early > _NOTHING:
        return Ruling.DROPPED if evidence.held_for + early > limit else Ruling.HELD
    until = evidence.classified_until
    if until is not None and until >= finding.reached_at and evidence.commands_read:
        return Ruling.TAKEN
    if _was_unverified(state, finding):
        return Ruling.DROPPED
    return Ruling.UNVERIFIED if evidence.held_for > limit else Ruling.HELD


def decide_on_threshold(
    escalation: Escalation, finding: sla.ThresholdReached, situation: Situation, *, verified: bool
) -> list[EscalationEvent]:
    """Return the record of a threshold and what it moves; unverified, it is only told to the owner."""
    if finding.clock is ClockName.CONFIRMATION:
        return _unanswered(escalation, finding, situation.policy, verified=verified)
    if finding.clock is ClockName.ACCEPTANCE:
        return _not_accepted(escalation, finding, situation, verified=verified)
    if finding.percent < BREACH or _is_broken(escalation, finding):
        return [_warned(escalation, finding)]
    return [_breached(escalation, finding, percent=finding.percent, verified=verified)]


def decide_on_front_line(state: TicketState, finding: sla.FrontLineAtRisk, situation: Situation) -> list[StreamEvent]:
    """Return the opening of a watched ticket. Unverified too: one too many is closed again, one too few is lost."""
    watch = state.watch
    return [] if watch is None else [*open_at_risk(watch, finding.reached_at, situation)]


def decide_on_kept(escalation: Escalation, finding: sla.ClockKept) -> list[EscalationEvent]:
    """Return the record that a cycle ended in time, unless it has its verdict."""
    cycle = Cycle(finding.clock, finding.cycle)
    if cycle in escalation.verdicts:
        return []
    owner = escalation.owner_at(cycle, finding.ended_at)
    return [
        ev.SlaKept(
            clock=finding.clock,
            cycle=finding.cycle,
            due_at=finding.due_at,
            owner_at=owner,
            ended_at=finding.ended_at,
            explanation=finding.explanation,
            restored_at=finding.restored_at,
        )
    ]


def decide_on_correction(escalation: Escalation, finding: sla.VerdictCorrected) -> list[EscalationEvent]:
    """Return the record of a corrected verdict; nothing where that is not what was said.

    A cycle may be corrected back and forth, and then a repeat of the first correction would fit what was said again:
    the monitor computes each from the record of the one before, so what is older than that is a repeat.
    """
    cycle = Cycle(finding.clock, finding.cycle)
    if finding.version < escalation.corrected.get(cycle, 0):
        return []
    if escalation.verdicts.get(cycle) is not finding.previous or finding.previous is finding.verdict:
        return []
    return [
        ev.SlaCorrected(
            clock=finding.clock,
            cycle=finding.cycle,
            due_at=finding.due_at,
            owner_at=escalation.owner_at(cycle, finding.due_at),
            previous=finding.previous,
            verdict=finding.verdict,
            withdrawn=finding.withdrawn,
            explanation=finding.explanation,
        )
    ]


def _is_settled(state: TicketState, finding: sla.ThresholdReached | sla.FrontLineAtRisk) -> bool:
    """Tell whether there is nothing left to record of it."""
    escalation = state.escalation
    if isinstance(finding, sla.FrontLineAtRisk):
        return escalation is not None or state.watch is None
    if escalation is None:
        return True
    cycle = Cycle(finding.clock, finding.cycle)
    if cycle in escalation.unverified:
        return False
    if finding.clock is ClockName.CONFIRMATION:
        return finding.cycle != escalation.proposals or not escalation.is_proposed
    if _mark(finding) in escalation.given:
        return True
    said = escalation.verdicts.get(cycle)
    return (said is Verdict.BROKEN and finding.percent == BREACH) or (
        said is Verdict.KEPT and finding.percent >= BREACH
    )


def _is_broken(escalation: Escalation, finding: sla.ThresholdReached) -> bool:
    """Tell whether the breach is on record and stands, so that what comes is how far over it the clock is."""
    cycle = Cycle(finding.clock, finding.cycle)
    return escalation.verdicts.get(cycle) is Verdict.BROKEN and cycle not in escalation.unverified


def _was_unverified(state: TicketState, finding: sla.ThresholdReached | sla.FrontLineAtRisk) -> bool:
    if state.escalation is None or isinstance(finding, sla.FrontLineAtRisk):
        return False
    return Cycle(finding.clock, finding.cycle) in state.escalation.unverified


def _not_accepted(
    escalation: Escalation, finding: sla.ThresholdReached, situation: Situation, *, verified: bool
) -> list[EscalationEvent]:
    """Remind; at 100 % the next in the chain becomes owner, or the last of it keeps it and is reminded."""
    reminder = ev.OwnerReminded(cycle=finding.cycle, percent=finding.percent)
    waits = finding.cycle == escalation.cycle and not escalation.is_accepted and not escalation.is_closed
    if finding.percent < 100:
        return [reminder] if waits else []
    cycle = Cycle(finding.clock, finding.cycle)
    said = cycle in escalation.verdicts and cycle not in escalation.unverified
    record: list[EscalationEvent] = [] if said else [_breached(escalation, finding, verified=verified)]
    if not verified or not waits:
        return record
    chain = situation.chain_of(escalation.context.type)
    successor = next_in_chain(escalation, chain)
    if successor is None:
        return [*record, reminder]
    return [*record, assignment(escalation, successor, AssignmentCause.NOT_ACCEPTED, chain)]


def _unanswered(
    escalation: Escalation, finding: sla.ThresholdReached, policy: Policy, *, verified: bool
) -> list[EscalationEvent]:
    """Ask the customer again, then tell the owner to call. What cannot be verified is not sent to a customer."""
    attempt = finding.percent // 100
    if attempt > policy.severities[escalation.context.severity].confirmation_repeats:
        return [] if call_mark(escalation) in escalation.given else [ev.CustomerCallDue()]
    if not verified or _mark(finding) in escalation.given or attempt < 1:
        return []
    return [ev.ConfirmationRepeated(attempt=attempt)]


def _warned(escalation: Escalation, finding: sla.ThresholdReached) -> ev.SlaWarned:
    cycle = Cycle(finding.clock, finding.cycle)
    return ev.SlaWarned(
        clock=finding.clock,
        cycle=finding.cycle,
        due_at=finding.due_at,
        owner_at=escalation.owner_at(cycle, finding.reached_at),
        percent=finding.percent,
        explanation=finding.explanation,
        about=_about(escalation, cycle),
    )


def _about(escalation: Escalation, cycle: Cycle) -> str | None:
    return about(escalation.actions, cycle.number) if cycle.clock is ClockName.PREVENTIVE_ACTION else None


def _breached(
    escalation: Escalation, finding: sla.ThresholdReached, *, verified: bool, percent: int = BREACH
) -> ev.SlaBreached:
    cycle = Cycle(finding.clock, finding.cycle)
    return ev.SlaBreached(
        clock=finding.clock,
        cycle=finding.cycle,
        due_at=finding.due_at,
        owner_at=escalation.owner_at(cycle, finding.due_at),
        percent=percent,
        unverified=not verified,
        explanation=finding.explanation,
        restored_at=finding.restored_at,
        about=_about(escalation, cycle),
    )


def _mark(finding: sla.ThresholdReached) -> Mark:
    return Mark(finding.clock, finding.cycle, finding.percent)

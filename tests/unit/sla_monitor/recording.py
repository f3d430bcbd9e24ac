"""A monitor driven by a turned clock, with a router that records every finding at once."""

from datetime import datetime

from policy.model import Policy
from schemas import escalations as told
from schemas.sla import ClockKept, PromiseScheduled, SlaFinding, ThresholdReached, VerdictCorrected
from schemas.vocabulary import ClockName, Severity
from services.sla_monitor.adapters.in_memory import InMemoryPromises
from tests.unit.sla_monitor.telling import FixedPolicies, Telling, instant


class RecordingRouter:
    """Feeds the monitor and keeps, as short lines, what it said; records it back unless told not to."""

    def __init__(self, severity: Severity = Severity.P1, *, records: bool = True, policy: Policy | None = None) -> None:
        self.telling = Telling(severity)
        self.policies = FixedPolicies(policy)
        self.promises = InMemoryPromises(self.policies)
        self.said: list[SlaFinding] = []
        self._records = records
        self._ids: set[str] = set()
        self._broken: set[tuple[ClockName, int]] = set()

    def take(self, event: told.StreamEvent, now: datetime | None = None) -> tuple[SlaFinding, ...]:
        """Hand over an event, at its own instant unless another is given."""
        now = event.meta.occurred_at if now is None else now
        findings = self.promises.take(event, now)
        self._note(findings, now)
        return findings

    def turn_to(self, now: datetime) -> None:
        """Fire whatever falls due until then, each at its instant."""
        while (due_at := self.promises.next_due_at()) is not None and due_at <= now:
            self.fire(max(due_at, self._latest))

    def fire(self, now: datetime) -> tuple[SlaFinding, ...]:
        """Fire once."""
        findings = self.promises.fire(now)
        self._note(findings, now)
        return findings

    def restart(self) -> None:
        """Go on with nothing but the rows."""
        self.promises = InMemoryPromises(self.policies, self.promises.rows)

    def lines(self) -> list[str]:
        """Return what was said but promises, e.g. `08:15:00 reached first_response/1 100`."""
        return [_line(finding) for finding in self.said if not isinstance(finding, PromiseScheduled)]

    @property
    def _latest(self) -> datetime:
        return max((finding.meta.occurred_at for finding in self.said), default=instant("00:00:00"))

    def _note(self, findings: tuple[SlaFinding, ...], now: datetime) -> None:
        self.said += findings
        for finding in findings:
            if self._records and finding.meta.id not in self._ids:
                self._ids.add(finding.meta.id)
                record = self.record_of(finding)
                if record is not None:
                    self.take(self.telling.tell(record, now))

    def record_of(self, finding: SlaFinding, *, unverified: bool = False) -> told.EscalationEvent | None:
        """Return what the router records of a finding, not yet sealed."""
        owner = self.telling.owner
        match finding:
            case ThresholdReached(clock=clock, cycle=cycle, percent=percent, due_at=due_at):
                if clock is ClockName.CONFIRMATION:
                    return told.ConfirmationRepeated(attempt=percent // 100)
                if clock is ClockName.ACCEPTANCE and percent != 100:
                    return told.OwnerReminded(cycle=cycle, percent=percent)
                if percent < 100 or (clock, cycle) in self._broken:
                    return told.SlaWarned(clock=clock, cycle=cycle, percent=percent, due_at=due_at, owner_at=owner)
                self._broken |= set() if unverified else {(clock, cycle)}
                return told.SlaBreached(
                    clock=clock, cycle=cycle, percent=percent, due_at=due_at, owner_at=owner, unverified=unverified
                )
            case ClockKept(clock=clock, cycle=cycle, due_at=due_at, ended_at=ended_at):
                return told.SlaKept(clock=clock, cycle=cycle, due_at=due_at, ended_at=ended_at, owner_at=owner)
            case VerdictCorrected(clock=clock, cycle=cycle, due_at=due_at, previous=previous, verdict=verdict):
                return told.SlaCorrected(
                    clock=clock, cycle=cycle, due_at=due_at, previous=previous, verdict=verdict, owner_at=owner
                )
            case _:
                return None


def _line(finding: SlaFinding) -> str:
    when = f"{finding.meta.occurred_at:%H:%M:%S}"
    match finding:
        case ThresholdReached():
            return f"{when} reached {finding.clock}/{finding.cycle} {finding.percent}"
        case ClockKept():
            return f"{when} kept {finding.clock}/{finding.cycle}"
        case VerdictCorrected():
            return f"{when} corrected {finding.clock}/{finding.cycle} {finding.verdict}"
        case _:
            return f"{when} {type(finding).__name__}"

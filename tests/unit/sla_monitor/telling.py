"""Tells the life of an escalation as `escalations.v1` would, and the default promises to hold it against."""

from datetime import UTC, datetime
from typing import TypeVar

from msgspec.structs import replace

from policy.calendars import Calendar, Weekday
from policy.communication import Communication
from policy.criteria import Criteria
from policy.model import Policy
from policy.routing import Routing
from policy.targets import Measure, SeverityPolicy, Target
from schemas import escalations as told
from schemas.classifications import Judgement
from schemas.context import EscalationContext
from schemas.ids import PersonKey, PolicyVersion, derived_id
from schemas.message import Actor, ActorKind, Meta
from schemas.vocabulary import AssignmentCause, ContactKind, EscalationState, IssueType, Severity

TICKET = "zendesk-eu/1"
VERSION = PolicyVersion("v1")
CUSTOMER = Actor(kind=ActorKind.CUSTOMER, id="c1")
PERSON = Actor(kind=ActorKind.PERSON, id="mia")

EventT = TypeVar("EventT", bound=told.EscalationEvent)


def instant(text: str) -> datetime:
    """Return the UTC instant; a bare time is of Tuesday, 2 June 2026."""
    day = "" if "T" in text else "2026-06-02T"
    return datetime.fromisoformat(f"{day}{text}+00:00").astimezone(UTC)


def _elapsed(seconds: int) -> Target:
    return Target(measure=Measure.ELAPSED, amount=seconds)


def _days(days: int) -> Target:
    return Target(measure=Measure.BUSINESS_DAYS, amount=days)


_HOUR = 3600
OFFICE = Calendar(
    time_zone="Europe/Berlin",
    weekly=dict.fromkeys((Weekday.MON, Weekday.TUE, Weekday.WED, Weekday.THU, Weekday.FRI), (("09:00", "17:00"),)),
    holidays=("2026-04-03", "2026-04-06"),
)


def default_policy(calendar: Calendar = OFFICE) -> Policy:
    """Return the procedure's default promises; nothing else of it matters to a clock."""
    round_the_clock = {
        Severity.P1: (_elapsed(900), _elapsed(1800), _elapsed(4 * _HOUR)),
        Severity.P2: (_elapsed(_HOUR), _elapsed(2 * _HOUR), _elapsed(8 * _HOUR)),
    }
    severities = {
        severity: SeverityPolicy(
            impact="", first_response=first, update=update, resolution=end, confirmation=_elapsed(24 * _HOUR)
        )
        for severity, (first, update, end) in round_the_clock.items()
    }
    worked = [Target(measure=Measure.WORKING_TIME, amount=hours * _HOUR) for hours in (4, 8)]
    severities[Severity.P3] = SeverityPolicy(
        impact="",
        calendar="office",
        first_response=worked[0],
        update=worked[1],
        resolution=_days(3),
        confirmation=_days(1),
    )
    severities[Severity.P4] = SeverityPolicy(
        impact="", calendar="office", first_response=_days(1), resolution=_days(5), confirmation=_days(1)
    )
    return Policy(
        label="default",
        criteria=Criteria(signals={}, reasons={}, severities=(), types=()),
        severities=severities,
        calendars={"office": calendar},
        routing=Routing(chains={}, fallback=PersonKey("mia")),
        communication=Communication(notices=(), templates={}),
    )


class FixedPolicies:
    """One policy, whatever the version, but for those that are added to `others`."""

    def __init__(self, policy: Policy | None = None) -> None:
        self._policy = default_policy() if policy is None else policy
        self.others: dict[PolicyVersion, Policy] = {}

    def get(self, version: PolicyVersion) -> Policy:
        return self.others.get(version, self._policy)


class Telling:
    """Events of one escalation, numbered as they are told."""

    def __init__(self, severity: Severity = Severity.P1, ticket: str = TICKET) -> None:
        self.version = 0
        self.severity = severity
        self.owner = "ana"
        self.state = EscalationState.OPEN
        self.started_at = instant("08:00:00")
        self.calendar: str | None = None
        self._ticket = ticket
        self._policy_version: PolicyVersion = VERSION
        self._assignments = 0
        self._proposals = 0

    def tell(self, event: EventT, at: datetime) -> EventT:
        """Seal the event with the next version and the escalation as it is."""
        self.version += 1
        meta = Meta(
            id=derived_id("told", self._ticket, str(self.version)),
            correlation_id=self._ticket,
            occurred_at=at,
            recorded_at=at,
            actor=PERSON,
            producer="router",
            policy_version=self._policy_version,
        )
        context = EscalationContext(
            escalation_id=derived_id("escalation", self._ticket),
            version=self.version,
            reference="ESC",
            ticket=self._ticket,
            severity=self.severity,
            type=IssueType.TECHNICAL,
            state=self.state,
            owner=self.owner,
            management="mia",
            started_at=self.started_at,
            calendar=self.calendar,
        )
        return replace(event, meta=meta, escalation=context)

    def opened(self, at: datetime) -> told.EscalationOpened:
        self.started_at = at
        judgement = Judgement(qualifies=True, severity=self.severity, type=IssueType.TECHNICAL)
        return self.tell(told.EscalationOpened(reasons=(), judgement=judgement), at)

    def assigned(self, at: datetime, owner: str = "ana", *, last: bool = False) -> told.OwnerAssigned:
        self.owner = owner
        self._assignments += 1
        event = told.OwnerAssigned(
            owner=owner, cause=AssignmentCause.OPENED, cycle=self._assignments, last_in_chain=last
        )
        return self.tell(event, at)

    def accepted(self, at: datetime) -> told.EscalationAccepted:
        return self.tell(told.EscalationAccepted(by=self.owner, cycle=self._assignments, explicit=True), at)

    def informed(
        self, at: datetime, kind: ContactKind = ContactKind.UPDATE, next_at: datetime | None = None
    ) -> told.CustomerInformed:
        return self.tell(told.CustomerInformed(kind=kind, by=self.owner, next_at=next_at), at)

    def proposed(self, at: datetime, by: str | None = None) -> told.ResolutionProposed:
        self._proposals += 1
        self.state = EscalationState.RESOLUTION_PROPOSED
        event = told.ResolutionProposed(by=by or self.owner, category="fixed", steps="done", proposal=self._proposals)
        return self.tell(event, at)

    def confirmed(self, at: datetime) -> told.ResolutionConfirmed:
        self.state = EscalationState.CONFIRMED
        return self.tell(told.ResolutionConfirmed(by=CUSTOMER), at)

    def rejected(self, at: datetime) -> told.ResolutionRejected:
        self.state = EscalationState.OPEN
        return self.tell(told.ResolutionRejected(by=CUSTOMER), at)

    def closed(self, at: datetime, *, confirmed: bool = True) -> told.EscalationClosed:
        self.state = EscalationState.CLOSED
        return self.tell(told.EscalationClosed(by=PERSON, confirmed=confirmed), at)

    def reopened(self, at: datetime, opening: int = 2) -> told.EscalationReopened:
        self.state = EscalationState.OPEN
        return self.tell(told.EscalationReopened(opening=opening), at)

    def reclassified(self, at: datetime, severity: Severity) -> told.EscalationReclassified:
        previous, self.severity = self.severity, severity
        event = told.EscalationReclassified(previous_severity=previous, previous_type=IssueType.TECHNICAL, by=PERSON)
        return self.tell(event, at)

    def adopted(self, at: datetime, version: PolicyVersion, calendar: str | None = None) -> told.PolicyAdopted:
        previous, self._policy_version, self.calendar = self._policy_version, version, calendar
        return self.tell(told.PolicyAdopted(previous=previous, version=version), at)

"""Escalation events, a policy and a roster for the notifier's tests, with everything in them that notices rest on."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec
import yaml

from policy.communication import Communication
from policy.criteria import Criteria
from policy.model import Policy, VersionedPolicy
from policy.roster import Person, Roster
from policy.routing import Routing
from policy.targets import Measure, SeverityPolicy, Target
from schemas.classifications import AccountSnapshot, Judgement
from schemas.context import EscalationContext
from schemas.escalations import EscalationEvent, EscalationOpened, StreamEvent
from schemas.ids import PersonKey, PolicyVersion, derived_id
from schemas.message import Actor, ActorKind, Meta
from schemas.tickets import Customer
from schemas.vocabulary import Channel, EscalationState, IssueType, Reason, Severity
from services.notifier.domain.notice import Notice

EventT = TypeVar("EventT", bound=StreamEvent)

AT = datetime(2026, 6, 2, 8, 0, tzinfo=UTC)
VERSION = PolicyVersion("default-1")
TICKET = "zendesk-eu/1"
_WORDS = Path(__file__).parents[2] / "policy" / "default"


def communication() -> Communication:
    """Return the words of the default policy."""
    rules = yaml.safe_load((_WORDS / "audiences.yaml").read_text("utf-8"))
    words = yaml.safe_load((_WORDS / "templates.yaml").read_text("utf-8"))
    return msgspec.convert({**rules, **words}, Communication)


def a_policy(words: Communication | None = None) -> Policy:
    """Return a policy with the procedure's targets on the 24x7 clock."""
    return Policy(
        label="default",
        criteria=Criteria(signals={}, reasons={}, severities=(), types=()),
        severities={
            Severity.P1: _severity(900, 1800, 14_400, incident_channel=True),
            Severity.P2: _severity(3600, 7200, 28_800, incident_channel=True),
            Severity.P3: _severity(14_400, 28_800, 259_200),
            Severity.P4: _severity(86_400, None, 432_000),
        },
        calendars={},
        routing=Routing(chains={}, fallback=PersonKey("mia")),
        communication=words or communication(),
    )


def _severity(
    first_response: int, update: int | None, resolution: int, *, incident_channel: bool = False
) -> SeverityPolicy:
    return SeverityPolicy(
        impact="as the procedure says",
        first_response=_seconds(first_response),
        update=None if update is None else _seconds(update),
        resolution=_seconds(resolution),
        confirmation=_seconds(86_400),
        incident_channel=incident_channel,
    )


def _seconds(amount: int) -> Target:
    return Target(measure=Measure.ELAPSED, amount=amount)


def a_roster() -> Roster:
    """Return four people; `ben` has no Slack, `dov` nothing at all."""
    return Roster(
        people={
            PersonKey("ana"): Person(
                name="Ana Ruiz",
                role="Senior Support Engineer",
                email="ana@support.example",
                slack="U0ANA",
                time_zone="Europe/Madrid",
            ),
            PersonKey("ben"): Person(name="Ben Okoro", role="Support Engineer", email="ben@support.example"),
            PersonKey("mia"): Person(
                name="Mia Lind", role="Head of Support", email="mia@support.example", slack="U0MIA"
            ),
            PersonKey("dov"): Person(name="Dov Katz", role="Support Lead"),
        }
    )


def a_customer(*, preferred: Channel | None = None, phone: str | None = None, language: str = "en") -> Customer:
    """Return a customer in Berlin who is reached by e-mail unless told otherwise."""
    return Customer(
        name="Carla Weber",
        email="carla@customer.example",
        phone=phone,
        preferred_channel=preferred,
        language=language,
        time_zone="Europe/Berlin",
    )


def a_context(
    *,
    severity: Severity = Severity.P1,
    kind: IssueType = IssueType.TECHNICAL,
    owner: str = "ana",
    state: EscalationState = EscalationState.OPEN,
    customer: Customer | None = None,
    ticket: str = TICKET,
) -> EscalationContext:
    """Return an escalation that began at `AT`."""
    return EscalationContext(
        escalation_id=derived_id("escalation", ticket),
        version=1,
        reference="ESC-4M7KQ-2XW9T",
        ticket=ticket,
        ticket_url="https://helpdesk.example/tickets/1",
        subject="All pages down",
        excerpt="Every page answers 503.",
        severity=severity,
        type=kind,
        state=state,
        owner=owner,
        management="mia",
        started_at=AT,
        customer=customer or a_customer(),
        account=AccountSnapshot(account_id="acme", name="Acme", tier="enterprise", success_owner="ben"),
    )


def sealed(event: EventT, *, name: str = "1", at: datetime = AT, context: EscalationContext | None = None) -> EventT:
    """Return the event with an identity and, where it is of an escalation, its context."""
    if isinstance(event, EscalationEvent):
        event = msgspec.structs.replace(event, escalation=context or a_context())
    meta = Meta(
        id=derived_id("test", type(event).__name__, name),
        correlation_id=TICKET,
        occurred_at=at,
        recorded_at=at,
        actor=Actor(kind=ActorKind.ESCALON, id="router"),
        producer="router",
        policy_version=VERSION,
    )
    return msgspec.structs.replace(event, meta=meta)


def an_opening(*, name: str = "1", context: EscalationContext | None = None) -> EscalationOpened:
    """Return the event that begins an escalation."""
    now = context or a_context()
    judgement = Judgement(qualifies=True, severity=now.severity, type=now.type)
    opened = EscalationOpened(reasons=(Reason.AGENT_ESCALATED,), judgement=judgement)
    return sealed(opened, name=name, context=now)


class PinnedPolicies:
    """Knows one version of the procedure."""

    def __init__(self, policy: Policy | None = None) -> None:
        self._policy = VersionedPolicy(version=VERSION, policy=policy or a_policy())

    def get(self, version: PolicyVersion) -> Policy:
        """Return the policy if it is this version; raises KeyError."""
        return {self._policy.version: self._policy.policy}[version]

    def latest(self) -> VersionedPolicy:
        """Return the one there is."""
        return self._policy


class FixedRosters:
    """Knows one roster."""

    def __init__(self, roster: Roster | None = None) -> None:
        self._roster = roster or a_roster()

    def current(self) -> Roster:
        """Return it."""
        return self._roster


def told(notices: Sequence[Notice]) -> list[tuple[str, str, str]]:
    """Return kind, audience and recipient of each notice, as the tables of the tests have them."""
    return [(notice.kind.value, notice.audience.value, notice.recipient) for notice in notices]

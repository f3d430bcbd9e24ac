"""Questions to the customer, what the customer writes, and promises that go by both."""

from datetime import datetime

from msgspec.structs import replace

from policy.model import Policy
from policy.pauses import PauseCause, Pauses
from policy.targets import Measure, Target
from schemas import escalations as told
from schemas.vocabulary import ContactKind, NoticeKind, ReplyIntent, Severity
from services.sla_monitor.adapters.in_memory import InMemoryPromises
from tests.unit.sla_monitor.recording import RecordingRouter
from tests.unit.sla_monitor.telling import CUSTOMER, FixedPolicies, Telling, default_policy

BOTH = Pauses(
    resolution=(PauseCause.PROPOSED_RESOLUTION, PauseCause.QUESTION),
    update=(PauseCause.QUESTION,),
)


def minutes(amount: int) -> Target:
    """Return a target in elapsed minutes."""
    return Target(measure=Measure.ELAPSED, amount=60 * amount)


def policy_with(next_reply: Target | None = None, pauses: dict[Severity, Pauses] | None = None) -> Policy:
    """Return the default promises with an answer promised everywhere, and what the severities' clocks stand for."""
    policy = default_policy()
    severities = {
        severity: replace(promises, next_reply=next_reply, pauses=(pauses or {}).get(severity, promises.pauses))
        for severity, promises in policy.severities.items()
    }
    return replace(policy, severities=severities)


def router_with(policy: Policy, severity: Severity = Severity.P4) -> RecordingRouter:
    """Return a router whose monitor goes by that policy."""
    router = RecordingRouter(severity)
    router.policies = FixedPolicies(policy)
    router.promises = InMemoryPromises(router.policies)
    return router


def replied(telling: Telling, at: datetime, *, awaits: bool = True) -> told.CustomerReplyReceived:
    """Tell that the customer wrote, under a policy that times it."""
    intent = ReplyIntent.UNCLEAR if awaits else ReplyIntent.THANKS
    return telling.tell(told.CustomerReplyReceived(intent=intent, awaits_reply=awaits), at)


def asked(telling: Telling, at: datetime, by: str = "ana") -> told.CustomerInformed:
    """Tell that a person asked the customer something."""
    return telling.tell(told.CustomerInformed(kind=ContactKind.UPDATE, by=by, question=True), at)


def lost(telling: Telling, contact: told.CustomerInformed, at: datetime) -> told.NoticeFailed:
    """Tell that a message never arrived."""
    failed = told.NoticeFailed(
        notice_id="n1", kind=NoticeKind.UPDATE, recipient="customer", contact_id=contact.meta.id, reason="bounced"
    )
    return telling.tell(failed, at)


def reopened_by_customer(telling: Telling, at: datetime) -> told.EscalationReopened:
    """Tell that the customer brought the ticket back."""
    event = telling.reopened(at)
    return replace(event, meta=replace(event.meta, actor=CUSTOMER))

"""Whom a share of a promise that is used up is told to, where the policy's thresholds say so.

The severity that counts is the one the escalation has when it is recorded.
"""

from policy.model import Policy
from policy.thresholds import BREACH, audiences_at
from schemas.escalations import SlaBreached, SlaRecord
from schemas.vocabulary import Audience, NoticeKind


def told_at(event: SlaRecord, percent: int, policy: Policy) -> tuple[Audience, ...] | None:
    """Return who is told of that share; None for whom `audiences.yaml` tells of the event's kind of notice.

    An overrun that names nobody is told to whom a breach is.
    """
    thresholds = policy.severities[event.escalation.severity].thresholds.get(event.clock, ())
    named = audiences_at(thresholds, percent)
    rule = policy.communication.rule_of(NoticeKind.BREACH)
    return rule.audiences if named is None and rule is not None and percent >= BREACH else named


def told_of_breach(event: SlaBreached, policy: Policy) -> tuple[Audience, ...]:
    """Return who is told that a promise is broken: where that is first said as an overrun, both get to know it."""
    both = (told_at(event, percent, policy) or () for percent in (BREACH, event.percent))
    return tuple(dict.fromkeys(audience for audiences in both for audience in audiences))

"""What the notifier achieved: what people rely on is recorded, and what failed for good."""

from schemas.escalations import (
    CustomerAcknowledged,
    CustomerInformed,
    EscalationEvent,
    NoticeFailed,
    OwnerNotified,
    ResolutionProposed,
)
from schemas.notifications import NoticeDelivered, NoticeOutcome, NoticeUndeliverable
from schemas.vocabulary import Audience, NoticeKind
from services.router.domain.state import Escalation

_ASKS_THE_OWNER = frozenset(
    {NoticeKind.NEW_OWNER, NoticeKind.REMINDER, NoticeKind.CALL_CUSTOMER, NoticeKind.REPLY_UNCLEAR}
)
"""Deliveries to the owner that something rests on; warnings and the like are on `notifications.v1` only."""


def decide_on_outcome(escalation: Escalation, outcome: NoticeOutcome) -> list[EscalationEvent]:
    """Return the record of a delivery that matters or of a failure; the failure of telling of a failure is none."""
    if isinstance(outcome, NoticeDelivered):
        return _delivered(outcome)
    if isinstance(outcome, NoticeUndeliverable) and outcome.kind is not NoticeKind.UNDELIVERED:
        return [
            NoticeFailed(
                notice_id=outcome.notice_id,
                kind=outcome.kind,
                recipient=_recipient(outcome),
                contact_id=_contact_id(escalation, outcome),
                reason=outcome.reason,
            )
        ]
    return []


def _delivered(outcome: NoticeDelivered) -> list[EscalationEvent]:
    if outcome.audience is Audience.OWNER and outcome.kind in _ASKS_THE_OWNER:
        return [OwnerNotified(notice_id=outcome.notice_id, kind=outcome.kind, person=outcome.recipient)]
    if outcome.audience is Audience.CUSTOMER and outcome.kind is NoticeKind.ACKNOWLEDGEMENT:
        return [CustomerAcknowledged(notice_id=outcome.notice_id)]
    return []


def _recipient(outcome: NoticeOutcome) -> str:
    """Return a person's roster key, or the audience where it is no person: never an address."""
    people = (Audience.OWNER, Audience.MANAGEMENT, Audience.SENDER)
    return outcome.recipient if outcome.audience in people else outcome.audience.value


def _contact_id(escalation: Escalation, outcome: NoticeOutcome) -> str | None:
    """Return the id of the message to the customer that the notice was, if it was one."""
    if outcome.audience is not Audience.CUSTOMER:
        return None
    cause = outcome.cause.rpartition(".")[2]
    if cause == CustomerInformed.__name__:
        return outcome.cause_id
    return escalation.confirmation_request_id if cause == ResolutionProposed.__name__ else None

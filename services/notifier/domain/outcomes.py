"""What became of a notice, as the event that says so; ids are derived, so a repeat says the same."""

from datetime import datetime

import msgspec

from schemas.ids import derived_id
from schemas.message import Actor, ActorKind, Meta
from schemas.notifications import NoticeDelivered, NoticeOutcome, NoticeSuperseded, NoticeUndeliverable
from services.notifier.domain.notice import Cause, FailureReason, Notice

PRODUCER = "notifier"


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What a receiver said when it took a notice."""

    via: str
    external_id: str | None = None


def delivered(
    notice: Notice, receipt: Receipt, attempts: int, now: datetime, *, possible_repeat: bool
) -> NoticeOutcome:
    """Return that a receiver took the notice."""
    return NoticeDelivered(
        meta=_meta(notice, NoticeDelivered, now, notice.cause.id),
        notice_id=notice.id,
        ticket=notice.about.ticket,
        reference=notice.about.reference,
        kind=notice.kind,
        audience=notice.audience,
        recipient=notice.recipient,
        cause_id=notice.cause.id,
        cause=notice.cause.name,
        via=receipt.via,
        delivered_at=now,
        external_id=receipt.external_id,
        attempts=attempts,
        possible_repeat=possible_repeat,
    )


def undeliverable(notice: Notice, via: str, reason: FailureReason, attempts: int, now: datetime) -> NoticeOutcome:
    """Return that the notice was given up."""
    return NoticeUndeliverable(
        meta=_meta(notice, NoticeUndeliverable, now, notice.cause.id),
        notice_id=notice.id,
        ticket=notice.about.ticket,
        reference=notice.about.reference,
        kind=notice.kind,
        audience=notice.audience,
        recipient=notice.recipient,
        cause_id=notice.cause.id,
        cause=notice.cause.name,
        via=via,
        reason=reason.value,
        attempts=attempts,
    )


def superseded(notice: Notice, by: Cause, now: datetime) -> NoticeOutcome:
    """Return that the notice was overtaken before it was sent."""
    return NoticeSuperseded(
        meta=_meta(notice, NoticeSuperseded, now, by.id),
        notice_id=notice.id,
        ticket=notice.about.ticket,
        reference=notice.about.reference,
        kind=notice.kind,
        audience=notice.audience,
        recipient=notice.recipient,
        cause_id=notice.cause.id,
        cause=notice.cause.name,
        via="none",
        by=by.name,
    )


def _meta(notice: Notice, event: type[NoticeOutcome], now: datetime, causation_id: str) -> Meta:
    return Meta(
        id=derived_id(notice.id, event.wire_name()),
        correlation_id=notice.about.ticket,
        causation_id=causation_id,
        occurred_at=now,
        recorded_at=now,
        actor=Actor(kind=ActorKind.ESCALON, id=PRODUCER),
        producer=PRODUCER,
        policy_version=notice.cause.policy_version,
        traceparent=notice.cause.traceparent,
    )

"""From an event to the notices it calls for: who is told what, where, in which words. Pure, and the same each time."""

from datetime import datetime

import msgspec

from policy.communication_render import Words, render
from policy.model import Policy
from policy.roster import Roster
from policy.rota import chain
from schemas import escalations as events
from schemas.context import EscalationContext
from schemas.escalations import CommandRejected, EscalationEvent, StreamEvent
from schemas.ids import NoticeId, derived_id
from schemas.vocabulary import Audience, NoticeKind
from services.notifier.domain.notice import Cause, Notice, Plan, Subject, Supersession
from services.notifier.domain.occasions import Occasion, occasions_of
from services.notifier.domain.reader import Reader
from services.notifier.domain.recipients import Recipient, recipient_of, slack_ids
from services.notifier.domain.wording import view_of

_ASKS_THE_OWNER = (NoticeKind.NEW_OWNER, NoticeKind.REMINDER, NoticeKind.WARNING)


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """What planning rests on: the procedure the escalation is pinned to, the latest roster, the present."""

    policy: Policy
    roster: Roster
    now: datetime


def plan_notices(event: StreamEvent, setting: Setting) -> Plan:
    """Return what an event calls for; the same event and setting give the same ids and words.

    Somebody who would be told the same thing in two roles is told once, in the role listed last (management).
    """
    notices: dict[NoticeId, Notice] = {}
    for occasion in occasions_of(event, setting.policy):
        for recipient in _recipients(occasion, event, setting):
            notice = _notice(occasion.kind, recipient, event, setting)
            notices[notice.id] = notice
    return Plan(notices=tuple(notices.values()), supersessions=_supersessions(event, setting.now))


def _recipients(occasion: Occasion, event: StreamEvent, setting: Setting) -> list[Recipient]:
    rule = setting.policy.communication.rule_of(occasion.kind)
    audiences = () if rule is None else rule.audiences
    if occasion.audiences is not None and audiences:
        audiences = occasion.audiences
    found = (recipient_of(audience, event, setting.roster) for audience in audiences)
    return [recipient for recipient in found if recipient is not None]


def _notice(kind: NoticeKind, recipient: Recipient, event: StreamEvent, setting: Setting) -> Notice:
    words = _words(kind, recipient, event, setting)
    if recipient.to_be_called and isinstance(event, EscalationEvent):
        return _call_task(words, event, setting)
    return _planned(kind, recipient, words, event, setting)


def _words(kind: NoticeKind, recipient: Recipient, event: StreamEvent, setting: Setting) -> Words:
    view = view_of(kind, event, setting.policy, Reader(recipient=recipient, roster=setting.roster))
    template = setting.policy.communication.template_of(kind, recipient.audience, recipient.language)
    return render(template, view)


def _call_task(words: Words, event: EscalationEvent, setting: Setting) -> Notice:
    """Have the owner say it: the customer's words become talking points, the reader is the owner."""
    owner = recipient_of(Audience.OWNER, event, setting.roster)
    assert owner is not None  # noqa: S101 - every escalation has an owner
    view = view_of(NoticeKind.CALL_CUSTOMER, event, setting.policy, Reader(recipient=owner, roster=setting.roster))
    template = setting.policy.communication.template_of(NoticeKind.CALL_CUSTOMER, Audience.OWNER, owner.language)
    told = render(template, msgspec.structs.replace(view, talking_points=words.body))
    return _planned(NoticeKind.CALL_CUSTOMER, owner, told, event, setting)


def _planned(kind: NoticeKind, recipient: Recipient, words: Words, event: StreamEvent, setting: Setting) -> Notice:
    rule = setting.policy.communication.rule_of(kind)
    return Notice(
        id=NoticeId(derived_id("notice", event.meta.id, kind.value, recipient.key)),
        kind=kind,
        audience=recipient.audience,
        recipient=recipient.key,
        addresses=recipient.addresses,
        words=words,
        about=_subject(event, setting),
        cause=_cause(event),
        planned_at=setting.now,
        everywhere=rule is not None and rule.urgent,
        requires=NoticeKind.OPENED if kind is NoticeKind.ARCHIVED else None,
    )


def _subject(event: StreamEvent, setting: Setting) -> Subject:
    if isinstance(event, CommandRejected):
        return Subject(ticket=event.watch.ticket, reference=event.watch.reference)
    if not isinstance(event, EscalationEvent):
        return Subject(ticket=event.meta.correlation_id)
    now = event.escalation
    return Subject(
        ticket=now.ticket,
        reference=now.reference,
        ticket_url=now.ticket_url,
        severity=now.severity,
        type=now.type,
        started_at=now.started_at,
        members=slack_ids(_members(now, setting), setting.roster),
    )


def _members(now: EscalationContext, setting: Setting) -> tuple[str | None, ...]:
    """Return who belongs in the incident channel: the owner, the account's person, the type's chain of the moment."""
    account_person = None if now.account is None else now.account.success_owner
    stakeholders = chain(setting.policy.routing, setting.roster, now.type, setting.now)
    return (now.owner, account_person, *stakeholders, now.management)


def _cause(event: StreamEvent) -> Cause:
    return Cause(
        id=event.meta.id,
        name=type(event).__name__,
        policy_version=event.meta.policy_version,
        traceparent=event.meta.traceparent,
    )


def _supersessions(event: StreamEvent, now: datetime) -> tuple[Supersession, ...]:
    """Take back what was not sent yet: it asks somebody who no longer owns it, or for something that is over."""
    match event:
        case events.OwnerAssigned(previous=str(previous)) if previous != event.owner:
            recipient = previous
        case events.EscalationClosed() | events.EscalationMerged() | events.EscalationEnded():
            recipient = event.escalation.owner
        case _:
            return ()
    return (
        Supersession(
            ticket=event.escalation.ticket, recipient=recipient, kinds=_ASKS_THE_OWNER, cause=_cause(event), at=now
        ),
    )

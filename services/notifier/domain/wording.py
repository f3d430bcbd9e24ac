"""What a template is given to speak of: the escalation after the event and the event itself, for one reader."""

from datetime import datetime

from policy.communication_view import AccountView, ActView, CustomerView, NoticeView
from policy.model import Policy
from policy.working_time import due_at
from schemas import escalations as events
from schemas.classifications import AccountSnapshot
from schemas.context import EscalationContext
from schemas.escalations import CommandRejected, EscalationEvent, StreamEvent
from schemas.vocabulary import NoticeKind
from services.notifier.domain.acts import act_of
from services.notifier.domain.reader import Reader


def view_of(kind: NoticeKind, event: StreamEvent, policy: Policy, reader: Reader) -> NoticeView:
    """Return what may be said to this reader about this event."""
    act = act_of(event, reader)
    if isinstance(event, CommandRejected):
        watch = event.watch
        return NoticeView(
            kind=kind.value,
            recipient_name=reader.recipient.name,
            ticket=watch.ticket,
            reference=watch.reference,
            act=act,
        )
    assert isinstance(event, EscalationEvent)  # noqa: S101 - what is planned is one or the other
    return _escalation_view(kind, event, policy, reader, act)


def _escalation_view(
    kind: NoticeKind, event: EscalationEvent, policy: Policy, reader: Reader, act: ActView
) -> NoticeView:
    now = event.escalation
    customer = now.customer
    policy = policy.on_calendar(now.calendar)
    return NoticeView(
        kind=kind.value,
        recipient_name=reader.recipient.name,
        ticket=now.ticket,
        ticket_url=now.ticket_url,
        reference=now.reference,
        subject=now.subject,
        excerpt=now.excerpt,
        severity=now.severity.value,
        type=now.type.value,
        state=now.state.value,
        owner=reader.person(now.owner),
        management=reader.person(now.management),
        owner_is_recipient=now.owner == reader.recipient.key,
        customer=CustomerView(name=customer.name, email=customer.email, phone=customer.phone),
        account=_account_view(now.account, reader),
        started_at=reader.time(now.started_at),
        next_update_at=_next_update(event, policy, reader),
        expected_resolution_at=_expected_resolution(event, policy, reader),
        reasons=tuple(reason.value for reason in event.reasons) if isinstance(event, events.EscalationOpened) else (),
        act=act,
    )


def _account_view(account: AccountSnapshot | None, reader: Reader) -> AccountView | None:
    if account is None:
        return None
    return AccountView(
        name=account.name or account.account_id,
        tier=account.tier,
        key_account=account.key_account,
        contract_value=account.contract_value,
        renewal_at=None if account.renewal_at is None else reader.time(account.renewal_at),
    )


def _next_update(event: EscalationEvent, policy: Policy, reader: Reader) -> str | None:
    # A message of a person starts the next cycle; anything else leaves the first one running from the start.
    if isinstance(event, events.CustomerInformed) and event.next_at is not None:
        return reader.time(event.next_at)
    severity = event.escalation.severity
    target = policy.severities[severity].update
    if target is None:
        return None
    informs = isinstance(event, events.CustomerInformed)
    start = event.meta.occurred_at if informs else event.escalation.started_at
    return _still_ahead(due_at(policy.calendar_of(severity), start, target), event, reader)


def _expected_resolution(event: EscalationEvent, policy: Policy, reader: Reader) -> str | None:
    now: EscalationContext = event.escalation
    due = due_at(policy.calendar_of(now.severity), now.started_at, policy.severities[now.severity].resolution)
    return _still_ahead(due, event, reader)


def _still_ahead(due: datetime, event: EscalationEvent, reader: Reader) -> str | None:
    # What has passed already is no promise to make to anybody.
    return reader.time(due) if due > event.meta.occurred_at else None

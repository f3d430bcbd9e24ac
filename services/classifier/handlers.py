"""What the classifier does with each ticket event: judge the ticket as it then is, and pass the fact on."""

from datetime import datetime

import msgspec

from policy.model import VersionedPolicy
from schemas.catalogue import TICKETS
from schemas.classifications import ClassifierProgressed, TicketClassified
from schemas.ids import derived_id
from schemas.message import Actor, ActorKind, Meta
from schemas.tickets import TicketEvent
from schemas.vocabulary import AuthorKind, ReplyIntent
from services.classifier.domain.summary import account_known, comment_of, fact_of, summary_of, with_comment
from services.classifier.ports import Accounts, Judge

PRODUCER = "classifier"


class Classifier:
    """Makes exactly one `TicketClassified` of each ticket event; holds no state, so a repeat gives the same."""

    def __init__(self, judge: Judge, accounts: Accounts) -> None:
        self._judge = judge
        self._accounts = accounts

    def on_ticket_event(self, event: TicketEvent, policy: VersionedPolicy, now: datetime) -> TicketClassified:
        """Return the fact with the verdict; its id is derived from the event's, its time is the fact's."""
        comment = comment_of(event)
        ticket = msgspec.structs.replace(event.ticket, comments=with_comment(event.ticket, comment))
        recorded = None if ticket.account_id is None else self._accounts.get(ticket.account_id)
        account = account_known(ticket, recorded)
        return TicketClassified(
            meta=_meta(event, policy, now),
            ticket=summary_of(ticket, account),
            fact=fact_of(event, self._intent(event, policy)),
            judgement=self._judge.judge(ticket, account, policy, event.meta.occurred_at),
        )

    def _intent(self, event: TicketEvent, policy: VersionedPolicy) -> ReplyIntent | None:
        """Return what a customer's own message means; None for anybody else's (echoes of our writes among them)."""
        comment = comment_of(event)
        if comment is None or comment.author_kind is not AuthorKind.CUSTOMER:
            return None
        return self._judge.intent_of(comment.text, policy)


def progressed(partition: int, reached_at: datetime, now: datetime) -> ClassifierProgressed:
    """Return the record that all that had arrived on the partition by `reached_at` is judged."""
    topic_partition = f"{TICKETS.name}/{partition}"
    meta = Meta(
        id=derived_id(ClassifierProgressed.wire_name(), topic_partition, reached_at.isoformat()),
        correlation_id=topic_partition,
        occurred_at=reached_at,
        recorded_at=now,
        actor=Actor(kind=ActorKind.ESCALON, id=PRODUCER),
        producer=PRODUCER,
    )
    return ClassifierProgressed(meta=meta, partition=partition, reached_at=reached_at)


def _meta(event: TicketEvent, policy: VersionedPolicy, now: datetime) -> Meta:
    return Meta(
        id=derived_id(event.meta.id, TicketClassified.wire_name()),
        correlation_id=event.ticket.key,
        causation_id=event.meta.id,
        occurred_at=event.meta.occurred_at,
        recorded_at=now,
        actor=event.meta.actor,
        producer=PRODUCER,
        policy_version=policy.version,
        traceparent=event.meta.traceparent,
    )

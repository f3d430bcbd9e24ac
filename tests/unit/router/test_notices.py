"""What the router records of the notifier's outcomes."""

import pytest

from schemas import escalations as ev
from schemas.message import Actor, ActorKind
from schemas.notifications import NoticeDelivered, NoticeOutcome, NoticeSuperseded, NoticeUndeliverable
from schemas.vocabulary import Audience, NoticeKind
from tests.unit.router.telling import TICKET, Told, names, only

NOTIFIER = Actor(kind=ActorKind.ESCALON, id="notifier")


def delivered(told: Told, kind: NoticeKind, audience: Audience, recipient: str) -> NoticeOutcome:
    return NoticeDelivered(
        meta=told.meta(NOTIFIER),
        notice_id="n-1",
        ticket=TICKET,
        kind=kind,
        audience=audience,
        recipient=recipient,
        cause_id="e-1",
        cause="OwnerAssigned",
        via="slack",
        delivered_at=told.now,
    )


def failed(
    told: Told, kind: NoticeKind, audience: Audience, cause: str = "OwnerAssigned", cause_id: str = "e-1"
) -> NoticeOutcome:
    return NoticeUndeliverable(
        meta=told.meta(NOTIFIER),
        notice_id="n-1",
        ticket=TICKET,
        kind=kind,
        audience=audience,
        recipient="kim@customer.example" if audience is Audience.CUSTOMER else "ana",
        cause_id=cause_id,
        cause=cause,
        via="email",
        reason="bad_recipient",
        attempts=3,
    )


def test_an_owner_who_was_reached_and_a_customer_who_was_acknowledged_are_on_record_once() -> None:
    told = Told().opened()
    to_owner = delivered(told, NoticeKind.NEW_OWNER, Audience.OWNER, "ana")

    assert only(ev.OwnerNotified, told.tell(to_owner)).person == "ana"
    assert told.tell(to_owner) == []
    to_customer = delivered(told, NoticeKind.ACKNOWLEDGEMENT, Audience.CUSTOMER, "customer")
    assert names(told.tell(to_customer)) == ["CustomerAcknowledged"]


@pytest.mark.parametrize(
    ("kind", "audience"),
    [
        (NoticeKind.WARNING, Audience.OWNER),
        (NoticeKind.BREACH, Audience.MANAGEMENT),
        (NoticeKind.CLOSED, Audience.CUSTOMER),
        (NoticeKind.OPENED, Audience.CHANNEL),
    ],
)
def test_other_deliveries_stay_on_their_own_topic(kind: NoticeKind, audience: Audience) -> None:
    told = Told().opened()

    assert told.tell(delivered(told, kind, audience, "ana")) == []


def test_a_message_that_never_reached_the_customer_is_named_and_the_address_is_not() -> None:
    told = Told().opened()

    events = told.tell(failed(told, NoticeKind.ACKNOWLEDGEMENT, Audience.CUSTOMER, "CustomerInformed", "e-7"))
    failure = only(ev.NoticeFailed, events)
    assert (failure.contact_id, failure.recipient, failure.reason) == ("e-7", "customer", "bad_recipient")


def test_a_failed_confirmation_request_names_the_message_of_the_proposal() -> None:
    told = Told().opened().proposed()
    request = told.escalation.confirmation_request_id

    wire_name = "escalon.escalations.ResolutionProposed"
    events = told.tell(failed(told, NoticeKind.CONFIRMATION_REQUEST, Audience.CUSTOMER, wire_name))
    assert request is not None
    assert only(ev.NoticeFailed, events).contact_id == request


def test_a_failure_towards_a_person_names_no_message_and_a_failure_to_tell_of_one_is_none() -> None:
    told = Told().opened()

    failure = only(ev.NoticeFailed, told.tell(failed(told, NoticeKind.REMINDER, Audience.OWNER)))
    assert (failure.contact_id, failure.recipient) == (None, "ana")
    assert told.tell(failed(told, NoticeKind.UNDELIVERED, Audience.OWNER)) == []


def test_what_was_overtaken_or_concerns_no_escalation_is_nothing() -> None:
    told = Told().opened()
    superseded = NoticeSuperseded(
        meta=told.meta(NOTIFIER),
        notice_id="n-1",
        ticket=TICKET,
        kind=NoticeKind.REMINDER,
        audience=Audience.OWNER,
        recipient="ana",
        cause_id="e-1",
        cause="OwnerReminded",
        via="slack",
        by="EscalationAccepted",
    )

    assert told.tell(superseded) == []
    stranger = Told()
    assert stranger.tell(failed(stranger, NoticeKind.REFUSED, Audience.SENDER)) == []

"""Who is told what about each event: the table of the procedure, row by row."""

from datetime import timedelta

import pytest

from policy.model import Policy
from schemas import escalations as events
from schemas.catalogue import ESCALATIONS
from schemas.context import EscalationContext, WatchContext
from schemas.escalations import StreamEvent
from schemas.message import Actor, ActorKind
from schemas.vocabulary import (
    AssignmentCause,
    Channel,
    ClockName,
    ContactKind,
    EscalationState,
    IssueType,
    NoticeKind,
    RecordPart,
    ReplyIntent,
    Severity,
    Verdict,
)
from services.notifier.domain import occasions
from services.notifier.domain.notice import Notice, Transport
from services.notifier.domain.planning import Setting, plan_notices
from tests.harness.notices import AT, a_context, a_customer, a_policy, a_roster, an_opening, sealed, told

ANA = Actor(kind=ActorKind.PERSON, id="ana")
CUSTOMER = Actor(kind=ActorKind.CUSTOMER, id="c-1")
CHANNEL = "inc-esc-4m7kq-2xw9t"


def plan(event: StreamEvent, policy: Policy | None = None) -> tuple[Notice, ...]:
    return plan_notices(event, Setting(policy=policy or a_policy(), roster=a_roster(), now=AT)).notices


def breach(
    clock: ClockName, *, unverified: bool = False, context: EscalationContext | None = None
) -> events.SlaBreached:
    record = events.SlaBreached(clock=clock, cycle=1, due_at=AT, owner_at="ana", unverified=unverified)
    return sealed(record, context=context)


def reclassified(context: EscalationContext, severity: Severity, kind: IssueType) -> events.EscalationReclassified:
    event = events.EscalationReclassified(previous_severity=severity, previous_type=kind, by=ANA)
    return sealed(event, context=context)


def assigned() -> events.OwnerAssigned:
    return sealed(events.OwnerAssigned(owner="ana", cause=AssignmentCause.OPENED, cycle=1))


TAGGED = ("ticket_tagged", "ticket", "zendesk-eu/1")
OPENED = ("opened", "channel", CHANNEL)
COMPLIANCE = ("compliance", "management", "mia")
BREACH = [("breach", "owner", "ana"), ("breach", "management", "mia")]
PROPOSED = a_context(state=EscalationState.RESOLUTION_PROPOSED)

TABLE: list[tuple[StreamEvent, list[tuple[str, str, str]]]] = [
    (an_opening(), [TAGGED, OPENED]),
    (an_opening(context=a_context(severity=Severity.P2)), [TAGGED, OPENED]),
    (an_opening(context=a_context(severity=Severity.P3)), [TAGGED]),
    (an_opening(context=a_context(severity=Severity.P4, kind=IssueType.COMPLIANCE)), [TAGGED, COMPLIANCE]),
    (assigned(), [("new_owner", "owner", "ana")]),
    (sealed(events.OwnerReminded(cycle=1, percent=50)), [("reminder", "owner", "ana")]),
    (
        sealed(events.SlaWarned(clock=ClockName.UPDATE, cycle=1, due_at=AT, owner_at="ana", percent=50)),
        [("warning", "owner", "ana")],
    ),
    (breach(ClockName.FIRST_RESPONSE), BREACH),
    (breach(ClockName.UPDATE), BREACH),
    (breach(ClockName.RESOLUTION), BREACH),
    (breach(ClockName.ACCEPTANCE), []),
    (breach(ClockName.UPDATE, unverified=True), [("breach", "owner", "ana")]),
    (breach(ClockName.UPDATE, context=a_context(owner="mia")), [("breach", "management", "mia")]),
    (
        sealed(
            events.SlaCorrected(
                clock=ClockName.UPDATE,
                cycle=1,
                due_at=AT,
                owner_at="ana",
                previous=Verdict.BROKEN,
                verdict=Verdict.KEPT,
            )
        ),
        [("correction", "owner", "ana")],
    ),
    (reclassified(a_context(severity=Severity.P1), Severity.P3, IssueType.TECHNICAL), [TAGGED, OPENED]),
    (reclassified(a_context(severity=Severity.P1), Severity.P2, IssueType.TECHNICAL), [TAGGED]),
    (reclassified(a_context(severity=Severity.P4), Severity.P1, IssueType.TECHNICAL), [TAGGED]),
    (
        reclassified(a_context(severity=Severity.P3, kind=IssueType.COMPLIANCE), Severity.P3, IssueType.SERVICE),
        [TAGGED, COMPLIANCE],
    ),
    (
        reclassified(a_context(severity=Severity.P3, kind=IssueType.COMPLIANCE), Severity.P4, IssueType.COMPLIANCE),
        [TAGGED],
    ),
    (
        sealed(events.CustomerInformed(kind=ContactKind.ACKNOWLEDGEMENT, by="ana")),
        [("acknowledgement", "customer", "customer")],
    ),
    (
        sealed(events.CustomerInformed(kind=ContactKind.UPDATE, by="ana", text="x")),
        [("update", "customer", "customer")],
    ),
    (sealed(events.CustomerInformed(kind=ContactKind.AGENT_REPLY, by="front")), []),
    (sealed(events.CustomerInformed(kind=ContactKind.CONFIRMATION_REQUEST, by="ana", text="x")), []),
    (
        sealed(events.ResolutionProposed(by="ana", category="fixed", steps="x", proposal=1), context=PROPOSED),
        [("confirmation_request", "customer", "customer")],
    ),
    (
        sealed(events.ConfirmationRepeated(attempt=1), context=PROPOSED),
        [("confirmation_request", "customer", "customer")],
    ),
    (sealed(events.CustomerCallDue(), context=PROPOSED), [("call_customer", "owner", "ana")]),
    (
        sealed(events.CustomerReplyReceived(intent=ReplyIntent.UNCLEAR, excerpt="hm"), context=PROPOSED),
        [("reply_unclear", "owner", "ana")],
    ),
    (sealed(events.CustomerReplyReceived(intent=ReplyIntent.CONFIRMS), context=PROPOSED), []),
    (sealed(events.CustomerReplyReceived(intent=ReplyIntent.UNCLEAR)), []),
    (
        sealed(events.DocumentationMissing(missing=(RecordPart.ROOT_CAUSE,))),
        [("documentation_missing", "owner", "ana")],
    ),
    (
        sealed(events.ReclassificationProposed(severity=Severity.P3, type=IssueType.BILLING)),
        [("reclassification_proposed", "owner", "ana")],
    ),
    (sealed(events.ReclassificationProposed(severity=Severity.P1, type=IssueType.TECHNICAL)), []),
    (
        sealed(events.EscalationClosed(by=CUSTOMER, confirmed=True)),
        [("closed", "customer", "customer"), ("archived", "channel", CHANNEL)],
    ),
    (sealed(events.EscalationMerged(into="zendesk-eu/2")), [("archived", "channel", CHANNEL)]),
    (sealed(events.EscalationEnded(reason="deleted")), [("archived", "channel", CHANNEL)]),
    (sealed(events.EscalationReopened(opening=2)), [OPENED]),
    (sealed(events.EscalationReopened(opening=2), context=a_context(severity=Severity.P3)), []),
    (
        sealed(events.NoticeFailed(notice_id="n", kind=NoticeKind.UPDATE, recipient="customer", reason="exhausted")),
        [("undelivered", "owner", "ana")],
    ),
    (
        sealed(events.NoticeFailed(notice_id="n", kind=NoticeKind.WARNING, recipient="ana", reason="no_contact")),
        [("undelivered", "management", "mia")],
    ),
    (sealed(events.NoticeFailed(notice_id="n", kind=NoticeKind.UNDELIVERED, recipient="mia", reason="refused")), []),
]


@pytest.mark.parametrize(("event", "expected"), TABLE, ids=lambda value: type(value).__name__)
def test_each_event_is_told_to_those_the_procedure_names(
    event: StreamEvent, expected: list[tuple[str, str, str]]
) -> None:
    assert told(plan(event)) == expected


def test_every_event_of_the_stream_was_thought_of() -> None:
    known = occasions.SILENT | set(occasions._TOLD) | set(occasions._JUDGED)
    assert known == set(ESCALATIONS.events)


def rejection(sender: Actor) -> events.CommandRejected:
    watch = WatchContext(stream_id="s", version=1, ticket="zendesk-eu/1", reference="ESC-1")
    return sealed(
        events.CommandRejected(
            command="AcceptEscalation", command_id="c", sender=sender, reason="only the owner accepts", watch=watch
        )
    )


def test_a_refused_command_is_told_to_its_sender_if_they_are_one_of_ours() -> None:
    notices = plan(rejection(Actor(kind=ActorKind.PERSON, id="ben")))
    assert told(notices) == [("refused", "sender", "ben")]
    assert "only the owner accepts" in notices[0].words.body
    assert plan(rejection(Actor(kind=ActorKind.PERSON, id="stranger"))) == ()
    assert plan(rejection(Actor(kind=ActorKind.CUSTOMER, id="ben"))) == ()


def test_the_same_event_gives_the_same_notices_and_another_event_others() -> None:
    assert plan(an_opening()) == plan(an_opening())
    ids = {notice.id for name in "12" for notice in plan(an_opening(name=name))}
    assert len(ids) == 4


def test_the_owner_gets_a_direct_link_and_the_full_context() -> None:
    (notice,) = plan(assigned())
    assert [address.target for address in notice.addresses] == ["U0ANA", "ana@support.example"]
    for said in (
        "https://helpdesk.example/tickets/1",
        "All pages down",
        "Every page answers 503.",
        "Acme",
        "enterprise",
    ):
        assert said in notice.words.body
    assert "2026-06-02 10:00 CEST" in notice.words.body


def test_the_acknowledgement_says_all_it_has_to_on_the_customers_clock() -> None:
    (notice,) = plan(
        sealed(events.CustomerInformed(kind=ContactKind.ACKNOWLEDGEMENT, by="ana"), at=AT + timedelta(minutes=3))
    )
    for said in (
        "Carla Weber",
        "All pages down",
        "Ana Ruiz",
        "Senior Support Engineer",
        "2026-06-02 10:33 CEST",
        "2026-06-02 14:00 CEST",
        "ESC-4M7KQ-2XW9T",
    ):
        assert said in notice.words.body


def test_a_customer_is_written_to_in_their_language_and_in_english_where_there_are_no_words_in_it() -> None:
    def acknowledgement(language: str) -> str:
        context = a_context(customer=a_customer(language=language))
        event = sealed(events.CustomerInformed(kind=ContactKind.ACKNOWLEDGEMENT, by="ana"), context=context)
        return plan(event)[0].words.body

    assert "Ihre Vorgangsnummer" in acknowledgement("de-AT")
    assert "Your reference number" in acknowledgement("fi")


@pytest.mark.parametrize(
    ("preferred", "first"),
    [(Channel.EMAIL, Transport.EMAIL), (Channel.CHAT, Transport.HELPDESK), (Channel.WEB, Transport.HELPDESK)],
)
def test_a_customer_is_reached_where_they_prefer_to_be(preferred: Channel, first: Transport) -> None:
    context = a_context(customer=a_customer(preferred=preferred))
    (notice,) = plan(sealed(events.CustomerInformed(kind=ContactKind.UPDATE, by="ana", text="x"), context=context))
    assert notice.addresses[0].transport is first
    assert len(notice.addresses) == 2


def test_who_prefers_the_phone_is_called_by_the_owner_with_number_and_talking_points() -> None:
    context = a_context(customer=a_customer(preferred=Channel.PHONE, phone="+49 30 1234567"))
    event = sealed(events.CustomerInformed(kind=ContactKind.UPDATE, by="ana", text="We found it."), context=context)
    (notice,) = plan(event)
    assert told([notice]) == [("call_customer", "owner", "ana")]
    assert "+49 30 1234567" in notice.words.body
    assert "We found it." in notice.words.body


def test_what_a_customer_wrote_is_never_a_template() -> None:
    hostile = "{{ 7 * 7 }} {% for x in range(9) %}x{% endfor %} {{ owner.__class__ }}"
    event = sealed(events.CustomerReplyReceived(intent=ReplyIntent.UNCLEAR, excerpt=hostile), context=PROPOSED)
    (notice,) = plan(event)
    assert hostile in notice.words.body


def test_the_account_people_and_stakeholders_are_invited_to_the_incident_channel() -> None:
    notices = plan(an_opening())
    assert notices[1].about.members == ("U0ANA", "U0MIA")


def test_a_kind_without_audiences_is_told_to_nobody() -> None:
    policy = a_policy()
    quiet = policy.communication.__class__(notices=(), templates=policy.communication.templates)
    assert plan(an_opening(), a_policy(quiet)) == ()


def test_a_handover_takes_back_what_the_former_owner_was_not_sent_yet() -> None:
    event = sealed(events.OwnerAssigned(owner="ana", previous="ben", cause=AssignmentCause.NOT_ACCEPTED, cycle=2))
    setting = Setting(policy=a_policy(), roster=a_roster(), now=AT)
    (supersession,) = plan_notices(event, setting).supersessions
    assert (supersession.recipient, supersession.cause.name) == ("ben", "OwnerAssigned")
    assert NoticeKind.NEW_OWNER in supersession.kinds


def test_a_promised_time_is_told_in_place_of_the_one_the_policy_would_name() -> None:
    informed = events.CustomerInformed(kind=ContactKind.UPDATE, by="ana", text="x", next_at=AT + timedelta(hours=5))
    (notice,) = plan(sealed(informed))
    assert "You hear from us again by 2026-06-02 15:00 CEST." in notice.words.body

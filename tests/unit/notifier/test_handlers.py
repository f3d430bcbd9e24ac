"""What becomes of a planned notice: delivered, tried again, given up, taken back; never twice without saying so."""

from datetime import timedelta

import pytest

from chassis.errors import LostOwnershipError, RetryableError
from schemas import escalations as events
from schemas.escalations import StreamEvent
from schemas.ids import NoticeId
from schemas.notifications import NoticeDelivered, NoticeOutcome, NoticeSuperseded, NoticeUndeliverable
from schemas.vocabulary import AssignmentCause, IssueType, NoticeKind
from services.notifier.adapters.in_memory import InMemoryLedger, RecordingChannel
from services.notifier.domain.delivery import Patience
from services.notifier.domain.notice import Address, FailureReason, Transport
from services.notifier.domain.outcomes import Receipt
from services.notifier.handlers import Deliverer, Outlets, Planner
from services.notifier.ports import (
    Channel,
    DeliveryError,
    Letter,
    Progress,
    TryLaterError,
    UndeliverableError,
    UnknownOutcomeError,
)
from tests.harness.notices import AT, FixedRosters, PinnedPolicies, a_context, an_opening, sealed


class FailingChannel(RecordingChannel):
    """Fails with what it is given, in order; then takes everything that its transports reach."""

    def __init__(self, name: str, transport: Transport, *failures: DeliveryError, took: bool = False) -> None:
        super().__init__(name)
        self._transport = transport
        self._failures = list(failures)
        self._took = took
        self.asked = 0
        self.blind = 0
        """How often it cannot be asked what it took."""

    def serves(self, address: Address) -> bool:
        return address.transport is self._transport

    async def send(self, letter: Letter) -> Receipt:
        if self._failures:
            raise self._failures.pop(0)
        return await super().send(letter)

    async def find(self, letter: Letter) -> Receipt | None:
        self.asked += 1
        if self.blind:
            self.blind -= 1
            raise BUSY
        return Receipt(via=self.name, external_id="found") if self._took else await super().find(letter)


class AwayLedger(InMemoryLedger):
    """Does not answer when an outcome is to be stored, so many times."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self._failures = failures

    async def conclude(self, notice_id: NoticeId, outcome: NoticeOutcome) -> None:
        if self._failures:
            self._failures -= 1
            raise RetryableError("the ledger does not answer")
        await super().conclude(notice_id, outcome)


class Told:
    """A planner and a deliverer over one ledger."""

    def __init__(
        self, *channels: Channel, patience: Patience | None = None, ledger: InMemoryLedger | None = None
    ) -> None:
        self.ledger = ledger or InMemoryLedger()
        self.sink = RecordingChannel()
        self.planner = Planner(PinnedPolicies(), FixedRosters(), self.ledger)
        self.deliverer = Deliverer(self.ledger, Outlets(channels, self.sink), patience)
        self._position = 0

    async def plan(self, *happened: StreamEvent) -> None:
        progress = Progress(partition=0, position=self._position, next_position=self._position + len(happened))
        await self.planner.on_escalation_events(happened, progress, AT)
        self._position += len(happened)

    async def attempt(self) -> list[timedelta | None]:
        return [await self.deliverer.deliver(each, AT) for each in await self.ledger.pending({0}, 100)]

    async def outcomes(self) -> list[NoticeOutcome]:
        return [outcome for _, outcome in await self.ledger.unpublished({0}, 100)]


def assigned(owner: str = "ana", previous: str | None = None, name: str = "1") -> events.OwnerAssigned:
    event = events.OwnerAssigned(owner=owner, previous=previous, cause=AssignmentCause.OPENED, cycle=1)
    return sealed(event, name=name, context=a_context(owner=owner))


BUSY = TryLaterError("slack answered 429", retry_after=timedelta(seconds=30))
SECOND = timedelta(seconds=1)
GONE = UndeliverableError("slack answered user_not_found", FailureReason.BAD_RECIPIENT)


async def test_without_any_channel_everything_goes_to_the_sink() -> None:
    told = Told()
    await told.plan(an_opening(), assigned())
    assert await told.deliverer.deliver_pending({0}, AT) == 3
    outcomes = await told.outcomes()
    assert [(outcome.recipient, outcome.via) for outcome in outcomes] == [
        ("zendesk-eu/1", "sink"),
        ("inc-esc-4m7kq-2xw9t", "sink"),
        ("ana", "sink"),
    ]
    assert all(outcome.meta.occurred_at == AT for outcome in outcomes)


async def test_the_same_events_again_plan_nothing_and_a_replica_that_wakes_up_late_writes_nothing() -> None:
    told = Told()
    await told.plan(assigned())
    await told.plan(assigned())
    assert len(await told.ledger.pending({0}, 100)) == 1
    late = Progress(partition=0, position=0, next_position=1)
    with pytest.raises(LostOwnershipError):
        await told.planner.on_escalation_events([assigned(name="2")], late, AT)
    assert len(await told.ledger.pending({0}, 100)) == 1


async def test_a_receiver_that_is_busy_is_asked_again_after_the_time_it_said() -> None:
    told = Told(FailingChannel("slack", Transport.SLACK, BUSY))
    await told.plan(assigned())
    assert await told.attempt() == [timedelta(seconds=30)]
    assert await told.attempt() == [None]
    (outcome,) = await told.outcomes()
    assert isinstance(outcome, NoticeDelivered)
    assert (outcome.attempts, outcome.possible_repeat, outcome.via) == (2, False, "slack")


async def test_the_next_address_is_tried_when_the_first_will_never_take_it() -> None:
    mail = FailingChannel("email", Transport.EMAIL)
    told = Told(FailingChannel("slack", Transport.SLACK, GONE), mail)
    await told.plan(assigned())
    assert await told.attempt() == [None]
    (outcome,) = await told.outcomes()
    assert outcome.via == "email"
    assert mail.letters[0].address.target == "ana@support.example"


async def test_an_address_that_stays_away_is_passed_over_after_a_while() -> None:
    told = Told(FailingChannel("slack", Transport.SLACK, BUSY, BUSY, BUSY), FailingChannel("email", Transport.EMAIL))
    await told.plan(assigned())
    assert [await told.attempt() for _ in range(3)] == [[timedelta(seconds=30)], [timedelta(seconds=30)], [None]]
    (outcome,) = await told.outcomes()
    assert outcome.via == "email"


async def test_what_nobody_takes_is_given_up_with_the_reason() -> None:
    told = Told(FailingChannel("slack", Transport.SLACK, GONE))
    await told.plan(assigned())
    assert await told.attempt() == [None]
    (outcome,) = await told.outcomes()
    assert isinstance(outcome, NoticeUndeliverable)
    assert (outcome.reason, outcome.attempts) == ("bad_recipient", 1)


async def test_patience_ends_with_the_reason_of_the_last_failure() -> None:
    refusals = [TryLaterError("slack answered invalid_auth", reason=FailureReason.CREDENTIALS) for _ in range(2)]
    told = Told(FailingChannel("slack", Transport.SLACK, *refusals), patience=Patience(attempts=2))
    await told.plan(assigned())
    assert await told.attempt() == [timedelta(seconds=1)]
    assert await told.attempt() == [None]
    (outcome,) = await told.outcomes()
    assert isinstance(outcome, NoticeUndeliverable)
    assert (outcome.reason, outcome.attempts) == ("credentials", 2)


async def test_a_person_without_any_address_is_unreachable_once_a_channel_is_configured() -> None:
    told = Told(FailingChannel("slack", Transport.SLACK))
    await told.plan(assigned("dov"))
    assert await told.attempt() == [None]
    (outcome,) = await told.outcomes()
    assert isinstance(outcome, NoticeUndeliverable)
    assert (outcome.reason, outcome.attempts) == ("no_contact", 0)


async def test_an_answer_that_never_came_is_looked_up_before_anything_is_sent_again() -> None:
    slack = FailingChannel("slack", Transport.SLACK, UnknownOutcomeError("slack did not answer"), took=True)
    told = Told(slack)
    await told.plan(assigned())
    assert await told.attempt() == [timedelta(seconds=1)]
    assert await told.attempt() == [None]
    (outcome,) = await told.outcomes()
    assert isinstance(outcome, NoticeDelivered)
    assert (outcome.external_id, outcome.possible_repeat, slack.asked) == ("found", False, 1)
    assert slack.letters == []


async def test_what_cannot_be_looked_up_is_sent_again_and_said_to_be_a_possible_repeat() -> None:
    mail = FailingChannel("email", Transport.EMAIL, UnknownOutcomeError("the server did not answer"))
    told = Told(mail)
    await told.plan(assigned("ben"))
    await told.attempt()
    assert await told.attempt() == [None]
    (outcome,) = await told.outcomes()
    assert isinstance(outcome, NoticeDelivered)
    assert (outcome.attempts, outcome.possible_repeat) == (2, True)


async def test_while_it_cannot_be_looked_up_whether_it_was_sent_nothing_is_sent() -> None:
    slack = FailingChannel("slack", Transport.SLACK, UnknownOutcomeError("slack did not answer"), took=True)
    slack.blind = 2
    told = Told(slack)
    await told.plan(assigned())
    assert [await told.attempt() for _ in range(4)] == [[SECOND], [BUSY.retry_after], [BUSY.retry_after], [None]]
    assert (slack.asked, slack.letters) == (3, [])


async def test_what_may_have_been_sent_is_a_possible_repeat_however_many_attempts_it_takes() -> None:
    mail = FailingChannel("email", Transport.EMAIL, UnknownOutcomeError("the server did not answer"), BUSY)
    told = Told(mail)
    await told.plan(assigned("ben"))
    assert [await told.attempt() for _ in range(3)] == [[SECOND], [BUSY.retry_after], [None]]
    (outcome,) = await told.outcomes()
    assert isinstance(outcome, NoticeDelivered)
    assert (outcome.attempts, outcome.possible_repeat) == (3, True)


async def test_an_address_that_never_answers_is_passed_over_too() -> None:
    silence = [UnknownOutcomeError("slack did not answer") for _ in range(3)]
    told = Told(FailingChannel("slack", Transport.SLACK, *silence), FailingChannel("email", Transport.EMAIL))
    await told.plan(assigned())
    assert [await told.attempt() for _ in range(3)] == [[SECOND], [2 * SECOND], [None]]
    (outcome,) = await told.outcomes()
    assert isinstance(outcome, NoticeDelivered)
    assert (outcome.via, outcome.possible_repeat) == ("email", True)


async def test_what_was_delivered_while_the_ledger_was_away_is_recorded_later_and_not_sent_again() -> None:
    mail = FailingChannel("email", Transport.EMAIL)
    told = Told(mail, ledger=AwayLedger(failures=2))
    await told.plan(assigned("ben"))
    for _ in range(2):
        with pytest.raises(RetryableError):
            await told.attempt()
    assert await told.attempt() == [None]
    (outcome,) = await told.outcomes()
    assert isinstance(outcome, NoticeDelivered)
    assert (outcome.attempts, outcome.possible_repeat, len(mail.letters)) == (1, False, 1)


async def test_what_is_given_up_is_logged_without_anything_of_the_recipient(caplog: pytest.LogCaptureFixture) -> None:
    told = Told(FailingChannel("slack", Transport.SLACK, GONE))
    await told.plan(assigned())
    await told.attempt()
    record = caplog.records[-1]
    assert (record.levelname, record.getMessage()) == ("WARNING", "a notice was given up")
    fields = {name: record.__dict__[name] for name in ("channel", "attempt", "kind", "reason", "correlation_id")}
    assert fields == {
        "channel": "slack",
        "attempt": 1,
        "kind": "new_owner",
        "reason": "bad_recipient",
        "correlation_id": "zendesk-eu/1",
    }


async def test_two_replicas_do_not_begin_the_same_attempt() -> None:
    told = Told(FailingChannel("slack", Transport.SLACK))
    await told.plan(assigned())
    (pending,) = await told.ledger.pending({0}, 100)
    assert await told.ledger.begin_attempt(pending)
    assert not await told.ledger.begin_attempt(pending)


async def test_an_urgent_notice_goes_to_every_address() -> None:
    slack, mail = FailingChannel("slack", Transport.SLACK), FailingChannel("email", Transport.EMAIL)
    told = Told(slack, mail)
    rule = PinnedPolicies().latest().policy.communication.notices
    assert [each.kind.value for each in rule if each.urgent] == ["compliance"]
    await told.plan(an_opening(context=a_context(kind=IssueType.COMPLIANCE)))
    await told.attempt()
    compliance = [letter for channel in (slack, mail) for letter in channel.told(NoticeKind.COMPLIANCE)]
    assert [letter.address.target for letter in compliance] == ["U0MIA", "mia@support.example"]


async def test_a_notice_to_a_former_owner_is_taken_back() -> None:
    told = Told()
    await told.plan(assigned("ben"), assigned("ana", previous="ben", name="2"))
    outcomes = await told.outcomes()
    assert [type(outcome) for outcome in outcomes] == [NoticeSuperseded]
    assert await told.attempt() == [None]
    assert [letter.notice.recipient for letter in told.sink.letters] == ["ana"]


async def test_a_channel_that_was_never_opened_is_not_archived() -> None:
    closed = sealed(events.EscalationMerged(into="zendesk-eu/2"))
    told = Told()
    await told.plan(closed)
    assert await told.ledger.pending({0}, 100) == []
    await told.plan(an_opening(), sealed(events.EscalationMerged(into="zendesk-eu/2"), name="2"))
    kinds = [pending.notice.kind.value for pending in await told.ledger.pending({0}, 100)]
    assert kinds == ["opened", "archived", "ticket_tagged"]

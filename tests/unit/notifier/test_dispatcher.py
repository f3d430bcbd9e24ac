"""Lanes side by side, each in order; partitions that go are let go of; outcomes are published until they are."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager

import pytest
from prometheus_client import CollectorRegistry

from chassis.clock import ManualClock
from chassis.errors import RetryableError
from schemas import escalations as events
from schemas.context import EscalationContext
from schemas.notifications import NoticeOutcome
from schemas.vocabulary import AssignmentCause, Severity
from services.notifier.adapters.dispatcher import Dispatcher
from services.notifier.adapters.in_memory import InMemoryLedger, RecordingChannel, RecordingOutcomes
from services.notifier.adapters.outcome_relay import OutcomeRelay
from services.notifier.domain.delivery import Patience
from services.notifier.domain.notice import Plan
from services.notifier.domain.outcomes import Receipt
from services.notifier.handlers import Deliverer, Outlets, Planner
from services.notifier.metrics import NotifierMetrics
from services.notifier.ports import FIRST, Letter, PendingNotice, Progress, Rank, TryLaterError
from tests.harness.notices import AT, FixedRosters, PinnedPolicies, a_context, sealed
from tests.harness.waiting import eventually


class StubbornChannel(RecordingChannel):
    """Hangs for one recipient, refuses another for a while, takes the rest."""

    def __init__(self, *, hangs_for: str = "", refuses: str = "") -> None:
        super().__init__()
        self._hangs_for = hangs_for
        self.refuses = refuses
        self.tried: list[str] = []

    async def send(self, letter: Letter) -> Receipt:
        recipient = letter.notice.recipient
        self.tried.append(recipient)
        if recipient == self._hangs_for:
            await asyncio.Event().wait()
        if recipient == self.refuses:
            raise TryLaterError("not now")
        return await super().send(letter)


class BrokenChannel(RecordingChannel):
    """Has a bug."""

    async def send(self, letter: Letter) -> Receipt:
        raise TypeError(f"a bug of ours with {letter.key}")


class UnwillingOutcomes(RecordingOutcomes):
    """Fails a few times before it takes anything."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self._failures = failures

    async def publish(self, outcomes: Sequence[NoticeOutcome]) -> None:
        if self._failures:
            self._failures -= 1
            raise RetryableError("the broker is away")
        await super().publish(outcomes)


class CountingLedger(InMemoryLedger):
    """Counts what is read of it."""

    def __init__(self) -> None:
        super().__init__()
        self.notices_read = 0

    async def pending(
        self, partitions: Collection[int], limit: int, after: Rank = FIRST, line: str | None = None
    ) -> list[PendingNotice]:
        found = await super().pending(partitions, limit, after, line)
        self.notices_read += len(found)
        return found


async def a_ledger(*told: tuple[int, str, int], ledger: InMemoryLedger | None = None) -> InMemoryLedger:
    """Give a ledger with so many notices for each owner in each partition."""
    ledger = ledger or InMemoryLedger()
    planner = Planner(PinnedPolicies(), FixedRosters(), ledger)
    for partition, owner, count in told:
        plans = [planner.on_escalation_event(assigned(owner, f"{partition}-{owner}-{n}"), AT) for n in range(count)]
        position = (await ledger.positions()).get(partition, 0)
        progress = Progress(partition=partition, position=position, next_position=position + count)
        await ledger.record(progress, [Plan(notices=plan.notices) for plan in plans])
    return ledger


def assigned(owner: str, name: str, context: EscalationContext | None = None) -> events.OwnerAssigned:
    event = events.OwnerAssigned(owner=owner, cause=AssignmentCause.OPENED, cycle=1)
    return sealed(event, name=name, context=context or a_context(owner=owner))


@asynccontextmanager
async def dispatching(
    ledger: InMemoryLedger,
    channel: RecordingChannel,
    *,
    lanes: int = 8,
    concluded: Callable[[], None] = lambda: None,
) -> AsyncIterator[Dispatcher]:
    deliverer = Deliverer(ledger, Outlets((), channel), Patience())
    metrics = NotifierMetrics(CollectorRegistry())
    dispatcher = Dispatcher(ledger, deliverer, ManualClock(AT), metrics, lanes=lanes, concluded=concluded)
    running = asyncio.create_task(dispatcher.run())
    try:
        yield dispatcher
    finally:
        dispatcher.stop()
        await running


def recipients(channel: RecordingChannel) -> list[str]:
    return [letter.notice.recipient for letter in channel.letters]


async def test_only_what_is_held_is_sent_and_each_lane_in_order() -> None:
    ledger, channel = await a_ledger((0, "ana", 3), (1, "ben", 2)), RecordingChannel()
    async with dispatching(ledger, channel) as dispatcher:
        dispatcher.hold({0})
        await eventually(lambda: len(channel.letters) == 3)
        assert recipients(channel) == ["ana"] * 3
        causes = [letter.notice.cause.id for letter in channel.letters]
        assert causes == [assigned("ana", f"0-ana-{n}").meta.id for n in range(3)]
        dispatcher.hold({1})
        await eventually(lambda: len(channel.letters) == 5)


async def test_a_receiver_that_hangs_keeps_no_other_waiting_and_its_notice_counts_as_interrupted() -> None:
    ledger, channel = await a_ledger((0, "ana", 2), (0, "ben", 4)), StubbornChannel(hangs_for="ana")
    async with dispatching(ledger, channel) as dispatcher:
        dispatcher.hold({0})
        await eventually(lambda: recipients(channel) == ["ben"] * 4)
        await dispatcher.release({0})
    pending = await ledger.pending({0}, 10)
    assert [(each.attempts, each.interrupted) for each in pending] == [(1, True), (0, False)]


async def test_a_receiver_that_hangs_for_all_its_lanes_keeps_no_other_receiver_waiting() -> None:
    ledger, channel = await a_ledger((0, "ana", 1), (0, "ben", 4)), StubbornChannel(hangs_for="ana")
    async with dispatching(ledger, channel, lanes=1) as dispatcher:
        dispatcher.hold({0})
        await eventually(lambda: channel.tried.count("ana") == 1 and recipients(channel) == ["ben"] * 4)


async def test_the_most_urgent_of_a_backlog_goes_first_and_no_lane_is_turned_round() -> None:
    ledger, channel = InMemoryLedger(), RecordingChannel()
    planner = Planner(PinnedPolicies(), FixedRosters(), ledger)
    for number, (ticket, severity) in enumerate(
        [("low", Severity.P4), ("raised", Severity.P3), ("high", Severity.P1), ("raised", Severity.P1)]
    ):
        event = assigned("ana", str(number), context=a_context(severity=severity, ticket=ticket))
        progress = Progress(partition=0, position=number, next_position=number + 1)
        await planner.on_escalation_events([event], progress, AT)
    async with dispatching(ledger, channel, lanes=1) as dispatcher:
        dispatcher.hold({0})
        await eventually(lambda: len(channel.letters) == 4)
    sent = [(letter.notice.about.ticket, letter.notice.about.severity) for letter in channel.letters]
    assert sent == [("raised", Severity.P3), ("high", Severity.P1), ("raised", Severity.P1), ("low", Severity.P4)]


async def test_what_waits_for_its_next_attempt_is_not_overtaken_in_its_lane() -> None:
    ledger, channel = await a_ledger((0, "ana", 3)), StubbornChannel(refuses="ana")
    async with dispatching(ledger, channel) as dispatcher:
        dispatcher.hold({0})
        await eventually(lambda: channel.tried)
        channel.refuses = ""
        await eventually(lambda: len(channel.letters) == 3)
    causes = [letter.notice.cause.id for letter in channel.letters]
    assert causes == [assigned("ana", f"0-ana-{n}").meta.id for n in range(3)]


async def test_one_lane_at_a_time_is_enough_to_send_everything() -> None:
    ledger = await a_ledger((0, "ana", 2), (1, "ben", 2), (2, "mia", 250))
    channel = RecordingChannel()
    async with dispatching(ledger, channel, lanes=1) as dispatcher:
        dispatcher.hold({0, 1, 2})
        await eventually(lambda: len(channel.letters) == 254)


async def test_what_is_pending_is_not_read_again_for_every_lane_that_ends() -> None:
    counting = CountingLedger()
    await a_ledger(*((0, f"person {number}", 1) for number in range(200)), ledger=counting)
    channel = RecordingChannel()
    async with dispatching(counting, channel, lanes=20) as dispatcher:
        dispatcher.hold({0})
        await eventually(lambda: len(channel.letters) == 200)
    assert counting.notices_read <= 200 * 200 / 10


async def test_whoever_publishes_is_told_of_each_notice_that_is_done_with() -> None:
    ledger, told = await a_ledger((0, "ana", 2), (0, "ben", 1)), list[int]()
    channel = StubbornChannel(refuses="ben")
    async with dispatching(ledger, channel, concluded=lambda: told.append(len(channel.letters))) as dispatcher:
        dispatcher.hold({0})
        await eventually(lambda: len(told) == 2 and "ben" in channel.tried)
    assert told == [1, 2]


async def test_a_bug_ends_it() -> None:
    ledger = await a_ledger((0, "ana", 1), (0, "ben", 2))
    deliverer, metrics = Deliverer(ledger, Outlets((), BrokenChannel())), NotifierMetrics(CollectorRegistry())
    dispatcher = Dispatcher(ledger, deliverer, ManualClock(AT), metrics)
    dispatcher.hold({0})
    with pytest.raises(TypeError):
        await dispatcher.run()


async def test_outcomes_are_published_until_they_are_and_not_again() -> None:
    ledger = await a_ledger((0, "ana", 3))
    await Deliverer(ledger, Outlets((), RecordingChannel())).deliver_pending({0}, AT)
    outcomes = UnwillingOutcomes(failures=2)
    relay = OutcomeRelay(ledger, outcomes, NotifierMetrics(CollectorRegistry()))
    relay.hold({0})
    running = asyncio.create_task(relay.run())
    await eventually(lambda: len(outcomes.published) == 3)
    assert relay.check() is None
    await relay.release({0})
    relay.stop()
    await running
    assert len(outcomes.published) == 3
    assert await ledger.unpublished({0}, 10) == []

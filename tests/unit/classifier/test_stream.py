"""Batches in and out, and what is said about how far that is: only what is durable, and more all the time."""

from collections.abc import Collection, Mapping
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from chassis.clock import ManualClock
from chassis.errors import RetryableError
from chassis.records import Batch, Item, Outgoing, Record, TopicPartition
from schemas.catalogue import CLASSIFICATIONS, TICKETS
from schemas.classifications import ClassifierProgressed, TicketClassified
from schemas.codec import Codec, SchemaBook
from schemas.message import Message
from schemas.tickets import TicketEvent, TicketOpened
from services.classifier.adapters.in_memory import InMemoryAccounts
from services.classifier.domain.rule_judge import RuleJudge
from services.classifier.handlers import Classifier
from services.classifier.metrics import ClassifierMetrics
from services.classifier.stream import ClassifierStream, KafkaOutput, ProgressTeller
from tests.harness.policies import judging_policy
from tests.harness.tickets import AT, a_meta, a_ticket
from wire.reference_data import PolicyNotKnownError, PolicyRegistry

CODEC = Codec(SchemaBook())
POLICY = judging_policy()
SOURCE = TopicPartition(TICKETS.name, 3)
STEP = timedelta(milliseconds=150)


class RecordingSink:
    """Keeps what is written; refuses while `is_away`."""

    def __init__(self) -> None:
        self.is_away = False
        self.written: list[Outgoing] = []

    async def send_batch(self, records: list[Outgoing]) -> None:
        if self.is_away:
            raise RetryableError("away")
        self.written += records

    @property
    def messages(self) -> list[Message]:
        return [CODEC.decode(record.value or b"") for record in self.written]


class SettableEnds:
    """Partitions that are held and where they end, as a test says."""

    def __init__(self) -> None:
        self.ends = {SOURCE: 0}
        self.positions = {SOURCE: 0}

    @property
    def assigned(self) -> frozenset[TopicPartition]:
        return frozenset(self.positions)

    def position(self, partition: TopicPartition) -> int | None:
        return self.positions.get(partition)

    async def end_offsets(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        return {partition: self.ends[partition] for partition in partitions}


class Desk:
    """The stream and the teller, wired to fakes."""

    def __init__(self, *, has_policy: bool = True) -> None:
        self.sink = RecordingSink()
        self.clock = ManualClock(AT)
        self.ends = SettableEnds()
        metrics = ClassifierMetrics(CollectorRegistry())
        output = KafkaOutput(self.sink, CODEC)
        policies = PolicyRegistry([POLICY] if has_policy else [])
        classifier = Classifier(RuleJudge(), InMemoryAccounts())
        self.stream = ClassifierStream(classifier, policies, output, self.clock, metrics)
        self.teller = ProgressTeller(self.ends, self.stream.done, output, self.clock, metrics)

    async def tell(self) -> list[timedelta]:
        """Let some time pass and tell; return when each progress told so far was reached, from the start."""
        self.clock.advance(STEP)
        await self.teller.tell()
        return [one.reached_at - AT for one in self.sink.messages if isinstance(one, ClassifierProgressed)]


def a_batch(first: int, count: int) -> Batch[TicketEvent]:
    events = [
        TicketOpened(meta=a_meta(f"e-{number}", a_ticket(number)), ticket=a_ticket(number))
        for number in range(first, first + count)
    ]
    items: list[Item[TicketEvent]] = [
        Item(Record(*SOURCE, first + index, event.ticket.key.encode(), b""), event)
        for index, event in enumerate(events)
    ]
    return Batch(*SOURCE, first, first + count, items)


async def test_each_event_of_a_batch_is_written_to_the_same_partition_in_order() -> None:
    desk = Desk()

    await desk.stream.handle(a_batch(0, 45))

    assert [record.partition for record in desk.sink.written] == [SOURCE.partition] * 45
    assert {record.topic for record in desk.sink.written} == {CLASSIFICATIONS.name}
    assert [message.meta.causation_id for message in desk.sink.messages] == [f"e-{number}" for number in range(45)]
    assert desk.sink.written[7].key == b"zendesk-eu/7"
    assert dict(desk.sink.written[7].headers)["ce_id"] == desk.sink.messages[7].meta.id.encode()
    assert desk.stream.done(SOURCE) == 45


async def test_a_batch_that_is_handled_again_is_written_again_with_the_same_ids() -> None:
    desk = Desk()

    await desk.stream.handle(a_batch(0, 3))
    await desk.stream.handle(a_batch(0, 3))

    ids = [message.meta.id for message in desk.sink.messages if isinstance(message, TicketClassified)]
    assert ids[:3] == ids[3:]


async def test_without_a_policy_everything_waits() -> None:
    with pytest.raises(PolicyNotKnownError):
        await Desk(has_policy=False).stream.handle(a_batch(0, 1))


async def test_an_idle_partition_is_told_of_at_every_mark() -> None:
    desk = Desk()

    await desk.tell()
    assert await desk.tell() == [STEP, 2 * STEP]


async def test_nothing_is_told_while_what_had_arrived_is_not_written() -> None:
    desk = Desk()
    desk.ends.ends[SOURCE] = 3
    desk.sink.is_away = True

    with pytest.raises(RetryableError):
        await desk.stream.handle(a_batch(0, 3))
    desk.sink.is_away = False
    assert await desk.tell() == []

    await desk.stream.handle(a_batch(0, 3))
    assert await desk.tell() == [2 * STEP]


async def test_the_time_advances_under_a_backlog_that_never_ends() -> None:
    desk = Desk()
    for step in range(4):
        desk.ends.ends[SOURCE] = 10 * (step + 1)
        await desk.tell()
    assert desk.sink.written == []

    for step in range(3):
        desk.ends.ends[SOURCE] += 10
        await desk.stream.handle(a_batch(10 * step, 10))
        assert (await desk.tell())[-1] == (step + 1) * STEP


async def test_what_the_group_has_committed_counts_as_done() -> None:
    desk = Desk()
    desk.ends.ends[SOURCE] = desk.ends.positions[SOURCE] = 7

    assert await desk.tell() == [STEP]


async def test_nothing_is_told_of_a_partition_that_was_taken_away() -> None:
    desk = Desk()
    desk.ends.ends[SOURCE] = 3
    await desk.tell()
    desk.ends.positions.clear()

    assert await desk.tell() == []
    assert desk.stream.done(SOURCE) == 0

"""A record that is to be put aside waits while dead letters cannot be written, and is not passed over at the end."""

import asyncio
from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from chassis.errors import RejectedMessageError, RetryableError
from chassis.metrics import ConsumerMetrics
from chassis.partition_line import LineParts, PartitionLine
from chassis.records import Batch, Outgoing, Record, TopicPartition
from chassis.subscription import Subscription
from tests.harness.waiting import eventually


class RecoveringLetters:
    """Takes letters only after it has refused some."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.letters: list[Outgoing] = []

    async def send_batch(self, records: Sequence[Outgoing]) -> None:
        if self.refusals:
            self.refusals -= 1
            raise RetryableError("no broker answers")
        self.letters += records


def _unreadable(_record: Record) -> str:
    raise RejectedMessageError("this is no message")


async def _handled(_batch: Batch[str]) -> None:
    raise AssertionError("nothing can be handled")


def _line(letters: RecoveringLetters) -> PartitionLine[str]:
    parts = LineParts(
        subscription=Subscription(service="router", group="router", topics=("commands.v1",)),
        decode=_unreadable,
        handler=_handled,
        dead_letters=letters,
        metrics=ConsumerMetrics(CollectorRegistry()),
        empty_batches=False,
    )
    return PartitionLine(TopicPartition("commands.v1", 0), 0, parts, asyncio.Lock())


_GARBAGE = Record(
    topic="commands.v1", partition=0, offset=0, key=b"zendesk-eu/7", value=b"garbage", headers=(), timestamp_ms=0
)


async def test_dead_letters_that_cannot_be_written_are_tried_again_and_the_line_goes_on() -> None:
    letters = RecoveringLetters(refusals=2)
    line = _line(letters)

    await line.work([_GARBAGE], 1)

    assert [letter.topic for letter in letters.letters] == ["commands.v1.router.dead-letter"]
    assert line.position == 1


async def test_a_line_that_ends_while_a_letter_cannot_be_written_stays_before_its_record() -> None:
    letters = RecoveringLetters(refusals=1_000)
    line = _line(letters)
    work = asyncio.create_task(line.work([_GARBAGE], 1))
    await eventually(lambda: letters.refusals < 1_000, what="the letter is refused")

    line.close()
    await work

    assert (letters.letters, line.position) == ([], 0)

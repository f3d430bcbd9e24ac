"""A batch of one input: all of it durable with its position, or nothing; what must wait keeps its place."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest
from msgspec.structs import replace

from chassis.errors import HeldError, LostOwnershipError, RejectedMessageError, RetryableError
from chassis.event_store import AppliedCause, EventStore, InputMoved, StoredEvent
from chassis.records import Batch, TopicPartition
from schemas.classifications import ClassifierProgressed, Fact
from schemas.ids import TicketKey
from schemas.message import Message
from schemas.vocabulary import FactKind
from tests.contract.router.streams import (
    CODEC,
    PARTITION,
    START,
    Replica,
    accept,
    batch,
    confirm,
    opened,
    propose,
    reached,
)

A, B = TicketKey("zendesk-eu/1"), TicketKey("zendesk-eu/2")
FACTS, COMMANDS, SLA = (TopicPartition(name, PARTITION) for name in ("classifications.v1", "commands.v1", "sla.v1"))


@pytest.fixture
async def replica(store: EventStore) -> Replica:
    return await Replica(store).assigned()


@pytest.fixture
async def other(store_url: str) -> AsyncIterator[Replica]:
    """Another replica that holds the same partition, as after a takeover the first has not noticed."""
    async with EventStore(store_url) as store:
        yield await Replica(store).assigned()


async def names(store: EventStore) -> list[str]:
    return [row.event.name.rpartition(".")[2] for row in await store.outbox({PARTITION: 0}, 100)]


def progressed(position: int, *, minutes: float = 0) -> Batch[Message]:
    meta = opened(A).meta
    progress = ClassifierProgressed(meta=meta, partition=PARTITION, reached_at=START + timedelta(minutes=minutes))
    return batch(position, progress, key=str(PARTITION))


async def test_events_and_position_become_durable_together(store: EventStore, replica: Replica) -> None:
    await replica.stream.handle(batch(10, opened(A), opened(B)))
    assert await names(store) == ["EscalationOpened", "OwnerAssigned"] * 2
    assert await store.positions(["classifications.v1/3"]) == {"classifications.v1/3": 12}
    assert replica.relay.has_work


async def test_the_same_batch_again_is_refused_by_its_position(
    store: EventStore, replica: Replica, other: Replica
) -> None:
    await replica.stream.handle(batch(0, opened(A)))
    with pytest.raises(LostOwnershipError):
        await other.stream.handle(batch(0, opened(A)))
    assert await names(store) == ["EscalationOpened", "OwnerAssigned"]


async def test_the_same_message_at_a_new_offset_changes_nothing(store: EventStore, replica: Replica) -> None:
    await replica.stream.handle(batch(0, opened(A), opened(A)))
    await replica.stream.handle(batch(2, opened(A)))
    assert await names(store) == ["EscalationOpened", "OwnerAssigned"]
    assert await store.positions(["classifications.v1/3"]) == {"classifications.v1/3": 3}


async def test_a_message_that_led_to_nothing_leads_to_nothing_when_it_comes_again_later(
    store: EventStore, replica: Replica
) -> None:
    await replica.stream.handle(batch(0, opened(A)))
    await replica.stream.handle(batch(0, confirm(A)))
    await replica.stream.handle(batch(1, propose(A)))
    await replica.stream.handle(batch(2, confirm(A)))
    restarted = await Replica(store).assigned()
    await restarted.stream.handle(batch(3, confirm(A)))
    assert "ResolutionProposed" in await names(store)
    assert "ResolutionConfirmed" not in await names(store)


async def test_a_replica_that_wakes_up_late_cannot_write_and_reads_again_what_it_held(
    store: EventStore, replica: Replica, other: Replica
) -> None:
    await replica.stream.handle(batch(0, opened(A)))
    await other.state(A)
    await replica.stream.handle(batch(0, accept(A)))
    with pytest.raises(LostOwnershipError):
        await other.stream.handle(batch(0, accept(A)))
    assert (await other.state(A)).version == (await replica.state(A)).version
    assert (await names(store)).count("EscalationAccepted") == 1


async def test_a_stale_state_is_refused_by_the_version_though_the_position_fits(
    store: EventStore, replica: Replica, other: Replica
) -> None:
    await replica.stream.handle(batch(0, opened(A)))
    stale = await other.escalations.open(PARTITION, [A])
    other.escalations.keep(stale)
    await replica.stream.handle(batch(0, accept(A)))
    other.evidence.progressed(PARTITION, START)
    other.read_commands_to(0)
    with pytest.raises(LostOwnershipError):
        await other.stream.handle(batch(0, reached(A)))
    assert (await other.state(A)).version == 4
    assert await store.positions(["sla.v1/3"]) == {}


async def test_a_finding_waits_until_the_classifier_has_passed_it(store: EventStore, replica: Replica) -> None:
    await replica.stream.handle(batch(0, opened(A)))
    with pytest.raises(HeldError) as held:
        await replica.stream.handle(batch(0, reached(A)))
    assert held.value.handled == 0
    await replica.stream.handle(progressed(1))
    replica.read_commands_to(0)
    await replica.stream.handle(batch(0, reached(A)))
    assert (await names(store))[-1] == "SlaWarned"


async def test_a_finding_waits_until_commands_are_read_to_the_end_they_had_when_it_came(
    store: EventStore, replica: Replica
) -> None:
    await replica.stream.handle(batch(0, opened(A)))
    await replica.stream.handle(progressed(1))
    replica.inputs.ends[COMMANDS] = 7
    replica.read_commands_to(6)
    with pytest.raises(HeldError):
        await replica.stream.handle(batch(0, reached(A)))
    replica.inputs.ends[COMMANDS] = 9
    replica.read_commands_to(7)
    await replica.stream.handle(batch(0, reached(A)))
    assert (await names(store))[-1] == "SlaWarned"
    assert replica.inputs.asked == 1


async def test_what_stands_before_a_finding_that_waits_is_committed(store: EventStore, replica: Replica) -> None:
    await replica.stream.handle(batch(0, opened(A), opened(B)))
    await replica.stream.handle(progressed(2))
    replica.read_commands_to(0)
    late = START + timedelta(minutes=1)
    findings = batch(0, reached(A), reached(B, at=late))
    with pytest.raises(HeldError) as held:
        await replica.stream.handle(findings)
    assert held.value.handled == 1
    assert (await names(store)).count("SlaWarned") == 1
    assert await store.positions(["sla.v1/3"]) == {"sla.v1/3": 1}
    replica.clock.turn_to(late)
    await replica.stream.handle(progressed(3, minutes=1))
    await replica.stream.handle(findings.after(1))
    assert (await names(store)).count("SlaWarned") == 2


async def test_a_policy_that_has_not_arrived_lets_what_stands_before_it_through(
    store: EventStore, replica: Replica
) -> None:
    facts = batch(0, opened(A), opened(B, version="not-here-yet"))
    with pytest.raises(HeldError) as held:
        await replica.stream.handle(facts)
    assert held.value.handled == 1
    with pytest.raises(RetryableError) as waits:
        await replica.stream.handle(facts.after(1))
    assert not isinstance(waits.value, HeldError)
    assert await names(store) == ["EscalationOpened", "OwnerAssigned"]


async def test_a_message_whose_key_is_another_ticket_is_named_and_nothing_is_stored(
    store: EventStore, replica: Replica
) -> None:
    facts = batch(5, opened(A))
    forged = Batch(FACTS.topic, PARTITION, 5, 7, (*facts.items, *batch(6, opened(B), key=A).items))
    with pytest.raises(RejectedMessageError) as rejected:
        await replica.stream.handle(forged)
    assert rejected.value.offset == 6
    assert await names(store) == []
    await replica.stream.handle(forged.without(6))
    assert await store.positions(["classifications.v1/3"]) == {"classifications.v1/3": 7}


async def test_a_batch_without_items_moves_the_position(store: EventStore, replica: Replica) -> None:
    await replica.stream.handle(Batch(FACTS.topic, PARTITION, 0, 4, ()))
    assert await store.positions(["classifications.v1/3"]) == {"classifications.v1/3": 4}


async def test_progress_alone_is_not_written_each_time_and_still_counts(store: EventStore, replica: Replica) -> None:
    for position in range(10):
        await replica.stream.handle(progressed(position))
    assert await store.positions(["classifications.v1/3"]) == {"classifications.v1/3": 1}
    await replica.stream.handle(batch(10, opened(A)))
    assert await store.positions(["classifications.v1/3"]) == {"classifications.v1/3": 11}


async def test_states_are_read_once_and_dropped_with_their_partition(replica: Replica) -> None:
    for position in range(3):
        await replica.stream.handle(batch(position, opened(A)))
    assert replica.metrics.loaded._value.get() == 1
    await replica.stream.revoked(frozenset({FACTS, COMMANDS, SLA}))
    assert (await replica.state(A)).version == 2
    assert replica.metrics.loaded._value.get() == 2


async def test_memory_is_bounded_and_what_was_dropped_is_read_again(store: EventStore) -> None:
    small = await Replica(store, cached_tickets=2).assigned()
    await small.stream.handle(batch(0, *(opened(f"zendesk-eu/{n}") for n in range(5))))
    assert small.metrics.cached._value.get() == 2
    assert (await small.state(TicketKey("zendesk-eu/0"))).version == 2


async def test_tickets_without_an_event_take_no_memory(replica: Replica) -> None:
    verdict = opened(A)
    await replica.stream.handle(batch(0, replace(verdict, judgement=replace(verdict.judgement, qualifies=False))))
    assert (await replica.state(A)).version == 0
    assert replica.metrics.cached._value.get() == 0


async def test_a_merge_also_sends_a_command_to_the_survivor_with_the_same_id_each_time(
    store: EventStore, replica: Replica
) -> None:
    await replica.stream.handle(batch(0, opened(A)))
    merged = opened(A)
    merged = replace(
        merged,
        meta=replace(merged.meta, id="5b0f3a0e-0000-5000-8000-000000000001"),
        fact=Fact(kind=FactKind.MERGED, merged_into=B),
    )
    await replica.stream.handle(batch(1, merged))
    rows = [row.event for row in await store.outbox({PARTITION: 0}, 10)]
    once, again = ([r for row in rows for r in replica.records(PARTITION, row)] for _ in range(2))
    assert once == again
    command = next(record for record in once if record.topic == "commands.v1")
    assert command.key == B.encode()
    absorb = CODEC.decode(command.value or b"")
    assert (type(absorb).__name__, absorb.meta.correlation_id) == ("AbsorbMerged", B)


class AcknowledgementLosingStore(EventStore):
    """Commits, and then the connection breaks before the answer is here."""

    loses = False

    async def append(
        self,
        partition: int,
        events: Sequence[StoredEvent],
        moved: InputMoved | None = None,
        causes: Sequence[AppliedCause] = (),
    ) -> None:
        await super().append(partition, events, moved, causes)
        if self.loses:
            raise RetryableError("the event store's connection broke")


async def test_a_commit_whose_acknowledgement_was_lost_is_recognised_and_not_repeated(store_url: str) -> None:
    async with AcknowledgementLosingStore(store_url) as store:
        replica = await Replica(store).assigned()
        store.loses = True
        with pytest.raises(RetryableError):
            await replica.stream.handle(batch(0, opened(A)))
        store.loses = False

        with pytest.raises(LostOwnershipError):
            await replica.stream.handle(batch(0, opened(A)))

        assert await replica.escalations.load([FACTS]) == {FACTS: 1}
        await replica.stream.handle(batch(1, opened(A), opened(B)))
        assert await names(store) == ["EscalationOpened", "OwnerAssigned"] * 2

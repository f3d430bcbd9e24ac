"""A batch of one input: fetch the streams it touches, let the handlers decide, commit events and position at once."""

from collections.abc import Sequence
from datetime import timedelta

from chassis.clock import Clock
from chassis.errors import HeldError, RejectedMessageError, RetryableError
from chassis.outbox import OutboxRelay
from chassis.records import Batch, Item, TopicPartition
from schemas.classifications import ClassifierProgressed
from schemas.message import Message
from schemas.sla import FrontLineAtRisk, SlaFinding, ThresholdReached
from services.router.adapters.kafka_evidence import KafkaEvidence
from services.router.adapters.sql_escalations import SqlEscalationBatch, SqlEscalationStore
from services.router.handlers import HANDLERS, Router, ticket_of
from services.router.metrics import RouterMetrics
from services.router.ports import FindingHeldError

_INERT_POSITION_AGE_SECONDS = 5.0
"""How long a position may stay unstored while only progress and promises are read: reading them again costs nothing."""
_RETRY_AFTER = timedelta(seconds=1)
"""When a message in the middle of a batch must wait: those before it are committed, then it is tried again."""


class RouterStream:
    """Handles the batches of all four inputs; those of one partition number never overlap."""

    def __init__(
        self,
        router: Router,
        store: SqlEscalationStore,
        evidence: KafkaEvidence,
        relay: OutboxRelay,
        clock: Clock,
        metrics: RouterMetrics,
    ) -> None:
        self._router = router
        self._store = store
        self._evidence = evidence
        self._relay = relay
        self._clock = clock
        self._metrics = metrics
        self._committed_at: dict[TopicPartition, float] = {}

    async def assigned(self, partitions: frozenset[TopicPartition]) -> None:
        """Begin on partitions: nothing that was known of them counts."""
        numbers = {source.partition for source in partitions}
        self._store.forget(numbers)
        self._evidence.hold(numbers)
        self._relay.hold(numbers)

    async def revoked(self, partitions: frozenset[TopicPartition]) -> None:
        """Leave partitions to who holds them now, once what is stored is said."""
        numbers = {source.partition for source in partitions}
        await self._relay.release(numbers)
        self._store.forget(numbers)
        self._evidence.forget(numbers)
        for source in partitions:
            self._committed_at.pop(source, None)

    async def handle(self, batch: Batch[Message]) -> None:
        """Decide on a batch and commit it with its position; raises by chassis.errors, with nothing half done.

        Where a message must wait, those before it are committed, and HeldError says how many.
        """
        tickets = [ticket for item in batch.items if (ticket := ticket_of(item.message)) is not None]
        if not tickets and not self._is_due(batch.source):
            self._note_progress(batch.items)
            return
        await self._note_arrivals(batch)
        work = await self._store.open(batch.partition, tickets)
        handled, waits = self._decide(batch.items, work)
        if handled or not batch.items:
            await self._commit(batch.first(handled), work)
        else:
            self._store.keep(work)
        if waits is not None:
            raise waits

    def _decide(self, items: Sequence[Item[Message]], work: SqlEscalationBatch) -> tuple[int, RetryableError | None]:
        """Let the handlers decide in order; return how many were handled, and why the next one waits."""
        for handled, item in enumerate(items):
            try:
                self._decide_on(item, work)
            except FindingHeldError as held:
                self._metrics.held.inc()
                return handled, HeldError(str(held), handled=handled, retry_after=held.retry_after)
            except RetryableError as error:
                later = HeldError(str(error), handled=handled, retry_after=_RETRY_AFTER)
                return handled, later if handled else error
            except RejectedMessageError as error:
                raise RejectedMessageError(str(error), offset=item.record.offset) from error
        return len(items), None

    def _decide_on(self, item: Item[Message], work: SqlEscalationBatch) -> None:
        message, record = item.message, item.record
        handler = HANDLERS.get(type(message))
        ticket = ticket_of(message)
        if handler is None or ticket is None:
            return
        if record.key != ticket.encode():
            raise RejectedMessageError("the record's key is not the ticket that the message names")
        now = self._clock.now()
        if isinstance(message, SlaFinding):
            handler(self._router, message, work, now, self._evidence.of(record.partition, record.offset))
        else:
            handler(self._router, message, work, now)

    async def _commit(self, batch: Batch[Message], work: SqlEscalationBatch) -> None:
        await self._store.commit(work, batch.source, batch.next_position)
        self._committed_at[batch.source] = self._clock.monotonic()
        self._note_progress(batch.items)
        if work.events:
            self._relay.wake(batch.partition)

    async def _note_arrivals(self, batch: Batch[Message]) -> None:
        arbitrated = [
            item.record.offset for item in batch.items if isinstance(item.message, ThresholdReached | FrontLineAtRisk)
        ]
        if arbitrated:
            await self._evidence.arrived(batch.partition, batch.position, arbitrated)

    def _note_progress(self, items: Sequence[Item[Message]]) -> None:
        """Note how far the classifier is, once all before it is stored."""
        for item in items:
            if isinstance(item.message, ClassifierProgressed):
                self._evidence.progressed(item.record.partition, item.message.reached_at)

    def _is_due(self, source: TopicPartition) -> bool:
        last = self._committed_at.get(source)
        return last is None or self._clock.monotonic() - last >= _INERT_POSITION_AGE_SECONDS

"""Puts the classifier together: settings, tables, handler, and the order in which they start."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from chassis.clock import Clock, clock_of
from chassis.consumer import Consumer, Hooks, Subscription
from chassis.health import HealthServer
from chassis.lifecycle import Lifecycle
from chassis.metrics import ConsumerMetrics, ProducerMetrics
from chassis.producer import Producer
from chassis.records import TopicPartition
from chassis.startup import check_kafka
from policy.registry import PolicyRegistry
from schemas.catalogue import ACCOUNTS, CLASSIFICATIONS, POLICIES, SCHEMAS, TICKETS, dead_letter_topic
from schemas.tickets import TicketEvent
from services.classifier.adapters.in_memory import InMemoryAccounts
from services.classifier.adapters.kafka_beginning import KafkaBeginning
from services.classifier.adapters.kafka_wire import KafkaWire
from services.classifier.config import ClassifierSettings
from services.classifier.domain.rule_judge import RuleJudge
from services.classifier.handlers import PRODUCER, Classifier
from services.classifier.metrics import ClassifierMetrics
from services.classifier.stream import ClassifierStream, KafkaOutput, ProgressTeller

_TABLES = (SCHEMAS.name, POLICIES.name, ACCOUNTS.name)
_RECORDS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the steps of the start hand on."""

    settings: ClassifierSettings
    registry: CollectorRegistry
    clock: Clock
    health: HealthServer
    metrics: ClassifierMetrics
    producer: Producer
    partitions: int


async def build(life: Lifecycle, settings: ClassifierSettings) -> None:
    """Start the classifier's parts in order; raises StartUpError naming what is missing."""
    parts = await _foundation(life, settings)
    policies, accounts = PolicyRegistry(), InMemoryAccounts()
    parts.metrics.accounts.set_function(lambda: len(accounts))
    wire = KafkaWire(settings, policies, accounts)
    await _start_tables(life, parts, wire)
    await wire.announce(parts.producer)
    output = KafkaOutput(parts.producer, wire.codec)
    stream = ClassifierStream(Classifier(RuleJudge(), accounts), policies, output, parts.clock, parts.metrics)
    places = [TopicPartition(TICKETS.name, number) for number in range(parts.partitions)]
    await KafkaBeginning(settings.kafka, PRODUCER, places).settle(settings.since)
    consumer = _consumer(parts, wire, stream)
    parts.health.add_check("consumer", consumer.check)
    life.start("consumer", consumer)
    life.start("progress", ProgressTeller(consumer, stream.done, output, parts.clock, parts.metrics))


async def _foundation(life: Lifecycle, settings: ClassifierSettings) -> _Parts:
    registry = CollectorRegistry()
    health = HealthServer(PRODUCER, registry, settings.health_host, settings.health_port, life.check)
    life.start("health", health)
    needed = (*_TABLES, dead_letter_topic(TICKETS.name, PRODUCER))
    counts = await check_kafka(settings.kafka, needed, co_partitioned=(TICKETS.name, CLASSIFICATIONS.name))
    producer = await life.enter(Producer(settings.kafka, PRODUCER, ProducerMetrics(registry)))
    clock = clock_of(settings.clock_file)
    metrics = ClassifierMetrics(registry)
    return _Parts(settings, registry, clock, health, metrics, producer, counts[TICKETS.name])


async def _start_tables(life: Lifecycle, parts: _Parts, wire: KafkaWire) -> None:
    """Start what is read to its end first: schemas, then what is written with them."""
    lookup = wire.lookup()
    if lookup is not None:
        life.start("schema lookup", lookup)
    for name, table in zip(_TABLES, wire.tables, strict=True):
        parts.health.add_check(name, table.check)
        life.start(name, table)
        await table.until_ready()


def _consumer(parts: _Parts, wire: KafkaWire, stream: ClassifierStream) -> Consumer[TicketEvent]:
    settings = parts.settings
    subscription = Subscription(
        service=PRODUCER,
        group=PRODUCER,
        topics=(TICKETS.name,),
        instance_id=f"{PRODUCER}-{settings.replica_id}",
        max_records=_RECORDS_AT_ONCE,
    )
    hooks = Hooks(
        metrics=ConsumerMetrics(parts.registry),
        on_assigned=stream.reassigned,
        on_revoked=stream.reassigned,
    )
    return Consumer(settings.kafka, subscription, wire.ticket_event, stream.handle, parts.producer, hooks)

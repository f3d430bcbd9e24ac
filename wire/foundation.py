"""What every service starts with, in this order: health, Kafka checked, a producer, the schemas of all writers."""

from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from chassis.clock import Clock, clock_of
from chassis.group_membership import GroupMembership
from chassis.health import HealthServer
from chassis.lifecycle import Lifecycle
from chassis.metrics import ProducerMetrics
from chassis.producer import Producer
from chassis.settings import ServiceSettings
from chassis.startup import check_kafka
from chassis.topic_table import TopicTable
from schemas.catalogue import Topic, dead_letter_topic, inputs_of, tables_of
from wire.kafka_wire import KafkaWire


@dataclass(frozen=True, slots=True)
class Foundation:
    """What a service stands on: Kafka answers, its topics are there, what others write can be read, and they us."""

    life: Lifecycle
    registry: CollectorRegistry
    health: HealthServer
    clock: Clock
    membership: GroupMembership
    """Whether this replica is still in its group; the consumer tells it, the producer heeds it."""
    producer: Producer
    wire: KafkaWire
    partitions: Mapping[str, int]
    """How many partitions each topic has."""
    member: str
    """What this replica is called in its group; lasts over restarts."""

    async def read_first(self, table: TopicTable) -> None:
        """Start a table and return when it has been read to its end; it is followed from then on."""
        self.health.add_check(table.topic, table.check)
        self.life.start(table.topic, table)
        await table.until_ready()


async def lay_foundation(
    life: Lifecycle, service: str, settings: ServiceSettings, writes: tuple[Topic, ...]
) -> Foundation:
    """Start what a service stands on; raises StartUpError naming what is missing.

    What it reads is what the catalogue says; those topics and the ones it writes need equal partition counts.
    """
    registry = CollectorRegistry()
    health = HealthServer(service, registry, settings.health_host, settings.health_port, life.check)
    life.start("health", health)
    partitions = await _check_topics(service, settings, writes)
    membership = GroupMembership(settings.kafka.session_timeout_ms / 1000)
    foundation = Foundation(
        life=life,
        registry=registry,
        health=health,
        clock=clock_of(settings.clock_file),
        membership=membership,
        producer=await life.enter(Producer(settings.kafka, service, ProducerMetrics(registry), membership)),
        wire=KafkaWire(settings),
        partitions=partitions,
        member=f"{service}-{settings.replica_id}",
    )
    await _exchange_schemas(foundation, writes)
    return foundation


async def _check_topics(service: str, settings: ServiceSettings, writes: tuple[Topic, ...]) -> Mapping[str, int]:
    inputs = [topic.name for topic in inputs_of(service)]
    needed = [topic.name for topic in tables_of(service)] + [dead_letter_topic(name, service) for name in inputs]
    return await check_kafka(settings.kafka, needed, co_partitioned={*inputs, *(topic.name for topic in writes)})


async def _exchange_schemas(foundation: Foundation, writes: tuple[Topic, ...]) -> None:
    lookup = foundation.wire.lookup()
    if lookup is not None:
        foundation.life.start("schema lookup", lookup)
    await foundation.read_first(foundation.wire.schemas)
    await foundation.wire.announce(foundation.producer, writes)

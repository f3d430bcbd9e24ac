"""What every service measures of its Kafka work, in base units; a service adds its own on the same registry."""

from collections.abc import Iterable
from contextlib import suppress

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from chassis.records import TopicPartition

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class ConsumerMetrics:
    """Counts what a consumer reads and what became of it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        topic = ("topic",)
        place = ("topic", "partition")
        self.records = Counter("escalon_consumer_records", "Records read.", topic, registry=registry)
        self.skipped = Counter("escalon_consumer_skipped_records", "Records not for us.", topic, registry=registry)
        self.dead_lettered = Counter(
            "escalon_consumer_dead_lettered_records", "Records put aside for good.", topic, registry=registry
        )
        self.retries = Counter("escalon_consumer_retries", "Batches tried again.", topic, registry=registry)
        self.holds = Counter("escalon_consumer_holds", "Batches that had to wait.", topic, registry=registry)
        self.lost = Counter(
            "escalon_consumer_lost_batches", "Batches another replica had done.", topic, registry=registry
        )
        self.deleted_unread = Counter(
            "escalon_consumer_deleted_unread_records",
            "Records that retention deleted before we read them: lost to us.",
            topic,
            registry=registry,
        )
        self.batch_seconds = Histogram(
            "escalon_consumer_batch_seconds", "Time in the handler.", topic, buckets=_SECONDS, registry=registry
        )
        self.lag = Gauge("escalon_consumer_lag_records", "Records not handled yet.", place, registry=registry)
        self.position = Gauge("escalon_consumer_position_offset", "Next offset to handle.", place, registry=registry)
        self.waiting = Gauge(
            "escalon_consumer_waiting_partitions", "Partitions in back-off or held.", topic, registry=registry
        )

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """Show nothing more of partitions that others hold now: their last lag would stand for ever."""
        for topic, partition in partitions:
            for gauge in (self.lag, self.position):
                with suppress(KeyError):
                    gauge.remove(topic, str(partition))


class ProducerMetrics:
    """Counts what a producer writes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.records = Counter("escalon_producer_records", "Records acknowledged.", ("topic",), registry=registry)
        self.failures = Counter("escalon_producer_failures", "Sends that failed.", ("topic",), registry=registry)
        self.send_seconds = Histogram(
            "escalon_producer_send_seconds", "Time to acknowledgement.", buckets=_SECONDS, registry=registry
        )

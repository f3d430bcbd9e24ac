"""What the router measures besides what every consumer does, in one place."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from schemas.escalations import SlaBreached, StreamEvent

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class RouterMetrics:
    """Counts decisions, waits and what the store costs."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.events = Counter("escalon_router_events", "Events stored.", ("event",), registry=registry)
        self.held = Counter("escalon_router_held_findings", "Times a finding had to wait.", registry=registry)
        self.unverified = Counter(
            "escalon_router_unverified_breaches", "Breaches recorded without their evidence.", registry=registry
        )
        self.progress_age_seconds = Gauge(
            "escalon_router_classifier_progress_age_seconds",
            "Real time since the classifier last got further, for the partition where that is longest.",
            registry=registry,
        )
        self.rota_gaps = Gauge(
            "escalon_router_rota_gaps", "Steps of a type's chain that have nobody now.", ("type",), registry=registry
        )
        self.relayed = Counter("escalon_router_relayed_events", "Stored events published.", registry=registry)
        self.loaded = Counter("escalon_router_loaded_streams", "Streams asked of the store.", registry=registry)
        self.cached = Gauge("escalon_router_cached_streams", "Streams kept in memory.", registry=registry)
        self.commit_seconds = Histogram(
            "escalon_router_commit_seconds", "Time of a transaction.", buckets=_SECONDS, registry=registry
        )

    def stored(self, events: Sequence[StreamEvent]) -> None:
        """Count events that are durable."""
        for event in events:
            self.events.labels(type(event).__name__).inc()
            if isinstance(event, SlaBreached) and event.unverified:
                self.unverified.inc()

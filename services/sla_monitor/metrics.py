"""All that the sla_monitor measures beside what the chassis does, in base units."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_LATENESS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 3600.0)


class SlaMonitorMetrics:
    """Counts what was read, said and waited for."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.events = Counter("escalon_sla_monitor_events", "Events read, by name.", ("event",), registry=registry)
        self.findings = Counter(
            "escalon_sla_monitor_findings", "Findings sent, by name.", ("finding",), registry=registry
        )
        self.lateness_seconds = Histogram(
            "escalon_sla_monitor_lateness_seconds",
            "Business time from when a threshold was reached until Kafka had the finding.",
            buckets=_LATENESS,
            registry=registry,
        )
        self.watched = Gauge("escalon_sla_monitor_watched_tickets", "Tickets with a clock ahead.", registry=registry)
        self.retries = Counter("escalon_sla_monitor_retries", "Events that had to wait.", registry=registry)
        self.dead_lettered = Counter(
            "escalon_sla_monitor_dead_lettered_records", "Records put aside for good.", registry=registry
        )
        self.missing_events = Counter(
            "escalon_sla_monitor_missing_events", "Versions of a ticket's stream that never came.", registry=registry
        )
        self.waiting = Gauge(
            "escalon_sla_monitor_waiting_tickets",
            "Tickets whose policy version has not arrived: nothing is said of them.",
            registry=registry,
        )
        self.clock_behind_seconds = Gauge(
            "escalon_sla_monitor_clock_behind_seconds",
            "How far the clock stepped back, until it has caught up: it is wrong now, or it was before.",
            registry=registry,
        )
        self.rows = Gauge("escalon_sla_monitor_rows", "Rows on disk when they were last compared.", registry=registry)
        self.changelog_rows = Gauge(
            "escalon_sla_monitor_changelog_rows",
            "Rows in the changelog when they were last compared.",
            registry=registry,
        )
        self.rebuild_seconds = Histogram(
            "escalon_sla_monitor_rebuild_seconds", "Time to rebuild the index of due times.", registry=registry
        )

"""What the classifier measures besides what every consumer does, in one place."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from schemas.classifications import TicketClassified

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)


class ClassifierMetrics:
    """Counts verdicts, what they cost, and how far the classifier is."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._verdicts = Counter(
            "escalon_classifier_verdicts",
            "Ticket events judged.",
            ("fact", "qualifies", "severity", "type"),
            registry=registry,
        )
        self.judging_seconds = Histogram(
            "escalon_classifier_judging_seconds", "Time to judge a ticket event.", buckets=_SECONDS, registry=registry
        )
        self.progress_timestamp_seconds = Gauge(
            "escalon_classifier_progress_timestamp_seconds",
            "Business time up to which all of a partition is judged.",
            ("partition",),
            registry=registry,
        )
        self.accounts = Gauge("escalon_classifier_known_accounts", "Accounts known from the CRM.", registry=registry)

    def judged(self, classified: TicketClassified) -> None:
        """Count a verdict."""
        verdict = classified.judgement
        self._verdicts.labels(
            classified.fact.kind.value, str(verdict.qualifies).lower(), verdict.severity.value, verdict.type.value
        ).inc()

"""What the notifier measures besides what every consumer does, in one place."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from schemas.notifications import NoticeDelivered, NoticeOutcome, NoticeUndeliverable
from services.notifier.domain.notice import Plan

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class NotifierMetrics:
    """Counts what was planned, what was tried and what became of it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._planned = Counter("escalon_notifier_planned_notices", "Notices planned.", ("kind",), registry=registry)
        self._concluded = Counter(
            "escalon_notifier_concluded_notices",
            "Notices that are done with: delivered, superseded or given up, and why.",
            ("kind", "outcome", "via"),
            registry=registry,
        )
        self.retries = Counter("escalon_notifier_retries", "Attempts that must be made again.", registry=registry)
        self.attempt_seconds = Histogram(
            "escalon_notifier_attempt_seconds", "Time an attempt took.", buckets=_SECONDS, registry=registry
        )
        self.waiting_lanes = Gauge(
            "escalon_notifier_waiting_lanes",
            "Recipients of a ticket that wait for the next attempt.",
            registry=registry,
        )
        self.active_lanes = Gauge(
            "escalon_notifier_active_lanes", "Recipients of a ticket that are being sent to.", registry=registry
        )

        self._trouble = Gauge(
            "escalon_notifier_channel_trouble",
            "1 while a channel refuses our credentials or is away (three failures in a row).",
            ("channel", "reason"),
            registry=registry,
        )

    def channel_trouble(self, channel: str, reason: str, *, there: bool) -> None:
        """Say whether a channel is in trouble."""
        self._trouble.labels(channel, reason).set(there)

    def planned(self, plan: Plan) -> None:
        """Count what was planned."""
        for notice in plan.notices:
            self._planned.labels(notice.kind.value).inc()

    def concluded(self, outcome: NoticeOutcome) -> None:
        """Count an outcome."""
        match outcome:
            case NoticeDelivered():
                word = "delivered"
            case NoticeUndeliverable():
                word = outcome.reason
            case _:
                word = "superseded"
        self._concluded.labels(outcome.kind.value, word, outcome.via).inc()

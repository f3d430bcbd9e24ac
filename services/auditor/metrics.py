"""All that the auditor measures beside what the chassis does, in base units."""

from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge

from services.auditor.domain.doubts import AUDITED, Kind
from services.auditor.handlers import NotAudited, Summary


class AuditorMetrics:
    """What is wrong with the record, what is compared, and how far the auditor is."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.events = Counter("escalon_auditor_events", "Events read.", registry=registry)
        self._silent = Gauge(
            "escalon_auditor_silent_clocks",
            "Cycles of which something is due and, for longer than is tolerated, not on record.",
            ("clock",),
            registry=registry,
        )
        self._oldest = Gauge(
            "escalon_auditor_oldest_silence_seconds",
            "Business time since what is silent for longest was due.",
            registry=registry,
        )
        self._disagreements = Gauge(
            "escalon_auditor_disagreements",
            "What is on record and, for longer than is tolerated, contradicted by our own reckoning; of escalations "
            "that were not over a day ago.",
            ("clock", "kind"),
            registry=registry,
        )
        self._running = Gauge(
            "escalon_auditor_running_clocks", "Cycles that run and are audited.", ("clock",), registry=registry
        )
        self._not_audited = Gauge(
            "escalon_auditor_not_audited",
            "Records of clocks that are not known here (`clock`), and tickets whose policy is not (`policy`) or of "
            "which events are missing (`gap`).",
            ("reason",),
            registry=registry,
        )
        self.compared_timestamp_seconds = Gauge(
            "escalon_auditor_compared_timestamp_seconds", "Real time of the last comparison.", registry=registry
        )
        self.lag = Gauge("escalon_auditor_lag_records", "Records that are there and not read.", registry=registry)

    def compared(self, summary: Summary, now: datetime, seconds: float) -> None:
        """Tell what a comparison at `now` (business time) found; `seconds` is the real time since 1970."""
        for clock in AUDITED:
            self._silent.labels(clock.value).set(summary.silent[clock])
            self._running.labels(clock.value).set(summary.running[clock])
            for kind in Kind:
                if kind is not Kind.SILENT:
                    self._disagreements.labels(clock.value, kind.value).set(summary.disagreements[(clock, kind)])
        for reason in NotAudited:
            self._not_audited.labels(reason.value).set(summary.not_audited[reason])
        oldest = summary.oldest_silence_at
        self._oldest.set(0 if oldest is None else max((now - oldest).total_seconds(), 0))
        self.compared_timestamp_seconds.set(seconds)

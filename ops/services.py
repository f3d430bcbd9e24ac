"""The services as an operator sees them: what they can be told, what they measure."""

from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry

from chassis.metrics import ConsumerMetrics, ProducerMetrics
from chassis.settings import ServiceSettings
from services.auditor.config import AuditorSettings
from services.auditor.metrics import AuditorMetrics
from services.classifier.config import ClassifierSettings
from services.classifier.metrics import ClassifierMetrics
from services.notifier.config import NotifierSettings
from services.notifier.metrics import NotifierMetrics
from services.router.config import RouterSettings
from services.router.metrics import RouterMetrics
from services.sla_monitor.config import SlaMonitorSettings
from services.sla_monitor.metrics import SlaMonitorMetrics

SETTINGS: dict[str, type[ServiceSettings]] = {
    "classifier": ClassifierSettings,
    "router": RouterSettings,
    "sla_monitor": SlaMonitorSettings,
    "notifier": NotifierSettings,
    "auditor": AuditorSettings,
}
METRICS: dict[str, tuple[Callable[[CollectorRegistry], object], ...]] = {
    "classifier": (ClassifierMetrics, ConsumerMetrics, ProducerMetrics),
    "router": (RouterMetrics, ConsumerMetrics, ProducerMetrics),
    "sla_monitor": (SlaMonitorMetrics, ProducerMetrics),
    "notifier": (NotifierMetrics, ConsumerMetrics, ProducerMetrics),
    "auditor": (AuditorMetrics,),
}


def metric_families(service: str) -> list[Any]:
    """Return every metric family a service has."""
    registry = CollectorRegistry()
    for make in METRICS[service]:
        make(registry)
    return list(registry.collect())

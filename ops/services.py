"""The four services as an operator sees them: what they can be told, what they measure."""



from chassis.settings import ServiceSettings
from services.classifier.config import ClassifierSettings
from services.notifier.config import NotifierSettings
from services.router.config import RouterSettings
from services.sla_monitor.config import SlaMonitorSettings

SETTINGS: dict[str, type[ServiceSettings]] = {
    "classifier": ClassifierSettings,
    "router": RouterSettings,
    "sla_monitor": SlaMonitorSettings,
    "notifier": NotifierSettings,
}

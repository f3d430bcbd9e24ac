"""`python -m services.sla_monitor`."""

import sys

from chassis.lifecycle import run_service
from services.sla_monitor.bootstrap import build
from services.sla_monitor.config import SlaMonitorSettings
from services.sla_monitor.handlers import PRODUCER

if __name__ == "__main__":
    sys.exit(run_service(PRODUCER, SlaMonitorSettings, build))

"""`python -m services.auditor`."""

import sys

from chassis.lifecycle import run_service
from services.auditor.bootstrap import build
from services.auditor.config import AuditorSettings
from services.auditor.handlers import PRODUCER

if __name__ == "__main__":
    sys.exit(run_service(PRODUCER, AuditorSettings, build))

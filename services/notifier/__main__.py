"""`python -m services.notifier`."""

import sys

from chassis.lifecycle import run_service
from services.notifier.bootstrap import build
from services.notifier.config import NotifierSettings
from services.notifier.domain.outcomes import PRODUCER

if __name__ == "__main__":
    sys.exit(run_service(PRODUCER, NotifierSettings, build))

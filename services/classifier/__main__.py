"""`python -m services.classifier`."""

import sys

from chassis.lifecycle import run_service
from services.classifier.bootstrap import build
from services.classifier.config import ClassifierSettings
from services.classifier.handlers import PRODUCER

if __name__ == "__main__":
    sys.exit(run_service(PRODUCER, ClassifierSettings, build))

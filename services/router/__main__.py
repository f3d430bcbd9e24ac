"""`python -m services.router` runs the router."""

import sys

from chassis.lifecycle import run_service
from services.router.bootstrap import SERVICE, build
from services.router.config import RouterSettings

if __name__ == "__main__":
    sys.exit(run_service(SERVICE, RouterSettings, build))

"""`python -m tests.fault.stepping <service> <file>`: a service whose clock is off by the seconds that a file says.

The product knows nothing of it: its clock is wrapped in this process only, and the file may change at any time.
"""

import runpy
import sys
from datetime import datetime, timedelta
from pathlib import Path

from chassis.clock import SharedClock


def main(service: str, file: str) -> None:
    """Run the service as its `__main__` does, by such a clock."""
    right, off = SharedClock.now, Path(file)

    def now(self: SharedClock) -> datetime:
        return right(self) + timedelta(seconds=float(off.read_text()))

    setattr(SharedClock, "now", now)  # noqa: B010  a method is replaced, which mypy forbids by assignment
    runpy.run_module(f"services.{service}", run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])

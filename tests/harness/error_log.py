"""Ears for the log: a test that did not expect an error must not cause one."""

import logging


class ErrorRecorder(logging.Handler):
    """Keeps what is logged as an error or worse."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the record as `logger: text`."""
        if record.name.startswith("aiokafka"):
            return  # It calls what it tries again an error; what does not heal it raises, and we tell.
        self.heard.append(f"{record.name}: {record.getMessage()}")

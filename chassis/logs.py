"""Logs: a JSON object a line, fields from one list, errors by name and place; never a payload, never a secret."""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

import structlog

from chassis.clock import REAL_TIME
from chassis.errors import EscalonError

FIELDS = frozenset(
    {
        *("timestamp", "level", "logger", "event", "service"),
        *(
            "correlation_id",
            "causation_id",
            "reference",
            "name",
            "kind",
            "reason",
            "status",
            "version",
            "channel",
            "notice_id",
        ),
        *("topic", "partition", "offset", "group", "attempt", "seconds", "count", "lag", "host", "port"),
        *("error", "error_text", "trace"),
    }
)
"""What a line may have; a field that is not listed here is left out, so that nothing personal slips in."""

_OURS = ("chassis", "ops", "policy", "schemas", "services", "__main__")
_TALKATIVE = ("aiokafka", "faust", "mode", "asyncio")

_CALM_SECONDS = 5.0

Event = MutableMapping[str, Any]


def configure_logging(service: str, level: str) -> None:
    """Send every line of the process, ours and the libraries', to stdout as JSON; repeating it replaces the last."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder(allow=FIELDS)],
        processors=[
            _without_payload,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _Listed(service),
            structlog.processors.JSONRenderer(),
        ],
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    handler.addFilter(_Calmed())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _TALKATIVE:
        # Below this level aiokafka logs keys and values.
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def message_context(correlation_id: str, **fields: str | int) -> AbstractContextManager[Any]:
    """Put these on every line logged within the block, in this task and those it starts."""
    return structlog.contextvars.bound_contextvars(correlation_id=correlation_id, **fields)


class _Calmed(logging.Filter):
    """Makes warnings of what aiokafka calls errors and tries again, several times a second: one line in five seconds.

    What does not heal it raises, and we tell.
    """

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[object, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith("aiokafka") or record.levelno < logging.WARNING:
            return True
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        now = REAL_TIME.monotonic()
        if now - self._said.get(record.msg, float("-inf")) < _CALM_SECONDS:
            return False
        self._said[record.msg] = now
        return True


class _Listed:
    """Keeps the listed fields and says whose line it is."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(self, _logger: Any, _method: str, event: Event) -> Event:
        kept = {name: value for name, value in event.items() if name in FIELDS}
        return kept | {"service": self._service}


def _without_payload(_logger: Any, _method: str, event: Event) -> Event:
    """Tell an error by its class and place; its text only where it is ours, which quotes nothing (chassis.errors)."""
    error = _error_of(event.pop("exc_info", None))
    record = event.get("_record")
    if isinstance(record, logging.LogRecord) and not record.name.startswith(_OURS):
        event["event"] = _line_of(record)
    if error is not None:
        event["error"] = type(error).__name__
        event["trace"] = _places(error.__traceback__)
        if isinstance(error, EscalonError):
            event["error_text"] = str(error)
    return event


def _line_of(record: logging.LogRecord) -> str:
    """Return what a library says, without what it quotes of an error: asyncio and Faust print its repr."""
    told = str(record.msg) if record.exc_info else record.getMessage()
    return told.split("\n", 1)[0]


def _error_of(found: object) -> BaseException | None:
    if isinstance(found, BaseException):
        return found
    if isinstance(found, tuple):
        return found[1] if isinstance(found[1], BaseException) else None
    return sys.exc_info()[1] if found else None


def _places(trace: TracebackType | None) -> list[str]:
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)]

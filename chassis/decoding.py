"""From a record's bytes to a message, with the three outcomes: wait for a schema, dead-letter, or stop."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, TypeVar

from chassis.clock import Clock
from chassis.errors import RejectedMessageError, RetryableError
from chassis.records import Record

T = TypeVar("T")

Place = tuple[str, int, int]
SCHEMA_PATIENCE = timedelta(seconds=30)
"""How long a schema may be late on its topic before its message is dead-lettered (architecture, "Three outcomes")."""


@dataclass(slots=True)
class PatientDecoder(Generic[T]):
    """Decodes a record's value; an error of type `unknown` is retried for `patience`, one of `malformed` rejected.

    One of `unresolved` (a subtype of `unknown`) is retried for ever: who could tell is away.
    Any other error is a bug of ours or a message of a later version, and stops the consumer.
    """

    decode: Callable[[bytes], T]
    unknown: type[Exception]
    unresolved: type[Exception]
    malformed: type[Exception]
    clock: Clock
    patience: timedelta = SCHEMA_PATIENCE
    _first_met: dict[Place, float] = field(default_factory=dict)

    def __call__(self, record: Record) -> T:
        """Return the message; raises RetryableError while its schema may still come, RejectedMessageError for ever."""
        if record.value is None:
            raise RejectedMessageError("the value is null", offset=record.offset)
        try:
            message = self.decode(record.value)
        except self.unresolved as error:
            raise RetryableError(str(error)) from error
        except self.unknown as error:
            self._wait_or_reject(record, error)
            raise
        except self.malformed as error:
            raise RejectedMessageError(str(error), offset=record.offset) from error
        self._first_met.clear()
        return message

    def _wait_or_reject(self, record: Record, error: Exception) -> None:
        place = (record.topic, record.partition, record.offset)
        now = self.clock.monotonic()
        first = self._first_met.setdefault(place, now)
        if now - first < self.patience.total_seconds():
            raise RetryableError(str(error)) from error
        del self._first_met[place]
        raise RejectedMessageError(f"{error}, not after {self.patience.total_seconds():.0f} s", offset=record.offset)

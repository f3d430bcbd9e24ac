"""A compacted topic as a table in memory: read to its end before it is ready, followed from then on."""

from collections.abc import Callable

from chassis.records import Record
from chassis.settings import KafkaSettings


class TopicTable:
    """Feeds every record of a topic to `fold`, in order per partition; a component of a Lifecycle.

    `fold` may raise RejectedMessageError (logged, skipped) or RetryableError (tried again, nothing overtakes it).
    """

    def __init__(self, topic: str, settings: KafkaSettings, fold: Callable[[Record], None]) -> None:
        self._topic = topic
        self._settings = settings
        self._fold = fold

    @property
    def ready(self) -> bool:
        """Tell whether all that was there at the start has been folded."""
        raise NotImplementedError

    async def run(self) -> None:
        """Read until stopped."""
        raise NotImplementedError

    def stop(self) -> None:
        """Ask it to end."""
        raise NotImplementedError

    async def until_ready(self) -> None:
        """Return when it is ready."""
        raise NotImplementedError

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Return when the table is ready and the condition holds; it is looked at after every fold."""
        raise NotImplementedError(condition)

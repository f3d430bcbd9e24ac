"""The three outcomes of a message, no fourth: retry, dead-letter, or stop without committing (any other error)."""

from datetime import timedelta


class EscalonError(Exception):
    """Root of the errors we raise; the text names what and where, and never quotes a customer."""


class RetryableError(EscalonError):
    """The world may heal: keep the offset and try again after a back-off. The key waits, it is never overtaken."""


class RejectedMessageError(EscalonError):
    """The message will never be right: to the dead-letter topic, and the line goes on.

    `offset` names the record where a handler was given several; None means the only one.
    """

    def __init__(self, reason: str, *, offset: int | None = None) -> None:
        super().__init__(reason)
        self.offset = offset


class HeldError(RetryableError):
    """The first `handled` records of the batch are done; the next must wait, so its partition does.

    Not a fault: nothing backs off exponentially, nothing is counted as an error.
    """

    def __init__(self, reason: str, *, handled: int, retry_after: timedelta) -> None:
        super().__init__(reason)
        self.handled = handled
        self.retry_after = retry_after


class LostOwnershipError(EscalonError):
    """Another replica has moved on from the position this batch began at; nothing was written. Drop the batch."""


class StartUpError(EscalonError):
    """Something needed is missing or wrong; the text says what, where, and what to do. Shown as one line."""

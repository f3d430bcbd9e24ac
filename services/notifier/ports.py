"""What the notifier's handlers need: policies and the roster, a ledger that forgets nothing, ways to the world."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import NamedTuple, Protocol

import msgspec

from chassis.errors import EscalonError
from policy.model import Policy, VersionedPolicy
from policy.roster import Roster
from schemas.ids import NoticeId, PolicyVersion
from schemas.notifications import NoticeOutcome
from services.notifier.domain.notice import Address, FailureReason, Notice, Plan
from services.notifier.domain.outcomes import Receipt


class Policies(Protocol):
    """Every version of the procedure."""

    def get(self, version: PolicyVersion) -> Policy:
        """Return the version; raises RetryableError where it is not here yet."""
        ...

    def latest(self) -> VersionedPolicy:
        """Return the latest version; raises RetryableError where there is none yet."""
        ...


class Rosters(Protocol):
    """People and how to reach them; the latest version."""

    def current(self) -> Roster:
        """Return the roster in force; raises RetryableError where there is none yet."""
        ...


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a partition of `escalations.v1`: where it began and where the next begins."""

    partition: int
    position: int
    next_position: int


class Rank(NamedTuple):
    """A place in the order in which notices are sent: the most urgent first, then as they were planned."""

    urgency: int
    number: int


FIRST = Rank(0, 0)
"""Before all others."""


class PendingNotice(msgspec.Struct, frozen=True, kw_only=True):
    """A notice that is still to be delivered.

    `attempts` were begun; `interrupted` tells that one of them has no known end: it may have been sent.
    """

    rank: Rank
    partition: int
    notice: Notice
    attempts: int
    interrupted: bool


class Ledger(Protocol):
    """What was planned, what became of it, and how far the input was read; durable when a method returns."""

    async def positions(self) -> dict[int, int]:
        """Return the next position of each partition that has one."""
        ...

    async def record(self, progress: Progress, plans: Sequence[Plan]) -> None:
        """Add what was planned and move the position, together or not at all; notices it has already stay as they are.

        Raises LostOwnershipError, with nothing written, if the stored position is not where the stretch began.
        """
        ...

    async def pending(
        self, partitions: Collection[int], limit: int, after: Rank = FIRST, line: str | None = None
    ) -> list[PendingNotice]:
        """Return undelivered notices behind `after`, by rank; of one line (`Notice.line`) or of all.

        Within a lane that is the order they were planned in: who waits ahead of something urgent is as urgent. Those
        whose lane was postponed may be left out until the time is over.
        """
        ...

    async def begin_attempt(self, pending: PendingNotice) -> bool:
        """Note that it is about to be sent; False if another replica began or ended it meanwhile."""
        ...

    async def postpone(self, pending: PendingNotice, wait: timedelta, *, in_doubt: bool) -> None:
        """Note that the attempt begun on `pending` failed and its lane waits (real time) before the next.

        `in_doubt`: it may have reached the receiver, now or in an earlier attempt. An attempt that another replica
        began meanwhile is left alone.
        """
        ...

    async def conclude(self, notice_id: NoticeId, outcome: NoticeOutcome) -> None:
        """Store what became of it and, in the same transaction, what is to be published; repeating changes nothing."""
        ...

    async def unpublished(self, partitions: Collection[int], limit: int) -> list[tuple[int, NoticeOutcome]]:
        """Return outcomes that are not published yet, numbered, in order."""
        ...

    async def mark_published(self, numbers: Sequence[int]) -> None:
        """Note that these are published."""
        ...

    async def forget(self, older_than: timedelta, limit: int) -> int:
        """Remove at most so many notices whose outcome was published that long ago (real time); return how many.

        What a later notice may still require stays.
        """
        ...


class Outcomes(Protocol):
    """Where outcomes are published: `notifications.v1`."""

    async def publish(self, outcomes: Sequence[NoticeOutcome]) -> None:
        """Return when they are durable; raises RetryableError. May be repeated: ids are derived."""
        ...


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A notice on its way to one address. `key` is the same in every attempt, so a receiver may drop a repeat."""

    notice: Notice
    address: Address
    key: str


class Channel(Protocol):
    """A way to the world outside."""

    @property
    def name(self) -> str:
        """Return what outcomes call it: slack, email, zendesk, sink."""
        ...

    def serves(self, address: Address) -> bool:
        """Tell whether it can reach the address."""
        ...

    async def send(self, letter: Letter) -> Receipt:
        """Deliver it; raises TryLaterError, UnknownOutcomeError or UndeliverableError."""
        ...

    async def find(self, letter: Letter) -> Receipt | None:
        """Look whether an earlier attempt got through; None if it did not, or if the receiver cannot tell.

        Raises TryLaterError if the receiver cannot be asked now.
        """
        ...


class DeliveryError(EscalonError):
    """A letter did not get through; the text names the receiver's answer and never quotes the letter."""


class TryLaterError(DeliveryError):
    """Nothing was delivered, and later it may be; `retry_after` if the receiver said when."""

    def __init__(
        self,
        message: str,
        *,
        retry_after: timedelta | None = None,
        reason: FailureReason = FailureReason.EXHAUSTED,
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.reason = reason


class UnknownOutcomeError(DeliveryError):
    """The receiver did not answer: it may have been delivered."""


class UndeliverableError(DeliveryError):
    """The address will never take it."""

    def __init__(self, message: str, reason: FailureReason) -> None:
        super().__init__(message)
        self.reason = reason

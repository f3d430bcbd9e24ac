"""Ports in memory, for stories and tests: the same promises, nothing durable."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from chassis.errors import LostOwnershipError
from schemas.ids import NoticeId
from schemas.notifications import NoticeOutcome
from schemas.vocabulary import NoticeKind
from services.notifier.domain.notice import Address, Notice, Plan, Supersession
from services.notifier.domain.outcomes import Receipt, superseded
from services.notifier.ports import FIRST, Letter, PendingNotice, Progress, Rank


@dataclass(slots=True)
class _Entry:
    rank: Rank
    partition: int
    notice: Notice
    attempts: int = 0
    interrupted: bool = False
    outcome: NoticeOutcome | None = None
    published: bool = False


class InMemoryLedger:
    """Keeps everything in a dict; a stretch is recorded together or not at all."""

    def __init__(self) -> None:
        self._positions: dict[int, int] = {}
        self._entries: dict[NoticeId, _Entry] = {}
        self._planned = 0

    async def positions(self) -> dict[int, int]:
        """Return the next position of each partition."""
        return dict(self._positions)

    async def record(self, progress: Progress, plans: Sequence[Plan]) -> None:
        """Add what was planned and move the position."""
        stored = self._positions.get(progress.partition, progress.position)
        if stored != progress.position:
            raise LostOwnershipError(f"partition {progress.partition} is at {stored}, not at {progress.position}")
        for plan in plans:
            for supersession in plan.supersessions:
                self._supersede(supersession)
            for notice in plan.notices:
                self._add(notice, progress.partition)
        self._positions[progress.partition] = progress.next_position

    def _add(self, notice: Notice, partition: int) -> None:
        if notice.id in self._entries or not self._has_object(notice):
            return
        self._planned += 1
        lane = [entry for entry in self._entries.values() if entry.outcome is None and entry.notice.lane == notice.lane]
        for entry in lane:
            entry.rank = Rank(min(entry.rank.urgency, notice.urgency), entry.rank.number)
        self._entries[notice.id] = _Entry(Rank(notice.urgency, self._planned), partition, notice)

    def _has_object(self, notice: Notice) -> bool:
        return notice.requires is None or any(
            entry.notice.kind is notice.requires and entry.notice.about.ticket == notice.about.ticket
            for entry in self._entries.values()
        )

    def _supersede(self, supersession: Supersession) -> None:
        for entry in self._entries.values():
            lane = (supersession.ticket, supersession.recipient)
            untouched = entry.outcome is None and entry.attempts == 0
            if untouched and entry.notice.lane == lane and entry.notice.kind in supersession.kinds:
                entry.outcome = superseded(entry.notice, supersession.cause, supersession.at)

    async def pending(
        self, partitions: Collection[int], limit: int, after: Rank = FIRST, line: str | None = None
    ) -> list[PendingNotice]:
        """Return undelivered notices by rank; those that were postponed, too."""
        found = (
            PendingNotice(
                rank=entry.rank,
                partition=entry.partition,
                notice=entry.notice,
                attempts=entry.attempts,
                interrupted=entry.interrupted,
            )
            for entry in sorted(self._entries.values(), key=lambda entry: entry.rank)
            if entry.outcome is None and entry.partition in partitions and entry.rank > after
        )
        of_line = (pending for pending in found if line is None or pending.notice.line == line)
        return list(islice(of_line, limit))

    async def begin_attempt(self, pending: PendingNotice) -> bool:
        """Note that it is about to be sent."""
        entry = self._entries[pending.notice.id]
        if entry.outcome is not None or entry.attempts != pending.attempts:
            return False
        entry.attempts += 1
        entry.interrupted = True
        return True

    async def postpone(self, pending: PendingNotice, wait: timedelta, *, in_doubt: bool) -> None:
        """Note that the attempt failed; how long to wait is not kept."""
        del wait
        entry = self._entries[pending.notice.id]
        if entry.attempts == pending.attempts + 1:
            entry.interrupted = in_doubt

    async def conclude(self, notice_id: NoticeId, outcome: NoticeOutcome) -> None:
        """Store what became of it."""
        entry = self._entries[notice_id]
        entry.outcome = entry.outcome or outcome

    async def unpublished(self, partitions: Collection[int], limit: int) -> list[tuple[int, NoticeOutcome]]:
        """Return outcomes that are not published yet."""
        found = [
            (entry.rank.number, entry.outcome)
            for entry in self._entries.values()
            if entry.outcome is not None and not entry.published and entry.partition in partitions
        ]
        return found[:limit]

    async def mark_published(self, numbers: Sequence[int]) -> None:
        """Note that these are published."""
        for entry in self._entries.values():
            entry.published = entry.published or entry.rank.number in numbers

    async def forget(self, older_than: timedelta, limit: int) -> int:
        """Forget nothing: it ends with its process."""
        del older_than, limit
        return 0


class RecordingOutcomes:
    """Keeps what is published, and hands it on."""

    def __init__(self, on_published: Callable[[NoticeOutcome], None] | None = None) -> None:
        self.published: list[NoticeOutcome] = []
        self._on_published = on_published

    async def publish(self, outcomes: Sequence[NoticeOutcome]) -> None:
        """Keep them."""
        for outcome in outcomes:
            self.published.append(outcome)
            if self._on_published is not None:
                self._on_published(outcome)


class RecordingChannel:
    """Takes everything and keeps it; knows by its key what it took before."""

    def __init__(self, name: str = "sink") -> None:
        self.letters: list[Letter] = []
        self._name = name

    @property
    def name(self) -> str:
        """Return what outcomes call it."""
        return self._name

    def serves(self, address: Address) -> bool:
        """Tell that it can reach any address."""
        return bool(address.target)

    async def send(self, letter: Letter) -> Receipt:
        """Keep the letter."""
        self.letters.append(letter)
        return Receipt(via=self._name, external_id=letter.key)

    async def find(self, letter: Letter) -> Receipt | None:
        """Look whether it took the letter before."""
        taken = any(other.key == letter.key for other in self.letters)
        return Receipt(via=self._name, external_id=letter.key) if taken else None

    def told(self, kind: NoticeKind) -> list[Letter]:
        """Return the letters of one kind."""
        return [letter for letter in self.letters if letter.notice.kind is kind]

"""All checks over all evidence: one pass, then what each has to say."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import msgspec

from ops.verify.answers import CommandsAnswered, FindingsTaken
from ops.verify.evidence import Check, Moment, Piece, Reference, Seen, Source, Violation
from ops.verify.first_answers import FirstResponseAndAcceptance
from ops.verify.loss import DeliveriesRecorded, MergesTold, TicketsJudged, VerdictsActedOn
from ops.verify.notices import JournalAgrees, NoticesEnd
from ops.verify.ownership import OneOpenEscalation, OneOwner
from ops.verify.promises import ClocksRight, NoneEarly, ThresholdsOnce
from ops.verify.storage import EverythingRead, PublishedIsStored
from ops.verify.streams import LogWithoutGap, Streams
from schemas.escalations import StreamEvent


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """A violation as it is told."""

    where: str
    what: str


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What one check found. `looked_at` counts what it was about; None where its evidence is not to be had."""

    check: str
    promise: str
    looked_at: int | None
    under_way: int
    violations: tuple[Broken, ...]
    reason: str | None = None

    @property
    def verdict(self) -> str:
        """Return the result in a few words."""
        if self.looked_at is None:
            return "not looked at"
        if self.violations:
            return f"{len(self.violations)} violation{'s' if len(self.violations) > 1 else ''}"
        return "ok"


class Verification:
    """Feed it every piece: the events of topics partition by partition in order, then stores, then journals."""

    def __init__(self, reference: Reference) -> None:
        self._streams = Streams()
        self.checks: tuple[Check, ...] = (
            TicketsJudged(),
            VerdictsActedOn(self._streams),
            CommandsAnswered(self._streams),
            FindingsTaken(self._streams),
            MergesTold(),
            DeliveriesRecorded(self._streams),
            EverythingRead(),
            OneOpenEscalation(),
            OneOwner(),
            LogWithoutGap(self._streams),
            PublishedIsStored(self._streams),
            ThresholdsOnce(),
            NoneEarly(),
            ClocksRight(self._streams, reference),
            FirstResponseAndAcceptance(self._streams, reference),
            NoticesEnd(self._streams, reference),
            JournalAgrees(),
        )

    def take(self, piece: Piece) -> None:
        """Give a piece of evidence to every check; an event of a stream is folded first."""
        for check in self.checks:
            check.take(piece)
        if isinstance(piece, Seen) and isinstance(piece.message, StreamEvent):
            step = self._streams.take(piece, piece.message)
            if step is not None:
                for check in self.checks:
                    check.take(step)

    def results(self, moment: Moment, missing: Mapping[Source, str] = MappingProxyType({})) -> tuple[Result, ...]:
        """Return what each check has to say; `missing` says of sources why they could not be looked at."""
        return tuple(_result(check, moment, missing) for check in self.checks)


def verify(pieces: Iterable[Piece], reference: Reference, moment: Moment) -> tuple[Result, ...]:
    """Return the results over evidence that is at hand."""
    verification = Verification(reference)
    for piece in pieces:
        verification.take(piece)
    return verification.results(moment)


def _result(check: Check, moment: Moment, missing: Mapping[Source, str]) -> Result:
    if check.needs in missing:
        return Result(
            check=check.name,
            promise=check.promise,
            looked_at=None,
            under_way=0,
            violations=(),
            reason=missing[check.needs],
        )
    found: list[Violation] = []
    under_way = 0
    for violation in check.violations(moment):
        if moment.is_under_way(violation):
            under_way += 1
        else:
            found.append(violation)
    return Result(
        check=check.name,
        promise=check.promise,
        looked_at=check.looked_at,
        under_way=under_way,
        violations=tuple(Broken(where=one.where, what=one.what) for one in found),
    )

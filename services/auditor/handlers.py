"""What the auditor does with an event, and with the time that passes: look at a ticket again, doubt, and object."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from heapq import heappop, heappush

import msgspec

from chassis.errors import RetryableError
from schemas.escalations import StreamEvent
from schemas.ids import PolicyVersion
from schemas.vocabulary import ClockName
from services.auditor.domain.case import Case, Rule
from services.auditor.domain.comparing import standing
from services.auditor.domain.doubts import AUDITED, Doubt, Kind
from services.auditor.domain.judging import doubts_of_entries
from services.auditor.domain.opening_hours import NeverOpensError
from services.auditor.domain.reckoning import goes_on_after_the_close
from services.auditor.domain.ruler import Ruler, Rulers
from services.auditor.domain.taking_in import take_in, ticket_of
from services.auditor.ports import Cases, Policies

PRODUCER = "auditor"
LOOKED_BACK = timedelta(hours=24)
"""How long an escalation is looked at when it is over: its last verdicts come then, and objections are to be seen."""
_LOOKED_FOR_AFTER = timedelta(seconds=10)
"""How long until a ticket whose policy version has not arrived is looked at again."""


class NotAudited(StrEnum):
    """Why something is not audited."""

    CLOCK = "clock"
    """A clock that this release of the auditor does not know."""
    POLICY = "policy"
    """Its policy version has not arrived, or has what moves clocks in a way that is unknown here."""
    GAP = "gap"
    """Events of it are missing."""


class Objection(msgspec.Struct, frozen=True, kw_only=True):
    """A doubt that has stood for longer than is tolerated."""

    ticket: str
    reference: str
    doubt: Doubt


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """How all that is remembered stands. `oldest_silence_at`: since when (business time) the oldest silence is due."""

    silent: Counter[ClockName]
    disagreements: Counter[tuple[ClockName, Kind]]
    running: Counter[ClockName]
    not_audited: Counter[NotAudited]
    oldest_silence_at: datetime | None


class _Look(msgspec.Struct, frozen=True, kw_only=True):
    """What the last look at a ticket found, where nothing is wrong."""

    entries_judged: int = 0
    running: tuple[ClockName, ...] = ()
    not_audited: tuple[NotAudited, ...] = ()
    next_at: datetime | None = None


class _Trouble(msgspec.Struct, kw_only=True):
    """What is doubted of a ticket, each with when (real seconds) it was first; `lasting` never heals."""

    lasting: tuple[Doubt, ...] = ()
    doubts: dict[Doubt, float] = {}
    objected: set[Doubt] = set()


class Auditor:
    """Remembers tickets, looks again at those of which something came or is due, and objects to what stays wrong.

    It never decides: a doubt is an objection when it has stood for `tolerance` real seconds, so that a record that is
    on its way, and a fact that arrives late with its correction, are none.
    """

    def __init__(self, policies: Policies, cases: Cases, tolerance: timedelta) -> None:
        self._policies = policies
        self._cases = cases
        self._tolerance = tolerance.total_seconds()
        self._rulers: dict[Rule, Ruler] = {}
        self._touched: dict[str, None] = {}
        self._due: list[tuple[datetime, str]] = []
        self._looks: dict[str, _Look] = {}
        self._troubles: dict[str, _Trouble] = {}
        self._running: Counter[ClockName] = Counter()
        self._not_audited: Counter[NotAudited] = Counter()

    def take(self, event: StreamEvent, now: datetime) -> None:
        """Take in an event of `escalations.v1`; repeating it changes nothing.

        What was over long ago is laid aside at once, so that a start needs no memory for it.
        """
        ticket = ticket_of(event)
        before = self._cases.get(ticket)
        after = take_in(before, event)
        if after is before:
            return
        self._cases.put(ticket, after)
        if after is None:
            self._forget(ticket)
        elif self._is_past(after, now):
            self._lay_aside(ticket)
        else:
            self._touched[ticket] = None

    def to_look_at(self, now: datetime) -> list[str]:
        """Take out and return the tickets of which something came, or is due by now."""
        while self._due and self._due[0][0] <= now:
            at, ticket = heappop(self._due)
            if ticket in self._looks and self._looks[ticket].next_at == at:
                self._touched[ticket] = None
        tickets = list(self._touched)
        self._touched.clear()
        return tickets

    def look(self, ticket: str, now: datetime, seconds: float) -> None:
        """Compare a ticket's record with our reckoning; `seconds` is real time that never steps back."""
        case = self._cases.get(ticket)
        if case is None:
            return
        if self._is_past(case, now):
            self._lay_aside(ticket)
            return
        if case.has_gap:
            self._give_up(case, now, NotAudited.GAP)
            return
        rulers = self._rulers_of(case)
        if rulers is None or not all(ruler.understood for ruler in rulers.values()):
            # A version that is late may still come; one that is not understood stays so.
            self._give_up(case, now, NotAudited.POLICY, again_at=now + _LOOKED_FOR_AFTER if rulers is None else None)
            return
        try:
            self._compare(case, rulers, now, seconds)
        except NeverOpensError:
            self._give_up(case, now, NotAudited.POLICY)

    def objections(self, seconds: float) -> list[Objection]:
        """Return what has become an objection since the last time."""
        found = []
        for ticket, trouble in self._troubles.items():
            new = [doubt for doubt in self._standing(trouble, seconds) if doubt not in trouble.objected]
            trouble.objected.update(new)
            case = self._cases.get(ticket) if new else None
            reference = "" if case is None else case.reference
            found += [Objection(ticket=ticket, reference=reference, doubt=doubt) for doubt in new]
        return found

    def summary(self, seconds: float) -> Summary:
        """Return what is objected to now, what runs, and what is not audited."""
        doubts = [doubt for trouble in self._troubles.values() for doubt in self._standing(trouble, seconds)]
        silent = [doubt for doubt in doubts if doubt.kind is Kind.SILENT]
        return Summary(
            silent=Counter(doubt.clock for doubt in silent),
            disagreements=Counter((doubt.clock, doubt.kind) for doubt in doubts if doubt.kind is not Kind.SILENT),
            running=+self._running,
            not_audited=+self._not_audited,
            oldest_silence_at=min((doubt.since for doubt in silent), default=None),
        )

    def _compare(self, case: Case, rulers: Rulers, now: datetime, seconds: float) -> None:
        judged = self._looks.get(case.ticket, _Look()).entries_judged
        stands = standing(case, rulers, now)
        trouble = self._troubles.get(case.ticket, _Trouble())
        trouble.lasting = (*trouble.lasting, *doubts_of_entries(case, rulers, judged))
        trouble.doubts = {one: trouble.doubts.get(one, seconds) for one in (*trouble.lasting, *stands.doubts)}
        trouble.objected &= trouble.doubts.keys()
        self._troubles.pop(case.ticket, None)
        if trouble.doubts:
            self._troubles[case.ticket] = trouble
        ahead = (one for one in (stands.next_at, _to_be_laid_aside_at(case, now)) if one is not None)
        self._looked(
            case.ticket,
            _Look(
                entries_judged=len(case.entries),
                running=stands.running,
                not_audited=tuple(NotAudited.CLOCK for entry in case.entries if entry.clock not in AUDITED),
                next_at=min(ahead, default=None),
            ),
        )

    def _give_up(self, case: Case, now: datetime, reason: NotAudited, *, again_at: datetime | None = None) -> None:
        """Say that a ticket cannot be audited; it is looked at again then, and when it is to be laid aside."""
        self._troubles.pop(case.ticket, None)
        next_at = again_at or _to_be_laid_aside_at(case, now)
        self._looked(case.ticket, _Look(not_audited=(reason,), next_at=next_at))

    def _looked(self, ticket: str, look: _Look) -> None:
        before = self._looks.get(ticket)
        if before is not None:
            self._running.subtract(before.running)
            self._not_audited.subtract(before.not_audited)
        self._running.update(look.running)
        self._not_audited.update(look.not_audited)
        self._looks[ticket] = look
        if look.next_at is not None and (before is None or before.next_at != look.next_at):
            heappush(self._due, (look.next_at, ticket))

    def _is_past(self, case: Case, now: datetime) -> bool:
        """Tell whether it was over so long ago that nothing is expected of it; what follows the close is awaited.

        Where a version that it is held to is not here, none is known that promises a review, and none is awaited.
        """
        if case.over_at is None or now < case.over_at + LOOKED_BACK:
            return False
        rulers = self._rulers_of(case)
        return rulers is None or not goes_on_after_the_close(case, rulers)

    def _lay_aside(self, ticket: str) -> None:
        self._forget(ticket)
        self._cases.lay_aside(ticket)

    def _forget(self, ticket: str) -> None:
        if ticket in self._looks:
            self._looked(ticket, _Look())
            del self._looks[ticket]
        self._troubles.pop(ticket, None)
        self._touched.pop(ticket, None)

    def _standing(self, trouble: _Trouble, seconds: float) -> Iterable[Doubt]:
        return (doubt for doubt, since in trouble.doubts.items() if seconds - since >= self._tolerance)

    def _rulers_of(self, case: Case) -> Rulers | None:
        """Return what the case is judged by; None while a version of it has not arrived."""
        try:
            return {rule: self._ruler(rule) for rule in case.rules}
        except RetryableError:
            return None

    def _ruler(self, rule: Rule) -> Ruler:
        ruler = self._rulers.get(rule)
        if ruler is None:
            ruler = self._rulers[rule] = Ruler(self._policies.get(PolicyVersion(rule.policy_version)), rule.calendar)
        return ruler


def _to_be_laid_aside_at(case: Case, now: datetime) -> datetime | None:
    """Return when that is ahead; later it is what follows the close that is waited for."""
    ends_at = None if case.over_at is None else case.over_at + LOOKED_BACK
    return ends_at if ends_at is not None and ends_at > now else None

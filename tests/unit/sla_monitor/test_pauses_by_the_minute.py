"""Used time with pauses across changes of severity, against a model that walks minute by minute."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from policy.model import Policy
from policy.pauses import PauseCause, Pauses
from policy.targets import Measure, Target
from schemas.escalations import EscalationEvent
from schemas.vocabulary import ClockName, Severity
from services.sla_monitor.domain.explaining import Stretch, explain
from services.sla_monitor.domain.folding import fold
from services.sla_monitor.domain.ledger import ledger
from services.sla_monitor.domain.row import EscalationRow
from tests.unit.sla_monitor.asking import asked, policy_with, replied
from tests.unit.sla_monitor.telling import OFFICE, Telling, instant

MINUTE = timedelta(minutes=1)
BERLIN = ZoneInfo("Europe/Berlin")
STARTS = (instant("2026-06-04T06:40:00"), instant("2026-06-05T14:30:00"), instant("2026-03-27T13:17:00"))
"""Before the opening; late on a Friday; before the night the clocks change."""
CAUSES = st.lists(st.sampled_from(PauseCause), unique=True).map(tuple)
ONLY_QUESTIONS = st.sampled_from([(), (PauseCause.QUESTION,)])
PAUSES = st.builds(Pauses, resolution=CAUSES, update=ONLY_QUESTIONS)
WORDS = st.sampled_from(["question", "reply", "thanks", "update", "propose", "reject", "P1", "P2", "P3", "P4"])
Heard = dict[datetime, list[str]]
ACTS = st.lists(st.tuples(WORDS, st.integers(0, 30 * 60)), max_size=9)


def _told(telling: Telling, word: str, at: datetime) -> EscalationEvent:
    match word:
        case "question":
            return asked(telling, at)
        case "reply" | "thanks":
            return replied(telling, at, awaits=word == "reply")
        case "update":
            return telling.informed(at)
        case "propose":
            return telling.proposed(at)
        case "reject":
            return telling.rejected(at)
        case _:
            return telling.reclassified(at, Severity(word))


class ByTheMinute:
    """What a person with a watch would note: in each minute whether a question and a proposal wait, and what severity.

    `severity` is the one whose hours are looked at, whatever held at that minute.
    """

    def __init__(self, policy: Policy, opened_as: Severity, severity: Severity, start: datetime) -> None:
        self._policy = policy
        self._in_force = opened_as
        self._round_the_clock = severity in (Severity.P1, Severity.P2)
        self._asked = self._proposed = False
        self.minute = start.astimezone(UTC)
        self.used = self.stood = 0

    def walk(self, words: Iterable[str]) -> None:
        """Take in what happens at the beginning of a minute, and let it pass."""
        for word in words:
            self._hear(word)
        if self.stands():
            self.stood += 1
        elif self._is_open():
            self.used += 1
        self.minute += MINUTE

    def stands(self) -> bool:
        """Tell whether the resolution stands."""
        causes = self._policy.severities[self._in_force].pauses.resolution
        by_question = self._asked and PauseCause.QUESTION in causes
        return by_question or (self._proposed and PauseCause.PROPOSED_RESOLUTION in causes)

    def _hear(self, word: str) -> None:
        if word in set(Severity):
            self._in_force = Severity(word)
        elif word == "question":
            self._asked = True
        elif word != "update":
            self._asked = False
            self._proposed = word == "propose" or (self._proposed and word != "reject")

    def _is_open(self) -> bool:
        local = self.minute.astimezone(BERLIN)
        is_working_day = local.weekday() < 5 and local.date().isoformat() not in OFFICE.holidays
        return self._round_the_clock or (is_working_day and 9 <= local.hour < 17)


def _in_hours(policy: Policy) -> Policy:
    """Return the policy with resolutions in hours: business days have a rule of their own until the first pause."""
    hours = Target(measure=Measure.WORKING_TIME, amount=6 * 3600)
    calendars = {Severity.P3, Severity.P4}
    severities = {
        severity: replace(promises, resolution=hours) if severity in calendars else promises
        for severity, promises in policy.severities.items()
    }
    return replace(policy, severities=severities)


def _story(severity: Severity, start: datetime, acts: list[tuple[str, int]]) -> tuple[EscalationRow, Telling, Heard]:
    """Return the row after the acts, who told them, and what is heard at which minute."""
    telling, at = Telling(severity), start
    row = fold(None, telling.opened(start))
    heard: Heard = {}
    for word, gap in acts:
        at += gap * MINUTE
        row = fold(row, _told(telling, word, at))
        heard.setdefault(at, []).append(word)
    assert isinstance(row, EscalationRow)
    return row, telling, heard


@settings(max_examples=120, deadline=None)
@given(
    start=st.sampled_from(STARTS),
    severity=st.sampled_from(Severity),
    pauses=st.fixed_dictionaries(dict.fromkeys(Severity, PAUSES)),
    acts=ACTS,
    rest=st.integers(1, 24 * 60),
)
def test_used_and_paused_time_and_the_due_time_are_those_of_a_walk_minute_by_minute(
    start: datetime, severity: Severity, pauses: dict[Severity, Pauses], acts: list[tuple[str, int]], rest: int
) -> None:
    policy = _in_hours(policy_with(pauses=pauses))
    row, telling, heard = _story(severity, start, acts)
    now = max(heard, default=start) + rest * MINUTE
    walk = ByTheMinute(policy, severity, telling.severity, start)
    while walk.minute < now:
        walk.walk(heard.get(walk.minute, ()))

    clock = next(one for one in explain(row, policy, now) if one.clock is ClockName.RESOLUTION)
    paused = sum((one.length for one in clock.segments if one.what is Stretch.PAUSED), timedelta(0))
    entries = [one for one in ledger(row, policy, now) if one.clock is ClockName.RESOLUTION]
    assert (clock.used_seconds, paused) == (60 * walk.used, walk.stood * MINUTE)
    assert sum(((one.until or now) - one.since for one in entries), timedelta(0)) == paused

    if clock.verdict is None and not walk.stands():
        while 60 * walk.used < clock.target_seconds:
            walk.walk(())
        assert clock.due_at == walk.minute

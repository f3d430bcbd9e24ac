"""Random stories, made so that they shrink: each step is drawn by itself, and what it means is found on the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from hypothesis import strategies as st

from policy.time_zones import zone_of
from tests.acceptance.model.escalation import COMMANDS, Escalation
from tests.acceptance.model.playing import Model, written
from tests.acceptance.model.telling import story_of

_TYPES = ("technical", "billing", "service", "compliance")
_SEVERITIES = ("P1", "P2", "P3", "P4")
_PEOPLE = ("ana", "ben", "cleo", "dov", "eli")
_MANAGEMENT, _OUTSIDER = "mia", "zoe"
_KEYS = ("zendesk-eu/1", "zendesk-eu/2")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
_ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Asia/Tehran",
    "America/St_Johns",
    "Pacific/Chatham",
)
_WEEKS: tuple[Mapping[str, Sequence[Sequence[str]]], ...] = (
    {day: [["09:00", "17:00"]] for day in _WEEKDAYS},
    {day: [["08:00", "12:00"], ["13:00", "18:00"]] for day in (*_WEEKDAYS, "sat")},
    {**{day: [["09:00", "17:00"]] for day in _WEEKDAYS[:4]}, "fri": [["09:00", "13:00"]]},
    {day: [["22:00", "06:00"]] for day in _WEEKDAYS},
    {"sat": [["00:00", "24:00"]], "sun": [["00:00", "02:30"], ["03:00", "24:00"]], "mon": [["00:00", "09:15"]]},
    {day: [["18:00", "24:00"]] for day in ("tue", "thu")},
    {day: [["00:00", "24:00"]] for day in (*_WEEKDAYS, "sat", "sun")},
)
_DAYS = tuple(
    date.fromisoformat(day)
    for day in (
        "2026-06-02",  # an ordinary week
        "2026-03-27",  # before the night the clocks change: Europe, Greenland
        "2026-04-03",  # Lord Howe, Chatham; Good Friday
        "2026-10-23",  # Europe, back
        "2026-10-30",  # America, back
        "2026-12-30",  # across New Year
        "2028-02-28",  # a leap day
    )
)
_GAPS = (0, 1, 20, 180, 437, 900, 2_700, 437, 180, 9_000, 28_800, 65_432, 200_000)
_NEAR = (timedelta(0), timedelta(seconds=-1), timedelta(seconds=1))
_UNTIL = (timedelta(hours=1), timedelta(hours=8), timedelta(days=1), timedelta(days=3), timedelta(days=9))
_ANSWERS_PROMISED: Mapping[str, Sequence[Mapping[str, Any] | None]] = {
    "P1": ({"measure": "elapsed", "amount": 1_200}, None),
    "P2": ({"measure": "elapsed", "amount": 5_400}, None),
    "P3": ({"measure": "working_time", "amount": 7_200}, {"measure": "elapsed", "amount": 7_200}, None),
    "P4": ({"measure": "business_days", "amount": 1}, {"measure": "working_time", "amount": 20_000}, None),
}
_STANDING: Sequence[Mapping[str, Sequence[str]]] = (
    {"resolution": ["proposed_resolution", "question"], "update": ["question"]},
    {"resolution": ["proposed_resolution", "question"]},
    {"resolution": ["proposed_resolution"], "update": ["question"]},
    {},
    {"resolution": ["question"]},
    {"resolution": []},
)
_REPLIES = ("Any news?", "No, it still does not work.", "And the second page?", "Yes, it works now", "Thank you!")
_ANY_TIME = (
    *("note", "accept", "update", "agent_replied", "reclassify", "changed", "reassign", "root_cause", "evidence"),
    *("resolve", "confirm", "reject", "close", "reopened", "customer_replied", "status", "deleted", "promise"),
    *("question", "customer_replied"),
)
_LIKELY = {
    "open": (*("accept", "update", "resolve", "reclassify", "resolve", "changed", "reassign"), *_ANY_TIME),
    "resolution_proposed": (*("reject", "confirm") * 5, "reclassify", "reassign", *_ANY_TIME),
    "confirmed": (*("root_cause", "evidence", "reclassify", "reassign", "update", "accept"), *_ANY_TIME),
    "closed": (*("reopened",) * 9, "root_cause", *_ANY_TIME),
}
"""By state; the first is the simplest."""
_IN_TALK = ("question", "question", "customer_replied", "question", "customer_replied", "question", "update")
"""Likely, too, while open, where the story's policy makes a difference to it."""
_TWO = ("merged_into", "merged_into", "merged_into", "update", "merged_into", "accept")
"""Likely, too, where two tickets are about the same."""


@dataclass(frozen=True)
class Step:
    """What happens next, if not `skipped`.

    `wait`: how long, or with `meet` the how-manieth of what is to come, at it or a second aside. `word`: which of those
    that are likely then. `other`: 7 is about the other ticket, and lower ones are where two are about the same.
    """

    skipped: bool
    meet: str | None
    wait: int
    near: timedelta
    other: int
    word: int
    who: int
    pick: int
    severity: str
    type: str
    flag: bool


_STEPS = st.builds(
    Step,
    skipped=st.integers(0, 9).map(lambda drawn: drawn == 0),
    meet=st.sampled_from((None, None, None, "due", "due", "hours")),
    wait=st.integers(0, len(_GAPS) - 1),
    near=st.sampled_from(_NEAR),
    other=st.integers(0, 7),
    word=st.integers(0, 99),
    who=st.sampled_from((0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4)),
    pick=st.integers(0, 4),
    severity=st.sampled_from(_SEVERITIES),
    type=st.sampled_from(_TYPES),
    flag=st.sampled_from((True, True, True, False)),
)


@st.composite
def _givens(draw: st.DrawFn) -> dict[str, Any]:
    day = draw(st.sampled_from(_DAYS))
    holidays = draw(st.lists(st.integers(0, 6), max_size=2, unique=True))
    calendar = {
        "time_zone": draw(st.sampled_from(_ZONES)),
        "weekly": draw(st.sampled_from(_WEEKS)),
        "holidays": [(day + timedelta(days=after)).isoformat() for after in holidays],
    }
    people = st.lists(st.sampled_from(_PEOPLE), max_size=3, unique=True)
    chains = {type_: [*draw(people), _MANAGEMENT] for type_ in _TYPES}
    given = {"day": day, "calendar": calendar, "chains": chains}
    return {**given, "severities": draw(_severities())} if draw(st.sampled_from((False, True, True))) else given


@st.composite
def _severities(draw: st.DrawFn) -> dict[str, Any]:
    """Draw what the default policy does not do: promise answers, and let clocks stand while a question waits."""
    given: dict[str, Any] = {severity: {} for severity in _SEVERITIES}
    for severity, promised in _ANSWERS_PROMISED.items():
        if (target := draw(st.sampled_from(promised))) is not None:
            given[severity]["next_reply"] = target
        if stands := draw(st.sampled_from(_STANDING)):
            given[severity]["pauses"] = stands
    return given


@st.composite
def random_stories(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a story, complete with what must follow."""
    two = draw(st.sampled_from((False, True)))
    given = draw(_givens())
    start = datetime.combine(given.pop("day"), time(), UTC) + timedelta(seconds=draw(st.integers(0, 86_399)))
    told = _Telling(given, start, two=two)
    for step in draw(st.lists(_STEPS, min_size=8, max_size=24)):
        if not step.skipped:
            told.take(step)
    until = told.now + draw(st.sampled_from(_UNTIL))
    return story_of(given, told.when, written(until))


class _Telling:
    """Turns steps into lines of `when`, while the model plays them."""

    def __init__(self, given: Mapping[str, Any], start: datetime, *, two: bool) -> None:
        self._model = Model(given)
        self._two = two
        self._given = given
        self.now = start
        self.when: list[dict[str, Any]] = []

    def take(self, step: Step) -> None:
        """Let the step happen."""
        self.now = max(self.now, self._instant(step))
        self._model.pass_time(self.now, inclusive=False)
        key, other = _KEYS if step.other < (5 if self._two else 7) else reversed(_KEYS)
        ticket = self._model.tickets.get(key)
        word, act = self._act(step, ticket)
        if word == "merged_into":
            word, act = self._merged(ticket, other)
        entry = {"at": written(self.now), "ticket": key, word: act}
        self._model.happen(entry)
        self.when.append(entry)

    def _instant(self, step: Step) -> datetime:
        gap = self.now + timedelta(seconds=_GAPS[step.wait])
        if step.meet is None:
            return gap
        ahead = self._ahead() if step.meet == "due" else self._hours()
        return ahead[step.wait % len(ahead)] + step.near if ahead else gap

    def _ahead(self) -> list[datetime]:
        return sorted({at for at, _ in self._model.upcoming() if at >= self.now})

    def _hours(self) -> list[datetime]:
        """Return openings, closings and midnights to come; the clocks change at night."""
        week = self._model.calendar.windows(self.now, self.now + timedelta(days=5))
        edges = {edge for window in week for edge in window}
        zone = zone_of(self._model.calendar.zone)
        midnight = datetime.combine(self.now.astimezone(zone).date(), time(), zone)
        edges |= {(midnight + timedelta(days=days, hours=2)).astimezone(UTC) for days in range(1, 4)}
        return sorted(edge for edge in edges if edge >= self.now)

    def _act(self, step: Step, ticket: Escalation | None) -> tuple[str, Any]:
        verdict = {"qualifies": True, "reasons": ["agent_escalated"], "severity": step.severity, "type": step.type}
        if not step.flag and (step.pick == 0 or self._two):
            verdict = {"qualifies": False, "reasons": []}
        if ticket is None:
            return "opened", {"subject": "It stopped", "verdict": verdict}
        likely = _LIKELY.get(ticket.state or "", _ANY_TIME)
        likely = (*_IN_TALK, *likely) if ticket.state == "open" and "severities" in self._given else likely
        likely = (*_TWO, *likely) if self._two else likely
        word = likely[step.word % len(likely)]
        if word in ("deleted", "close") and step.pick != 4:  # An end is rare, or much would go unseen.
            word = "note"
        if word == "promise" or word in COMMANDS:
            return "update" if word == "promise" else word, self._command(word, step, ticket)
        return word, {
            "changed": {"verdict": verdict},
            "agent_replied": {"by": self._who(step, ticket), "text": "See", "public": step.flag, "bot": step.pick == 1},
            "customer_replied": {"text": _REPLIES[step.pick]},
            "reopened": {},
            "merged_into": None,
            "deleted": {},
            "status": "solved",
        }[word]

    def _merged(self, ticket: Escalation | None, into: str) -> tuple[str, Any]:
        """Merge it into a ticket that exists."""
        is_known = into in self._model.tickets and ticket is not None
        return ("merged_into", into) if is_known else ("customer_replied", {"text": _REPLIES[0]})

    def _command(self, word: str, step: Step, ticket: Escalation) -> dict[str, Any]:
        if word in ("confirm", "reject"):
            return {}
        chain = [*self._chain(ticket), _OUTSIDER]
        said: dict[str, dict[str, str]] = {
            "update": {"text": "We are at it"},
            "question": {"text": "Since when?"},
            "promise": {"text": "We are at it", "next_at": self._promised(step)},
            "note": {"text": "Waiting"},
            "root_cause": {"category": "defect", "text": "A key had expired"},
            "evidence": {"link": "https://logs.example/1"},
            "resolve": {"category": "fixed", "steps": "Renewed the key"},
            "reassign": {"to": chain[step.pick % len(chain)], "reason": "End of shift"},
            "reclassify": {**self._reclassified(step), "reason": "Seen again"},
            "close": {"reason": "Agreed by phone"},
        }
        return {"by": self._who(step, ticket), **said.get(word, {})}

    def _promised(self, step: Step) -> str:
        return written(self.now + timedelta(seconds=_GAPS[step.pick * 2] - (0 if step.flag else 60)))

    @staticmethod
    def _reclassified(step: Step) -> dict[str, str]:
        both = {"severity": step.severity, "type": step.type}
        return both if step.pick == 0 else {"type": step.type} if step.pick == 1 else {"severity": step.severity}

    def _chain(self, ticket: Escalation) -> list[str]:
        return ticket.chain if ticket.type else [_MANAGEMENT]

    def _who(self, step: Step, ticket: Escalation) -> str:
        chain = self._chain(ticket)
        owner = ticket.owner or chain[0]
        behind = chain[(chain.index(owner) + 1) % len(chain)] if owner in chain else chain[0]
        return (owner, chain[-1], behind, chain[step.pick % len(chain)], _OUTSIDER)[step.who]

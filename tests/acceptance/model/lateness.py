"""Stories of which a second telling differs only in what was late or away: all verdicts must come out the same.

Late are replies of agents and updates to the customer, which count from when they were written. Not late, as it rightly
makes a difference, are commands that decide what may be done next - a resolution, its answer, another severity, the
record - nor an update beyond the next of these: it may close the escalation, and what arrives then is refused.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from ops.scenario.setting import setting_of
from ops.scenario.world import World
from schemas.codec import Codec, SchemaBook
from schemas.escalations import SlaBreached, SlaCorrected, SlaKept
from schemas.message import Message
from schemas.vocabulary import Verdict
from tests.acceptance.model.playing import instant, written
from tests.acceptance.model.telling import written_to

_CODEC = Codec(SchemaBook())
_START = instant("2026-10-23T13:20:00Z")
_GAPS = (60, 300, 899, 1_800, 1_801, 3_600, 7_200, 14_400, 40_000, 90_000)
_CALENDAR = {
    "time_zone": "Europe/Berlin",
    "weekly": {day: [["09:00", "12:00"], ["13:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
    "holidays": ["2026-10-27"],
}
_CHAINS = {type_: ["ana", "ben", "mia"] for type_ in ("technical", "billing", "service", "compliance")}
_SEVERITIES = st.sampled_from(("P1", "P2", "P3", "P4"))
_REPLY: dict[str, Any] = {"agent_replied": {"by": "front", "text": "We are at it", "public": True, "bot": False}}
SERVICES_AWAY = ("sla_monitor", "classifier", "notifier", "router")
_DECIDES = ("resolve", "confirm", "reject", "evidence", "root_cause", "reclassify")
_ACTS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.sampled_from(
        (
            _REPLY,
            _REPLY,
            {"update": {"by": "ana", "text": "We are at it"}},
            {"resolve": {"by": "ana", "category": "fixed", "steps": "Renewed the key"}},
            {"reject": {}},
            {"confirm": {}},
            {"evidence": {"by": "ana", "link": "https://logs.example/1"}},
            {"root_cause": {"by": "ana", "category": "defect", "text": "A key had expired"}},
        )
    ),
    _SEVERITIES.map(lambda to: {"reclassify": {"by": "ana", "severity": to, "reason": "Seen again"}}),
)

Verdicts = Counter[tuple[str, Verdict]]


@st.composite
def told_twice(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draw a story whose owner accepts at once and stays, and the same with what is late and services away."""
    verdict = {"qualifies": True, "reasons": ["agent_escalated"], "severity": draw(_SEVERITIES), "type": "technical"}
    on_time: list[dict[str, Any]] = [
        {"at": written(_START), "opened": {"subject": "It stopped", "verdict": verdict}},
        {"at": written(_START + timedelta(seconds=1)), "accept": {"by": "ana"}},
    ]
    now = _START
    for gap, act in draw(st.lists(st.tuples(st.sampled_from(_GAPS), _ACTS), min_size=1, max_size=12)):
        now += timedelta(seconds=gap)
        on_time.append({"at": written(now), **act})
    late = [_late(draw, entry, on_time[number + 1 :]) for number, entry in enumerate(on_time)]
    late += [_away(draw, now) for _ in range(draw(st.sampled_from((0, 1, 2, 3, 3))))]
    until = now + timedelta(days=12)
    return _story(on_time, until), _story(sorted(late, key=_arrives), until)


def _late(draw: st.DrawFn, entry: dict[str, Any], behind: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    if "agent_replied" not in entry and "update" not in entry:
        return entry
    arrives = instant(entry["at"]) + timedelta(seconds=draw(st.sampled_from((0, *_GAPS))))
    if "update" in entry:
        decided = (instant(one["at"]) for one in behind if any(word in one for word in _DECIDES))
        arrives = min(arrives, next(decided, arrives))
    return {**entry, "arrives": written(arrives)}


def _away(draw: st.DrawFn, last: datetime) -> dict[str, Any]:
    since = _START + timedelta(seconds=draw(st.integers(2, max(int((last - _START).total_seconds()), 2))))
    service = draw(st.sampled_from(SERVICES_AWAY))
    until = since + timedelta(seconds=draw(st.sampled_from(_GAPS)))
    return {"at": written(since), "down": service, "until": written(until)}


def late_or_away(story: Mapping[str, Any]) -> set[str]:
    """Return which words of the story are late, and which services are away while something happens."""
    late = {word for entry in story["when"] if _arrives(entry) > instant(entry["at"]) for word in entry}
    away = {
        gone["down"]
        for gone in story["when"]
        for entry in story["when"]
        if "down" in gone and gone["at"] < written(_arrives(entry)) < gone["until"]
    }
    return (late | away) - {"at", "arrives"}


def _arrives(entry: Mapping[str, Any]) -> datetime:
    return instant(entry.get("arrives", entry["at"]))


def _story(when: Sequence[Mapping[str, Any]], until: datetime) -> dict[str, Any]:
    given = {"calendar": _CALENDAR, "chains": _CHAINS}
    return {"name": "A story", "given": given, "when": when, "then": [], "complete": [], "until": written(until)}


class _Listening(World):
    """Keeps the last verdict on each cycle of each clock."""

    verdicts: dict[tuple[str, int], Verdict]

    def _publish(self, message: Message) -> None:
        match message:
            case SlaKept():
                self.verdicts[message.clock, message.cycle] = Verdict.KEPT
            case SlaBreached():
                self.verdicts[message.clock, message.cycle] = Verdict.BROKEN
            case SlaCorrected():
                self.verdicts[message.clock, message.cycle] = message.verdict
            case _:
                pass
        super()._publish(message)


async def verdicts_of(story: Mapping[str, Any], folder: Path) -> Verdicts:
    """Return how many cycles of each clock were kept and broken in the end.

    Of updates only the broken ones: a P4 promises none, so what was called broken and was not may end as kept there.
    """
    read = written_to(folder / "story.yaml", story)
    world = _Listening(read, setting_of(read), _CODEC)
    world.verdicts = {}
    await world.play()
    counted = Counter((clock, verdict) for (clock, _), verdict in world.verdicts.items())
    del counted["update", Verdict.KEPT]
    return counted

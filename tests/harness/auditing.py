"""A story whose record is audited while it is played: the auditor looks whenever an instant has come to rest."""

from datetime import timedelta
from pathlib import Path

from ops.scenario.reading import read_story
from ops.scenario.setting import setting_of
from ops.scenario.world import World
from schemas.codec import Codec, SchemaBook
from schemas.escalations import StreamEvent
from schemas.message import Message
from services.auditor.adapters.in_memory import InMemoryCases
from services.auditor.domain.doubts import Doubt
from services.auditor.handlers import Auditor, Summary

STORIES = Path(__file__).parents[1] / "acceptance" / "scenarios"
TOLERANCE = timedelta(minutes=5)


class AuditedWorld(World):
    """Plays one story, and keeps what the auditor objects to."""

    def __init__(self, story: Path, tolerance: timedelta = TOLERANCE) -> None:
        told = read_story(story)
        setting = setting_of(told)
        super().__init__(told, setting, Codec(SchemaBook()))
        self._auditor = Auditor(self._policies, InMemoryCases(), tolerance)
        self._tolerance = tolerance
        self.objections: list[Doubt] = []

    async def audit(self) -> Summary:
        """Play to the end, let the tolerance pass, and return how all stands then."""
        await self.play()
        return self._compare(self._tolerance)

    def _publish(self, message: Message) -> None:
        super()._publish(message)
        if isinstance(message, StreamEvent):
            self._auditor.take(message, self._clock.now())

    async def _come_to_rest(self) -> None:
        await super()._come_to_rest()
        self._compare()

    def _compare(self, later: timedelta = timedelta(0)) -> Summary:
        now = max(self._clock.now(), self._story.until) if later else self._clock.now()
        seconds = self._clock.monotonic()
        for ticket in self._auditor.to_look_at(now):
            self._auditor.look(ticket, now, seconds)
        seconds += later.total_seconds()
        self.objections += [objection.doubt for objection in self._auditor.objections(seconds)]
        return self._auditor.summary(seconds)

"""Evidence of a run that went right: a story played through all four services, taken down as an outsider would."""

import functools
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from ops.scenario.language import Story
from ops.scenario.reading import read_story
from ops.scenario.setting import Setting, setting_of
from ops.scenario.world import World
from ops.verify.evidence import Journaled, Moment, Piece, ReadUpTo, Reference, Seen, Stored, version_of
from ops.verify.verification import Result, verify
from schemas.catalogue import SERVICES, inputs_of, topic_of
from schemas.codec import Codec, SchemaBook
from schemas.escalations import StreamEvent
from schemas.message import Message
from schemas.notifications import NoticeDelivered
from wire.reference_data import PolicyRegistry, RosterRegistry

EventT = TypeVar("EventT", bound=Message)
STORIES = Path(__file__).parents[1] / "acceptance" / "scenarios"


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken down of a run, in order, and what it is judged by."""

    pieces: tuple[Piece, ...]
    reference: Reference
    at: datetime

    @property
    def seen(self) -> tuple[Seen, ...]:
        """What stands on topics."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Seen))

    def of(self, kind: type[EventT]) -> list[EventT]:
        """Return the events of a kind, in order."""
        return [one.message for one in self.seen if isinstance(one.message, kind)]

    def without_events(self, *messages: Message) -> "Taken":
        """Return the evidence less what stands on topics of these events; stores and journals stay."""
        ids = {message.meta.id for message in messages}
        return self.without(*(one for one in self.seen if one.message.meta.id in ids))

    def with_event(self, message: Message, offset: int = 10_000) -> "Taken":
        """Return the evidence with one more event at the end of its topic."""
        return self.with_piece(Seen(topic_of(type(message)).name, 0, offset, self.at, message))

    def with_other(self, message: Message, other: Message) -> "Taken":
        """Return the evidence with an event on a topic exchanged."""
        (seen,) = [one for one in self.seen if one.message is message]
        return self.instead(seen, replace(seen, message=other))

    def without(self, *pieces: Piece) -> "Taken":
        """Return the evidence less some of its pieces."""
        return replace(self, pieces=tuple(one for one in self.pieces if one not in pieces))

    def with_piece(self, *pieces: Piece) -> "Taken":
        """Return the evidence with more pieces at its end."""
        return replace(self, pieces=(*self.pieces, *pieces))

    def instead(self, piece: Piece, other: Piece) -> "Taken":
        """Return the evidence with one piece exchanged."""
        return replace(self, pieces=tuple(other if one is piece else one for one in self.pieces))

    def results(self, moment: Moment | None = None) -> dict[str, Result]:
        """Return what each check has to say, by its name."""
        found = verify(self.pieces, self.reference, moment or Moment(real=self.at, business=self.at))
        return {result.check: result for result in found}

    def broken(self, moment: Moment | None = None) -> dict[str, list[str]]:
        """Return what is broken, by check."""
        return {
            name: [f"{one.where}: {one.what}" for one in result.violations]
            for name, result in self.results(moment).items()
            if result.violations
        }


class _Recorded(World):
    """A world that takes down what is published, as on topics of one partition."""

    def __init__(self, story: Story, setting: Setting) -> None:
        super().__init__(story, setting, _codec())
        self.seen: list[Seen] = []
        self._ends: dict[str, int] = {}

    def _publish(self, message: Message) -> None:
        super()._publish(message)
        topic = topic_of(type(message)).name
        offset = self._ends.get(topic, 0)
        self._ends[topic] = offset + 1
        self.seen.append(Seen(topic, 0, offset, self._clock.now(), message))


async def evidence_of(story_file: str) -> Taken:
    """Play a story and return the evidence of it, stores and journals included, as they are when all is at rest."""
    story = read_story(STORIES / story_file)
    setting = setting_of(story)
    world = _Recorded(story, setting)
    await world.play()
    reference = Reference(PolicyRegistry([*setting.published.values(), setting.policy]), RosterRegistry(setting.roster))
    seen = tuple(world.seen)
    last = max((one.written_at for one in seen), default=datetime(2026, 1, 1, tzinfo=UTC))
    return Taken((*seen, *_read(), *_stored(seen), *_journaled(seen)), reference, max(last, story.until))


@functools.cache
def _codec() -> Codec:
    """Return one codec for all stories: it costs more to make than a story to play."""
    return Codec(SchemaBook())


def _read() -> list[ReadUpTo]:
    return [ReadUpTo(service, topic.name, 0, 1_000_000) for service in SERVICES for topic in inputs_of(service)]


def _stored(seen: tuple[Seen, ...]) -> list[Stored]:
    events = (one.message for one in seen)
    return [Stored(version_of(event), event) for event in events if isinstance(event, StreamEvent)]


def _journaled(seen: tuple[Seen, ...]) -> list[Journaled]:
    events = (one.message for one in seen)
    return [Journaled(event.external_id or "", event.ticket) for event in events if isinstance(event, NoticeDelivered)]

"""Events about an escalation for tests of those who read them: filled in everywhere, with the words a test gives."""

from datetime import datetime
from typing import Any, TypeVar

from msgspec.structs import fields, replace

from schemas.escalations import EscalationEvent
from schemas.message import Message
from schemas.vocabulary import EscalationState
from tests.harness.examples import example_of

EventT = TypeVar("EventT", bound=Message)


def an_event(kind: type[EventT], event_id: str, at: datetime, /, **words: Any) -> EventT:
    """Return an event of the kind with an identity and an instant, and what is given of its own fields."""
    event = example_of(kind)
    sealed = replace(event.meta, id=event_id, occurred_at=at, recorded_at=at)
    own = {word: value for word, value in words.items() if word in {field.name for field in fields(event)}}
    return replace(event, meta=sealed, **own)


def about(event: EscalationEvent, version: int, **context: Any) -> Any:
    """Return the event as the given version of an escalation that is open, unless the context says otherwise."""
    given = {"state": EscalationState.OPEN, "version": version, **context}
    return replace(event, escalation=replace(event.escalation, **given))

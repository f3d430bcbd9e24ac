"""One example of every event, made from its types: filled in everywhere, the same each time."""

import types
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from schemas.message import Message, Record

RecordT = TypeVar("RecordT", bound=Record)

INSTANT = datetime(2026, 6, 2, 8, 0, 0, 123456, tzinfo=UTC)
_VALUES: dict[type, object] = {bool: True, int: 7, float: 0.5, datetime: INSTANT}


def example_of(event: type[RecordT]) -> RecordT:
    """Return the event with every field filled in."""
    hints = get_type_hints(event, include_extras=False)
    plain = {field.name: _value(field.name, hints[field.name]) for field in msgspec.structs.fields(event)}
    return event(**plain)


def sparse_example_of(event: type[Message]) -> Message:
    """Return the event with only what is required filled in; its identity besides."""
    hints = get_type_hints(event, include_extras=False)
    names = [field.name for field in msgspec.structs.fields(event) if field.required or field.name in _SEALED]
    return event(**{name: _value(name, hints[name]) for name in names})


_SEALED = ("meta", "escalation", "watch")


def _value(name: str, hint: Any) -> Any:
    hint = getattr(hint, "__supertype__", hint)
    if get_origin(hint) is Annotated:
        return _value(name, get_args(hint)[0])
    if get_origin(hint) in (Union, types.UnionType):
        return _value(name, next(part for part in get_args(hint) if part is not types.NoneType))
    if get_origin(hint) is tuple:
        return (_value(name, get_args(hint)[0]),)
    if hint is str:
        return f"{name} ü"
    if hint in _VALUES:
        return _VALUES[hint]
    if issubclass(hint, Enum):
        return next(iter(hint))
    return example_of(hint)

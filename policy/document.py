"""What every part of the policy document is made of: a frozen struct that knows no unknown word."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, TypeVar

import msgspec

_Value = TypeVar("_Value")

ADDED = "added"
Added = Annotated[_Value, msgspec.Meta(extra={ADDED: True})]
"""The type of a field that a released document did not have, `ends: Added[DayEnd] = DayEnd.SAME_TIME`.

Where it holds its default it is left out of what is published (`policy/publication.py`): so the release before, which
refuses unknown words, still reads the document, and a policy that does not use the field keeps its version. It stays
so marked for ever. A struct that is new as a whole needs no mark on its own fields, only on the field that holds it.
"""


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the policy or the roster; JSON on the wire, YAML in a folder."""


@cache
def added_defaults(part: type[Part]) -> Mapping[str, object]:
    """Return the fields of the part that are marked as `Added`, with the default of each."""
    return {field.encode_name: _default(field) for field in msgspec.structs.fields(part) if _is_added(field)}


def _is_added(field: msgspec.structs.FieldInfo) -> bool:
    marks = (mark for mark in getattr(field.type, "__metadata__", ()) if isinstance(mark, msgspec.Meta))
    return any(mark.extra is not None and ADDED in mark.extra for mark in marks)


def _default(field: msgspec.structs.FieldInfo) -> object:
    """Return the default; raises TypeError for a field that has none, which could never be left out."""
    if field.default is not msgspec.NODEFAULT:
        return field.default
    if field.default_factory is msgspec.NODEFAULT:
        raise TypeError(f"{field.name} is added later, so it needs a default")
    return field.default_factory()

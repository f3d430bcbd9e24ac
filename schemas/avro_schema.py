"""Avro schemas, generated from the event structs: the one place where a Python type becomes an Avro type."""

import inspect
import json
import types
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from schemas.message import ClosedSet, Message, OpenSet, Record

AVRO_FOLDER = Path(__file__).parent / "avro"
"""Current schemas, a file each; `released/<version>/` beside them holds every version ever released."""
_PRIMITIVES: dict[type, str] = {str: "string", bool: "boolean", int: "long", float: "double", bytes: "bytes"}


def schema_of(event: type[Message]) -> dict[str, Any]:
    """Return the Avro schema of an event, self-contained: each named type is defined where it first occurs."""
    return _record(event, set())


def schema_json(event: type[Message]) -> str:
    """Return the schema as the text that is kept in a file and put on `schemas.v1`."""
    return json.dumps(schema_of(event), indent=2, ensure_ascii=False) + "\n"


def released_schemas() -> dict[str, list[str]]:
    """Return the texts of all schemas ever released, by release."""
    return {
        folder.name: [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.avsc"))]
        for folder in sorted((AVRO_FOLDER / "released").iterdir())
    }


def _record(struct: type[Record], seen: set[str]) -> dict[str, Any]:
    full_name = f"{struct.namespace}.{struct.__name__}"
    seen.add(full_name)
    hints = get_type_hints(struct, include_extras=True)
    return {
        "type": "record",
        "name": struct.__name__,
        "namespace": struct.namespace,
        "doc": inspect.getdoc(struct) or "",
        "fields": [_field(field, hints[field.name], seen) for field in msgspec.structs.fields(struct)],
    }


def _field(field: msgspec.structs.FieldInfo, hint: Any, seen: set[str]) -> dict[str, Any]:
    marks = hint.__metadata__[0] if get_origin(hint) is Annotated else None
    bare = get_args(hint)[0] if marks is not None else hint
    described: dict[str, Any] = {"name": field.name, "type": _type(bare, seen)}
    if marks is not None:
        described["doc"] = marks.description
        if (marks.extra or {}).get("pii"):
            described["pii"] = True
    default = _default(field)
    if default is not msgspec.NODEFAULT:
        described["default"] = default
    return described


def _type(hint: Any, seen: set[str]) -> Any:
    hint = getattr(hint, "__supertype__", hint)
    if hint in _PRIMITIVES:
        return _PRIMITIVES[hint]
    if hint is datetime:
        return {"type": "long", "logicalType": "timestamp-micros"}
    if get_origin(hint) in (Union, types.UnionType):
        (inner,) = (part for part in get_args(hint) if part is not types.NoneType)
        return ["null", _type(inner, seen)]
    if get_origin(hint) is tuple:
        return {"type": "array", "items": _type(get_args(hint)[0], seen)}
    return _named(hint, seen)


def _named(hint: type, seen: set[str]) -> Any:
    if issubclass(hint, OpenSet):
        return "string"
    if issubclass(hint, ClosedSet):
        return _enum(hint, seen)
    if issubclass(hint, Record):
        full_name = f"{hint.namespace}.{hint.__name__}"
        return full_name if full_name in seen else _record(hint, seen)
    raise TypeError(f"{hint} has no Avro type")


def _enum(closed: type[ClosedSet], seen: set[str]) -> Any:
    full_name = f"escalon.{closed.__name__}"
    if full_name in seen:
        return full_name
    seen.add(full_name)
    return {
        "type": "enum",
        "name": closed.__name__,
        "namespace": "escalon",
        "doc": inspect.getdoc(closed) or "",
        "symbols": [word.value for word in closed],
    }


def _default(field: msgspec.structs.FieldInfo) -> Any:
    """Return the Avro default; drafts (a meta or context that is not sealed yet) are none."""
    value = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    if isinstance(value, Record):
        optional = all(not part.required for part in msgspec.structs.fields(type(value)))
        return msgspec.to_builtins(value) if optional else msgspec.NODEFAULT
    if isinstance(value, Enum):
        return value.value
    return list(value) if isinstance(value, tuple) else value

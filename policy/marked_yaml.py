"""YAML read by type: a document as the structs want it, each place with its line, and all mistakes at once.

What a scalar means follows from the type that is wanted there, so `17:00` is a time, `no` a language and
`2026-12-25` a holiday, with quotes or without.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from enum import Enum

import yaml
from msgspec import inspect
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from policy.problems import Problem

_NULL = "tag:yaml.org,2002:null"
_BOOLS = {"true": True, "false": False}
_SCALARS: tuple[type[inspect.Type], ...] = (inspect.BoolType, inspect.IntType, inspect.FloatType, inspect.StrType)
"""In the order in which an unquoted word is read where several are allowed."""
_Fields = dict[str, inspect.Field]


class _InvalidError(Exception):
    """The place holds something else; it has been noted."""


class MarkedDocument:
    """Reads the files of one document; collects problems and remembers on which line each place stands."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._places: dict[str, tuple[str, int]] = {}
        self._file = ""

    def read(self, file: str, text: str, struct: type, path: str, keys: Collection[str]) -> dict[str, object]:
        """Return the fields of the struct that a file gives, as plain values; mistakes are noted and left out.

        `path` is where the struct stands in the document, `keys` the fields that belong in this file.
        """
        self._file = file
        self._places.setdefault(path, (file, 0))
        self._places.update({_below(path, key): (file, 0) for key in keys})
        fields = {name: field for name, field in _fields_of(struct).items() if name in keys}
        try:
            node = yaml.compose(text, Loader=yaml.CSafeLoader)
            return {} if node is None and not fields else self._fields(node or _nothing(), fields, path)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self._note(path, f"not YAML: {error.problem}", line=mark.line + 1 if mark else 0)
        except yaml.YAMLError as error:
            self._note(path, f"not YAML: {str(error).splitlines()[0]}", line=0)
        except _InvalidError:
            pass
        return {}

    def problem(self, path: str, says: str) -> Problem:
        """Return a problem at the place, or where it would stand: with the line of the nearest place around it."""
        around = path
        while around and around not in self._places:
            around = around[: max(around.rfind("."), around.rfind("["), 0)]
        file, line = self._places.get(around, (self._file, 0))
        return Problem(file=file, line=line, path=path, says=says)

    def _note(self, path: str, says: str, *, line: int) -> None:
        self.problems.append(Problem(file=self._file, line=line, path=path, says=says))

    def _refuse(self, node: Node, path: str, allowed: str) -> _InvalidError:
        self._note(path, f"{_shown(node)} is not {allowed}", line=_line(node))
        return _InvalidError()

    def _value(self, node: Node, wanted: inspect.Type, path: str) -> object:
        self._places[path] = (self._file, _line(node))
        match wanted:
            case inspect.Metadata():
                return self._value(node, wanted.type, path)
            case inspect.StructType():
                return self._fields(node, _fields_of(wanted.cls), path)
            case inspect.DictType():
                return self._dict(node, wanted, path)
            case inspect.VarTupleType():
                items = self._items(node, path)
                return self._sound((item, wanted.item_type, f"{path}[{index}]") for index, item in enumerate(items))
            case inspect.TupleType():
                return self._tuple(node, wanted, path)
            case inspect.UnionType():
                return self._union(node, wanted, path)
            case _:
                return self._scalar(node, wanted, path)

    def _sound(self, items: Iterable[tuple[Node, inspect.Type, str]]) -> list[object]:
        """Return the values that are right; the mistakes in the others have been noted."""
        values: list[object] = []
        for node, wanted, path in items:
            try:
                values.append(self._value(node, wanted, path))
            except _InvalidError:
                continue
        return values

    def _entries(self, node: Node, path: str) -> Iterator[tuple[str, ScalarNode, Node]]:
        if not isinstance(node, MappingNode):
            raise self._refuse(node, path, "a mapping of names")
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self._note(path, "a name is a single word", line=_line(key))
            elif key.value in seen:
                self._note(_below(path, key.value), "stands here twice", line=_line(key))
            else:
                seen.add(key.value)
                yield key.value, key, value

    def _fields(self, node: Node, fields: _Fields, path: str) -> dict[str, object]:
        values: dict[str, object] = {}
        given: set[str] = set()
        for name, key, value in self._entries(node, path):
            field = fields.get(name)
            if field is None:
                allowed = ", ".join(fields)
                self._note(_below(path, name), f"unknown; allowed: {allowed}", line=_line(key))
                continue
            given.add(name)
            for sound in self._sound([(value, field.type, _below(path, name))]):
                values[name] = sound
        for name, field in fields.items():
            if field.required and name not in given:
                self._note(_below(path, name), "missing", line=_line(node))
        return values

    def _dict(self, node: Node, wanted: inspect.DictType, path: str) -> dict[str, object]:
        values: dict[str, object] = {}
        for name, key, value in self._entries(node, path):
            try:
                self._value(key, wanted.key_type, _below(path, name))
            except _InvalidError:
                continue
            for sound in self._sound([(value, wanted.value_type, _below(path, name))]):
                values[name] = sound
        return values

    def _items(self, node: Node, path: str) -> list[Node]:
        if not isinstance(node, SequenceNode):
            raise self._refuse(node, path, "a list")
        return list(node.value)

    def _tuple(self, node: Node, wanted: inspect.TupleType, path: str) -> list[object]:
        items = self._items(node, path)
        if len(items) != len(wanted.item_types):
            raise self._refuse(node, path, f"a list of {len(wanted.item_types)}")
        paths = [f"{path}[{index}]" for index in range(len(items))]
        return self._sound(zip(items, wanted.item_types, paths, strict=True))

    def _union(self, node: Node, wanted: inspect.UnionType, path: str) -> object:
        if wanted.includes_none and isinstance(node, ScalarNode) and node.tag == _NULL:
            return None
        others = [each for each in wanted.types if not isinstance(each, inspect.NoneType)]
        if len(others) == 1:
            return self._value(node, others[0], path)
        if isinstance(node, ScalarNode):
            for kind in _SCALARS:
                named = any(isinstance(each, kind) for each in others)
                if named and (_may_be(node, kind) or kind is inspect.StrType):
                    return self._scalar(node, kind(), path)
        raise self._refuse(node, path, "a single word, number, true or false")

    def _scalar(self, node: Node, wanted: inspect.Type, path: str) -> object:
        if not isinstance(node, ScalarNode) or node.tag == _NULL:
            raise self._refuse(node, path, _allowed(wanted))
        try:
            return _SCALAR_READERS[type(wanted)](node, wanted)
        except ValueError:
            raise self._refuse(node, path, _allowed(wanted)) from None


def _text(node: ScalarNode, _: inspect.Type) -> str:
    return str(node.value)


def _word(node: ScalarNode, wanted: inspect.Type) -> str:
    if node.value not in _words(wanted):
        raise ValueError
    return str(node.value)


def _integer(node: ScalarNode, wanted: inspect.Type) -> int:
    number = int(node.value)
    least = wanted.ge if isinstance(wanted, inspect.IntType) else None
    if node.style or (least is not None and number < least):
        raise ValueError
    return number


def _number(node: ScalarNode, _: inspect.Type) -> float:
    if node.style:
        raise ValueError
    return float(node.value)


def _truth(node: ScalarNode, _: inspect.Type) -> bool:
    if node.style or node.value not in _BOOLS:
        raise ValueError
    return _BOOLS[node.value]


def _instant(node: ScalarNode, _: inspect.Type) -> str:
    if datetime.fromisoformat(node.value).utcoffset() is None:
        raise ValueError
    return str(node.value)


_SCALAR_READERS = {
    inspect.StrType: _text,
    inspect.EnumType: _word,
    inspect.IntType: _integer,
    inspect.FloatType: _number,
    inspect.BoolType: _truth,
    inspect.DateTimeType: _instant,
}


def _allowed(wanted: inspect.Type) -> str:
    match wanted:
        case inspect.EnumType():
            return f"one of {', '.join(_words(wanted))}"
        case inspect.IntType(ge=int() as least):
            return f"a whole number of at least {least}"
        case inspect.DateTimeType():
            return "an instant with its zone, like 2026-06-01T09:00:00+02:00"
        case _:
            return _NAMES[type(wanted)]


_NAMES = {
    inspect.StrType: "a text",
    inspect.IntType: "a whole number",
    inspect.FloatType: "a number",
    inspect.BoolType: "true or false",
}


def _words(wanted: inspect.Type) -> list[str]:
    members: type[Enum] | None = wanted.cls if isinstance(wanted, inspect.EnumType) else None
    return [] if members is None else [str(member.value) for member in members]


def _may_be(node: ScalarNode, kind: type[inspect.Type]) -> bool:
    try:
        _SCALAR_READERS[kind](node, kind())
    except ValueError:
        return False
    return True


def _fields_of(struct: type) -> _Fields:
    described = inspect.type_info(struct)
    return {field.encode_name: field for field in described.fields} if isinstance(described, inspect.StructType) else {}


def _nothing() -> Node:
    mark = yaml.Mark("", 0, 0, 0, None, 0)
    return MappingNode("tag:yaml.org,2002:map", [], mark, mark)


def _shown(node: Node) -> str:
    if isinstance(node, ScalarNode):
        return repr(node.value) if node.value else "nothing"
    return "a list" if isinstance(node, SequenceNode) else "a mapping"


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key

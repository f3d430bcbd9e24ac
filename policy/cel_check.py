"""Types of a rule's CEL expression, checked before it ever runs.

What it guarantees: an expression without problems reads only fields there are, gives a true or false, and raises
nothing on any ticket, because every field that can be null is used only where the expression has ruled null out
(`x != null && x > 5`, `x == null || x > 5`, `x != null ? … : …`) or is compared with `==` or `!=`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from policy.cel_syntax import (
    Binary,
    Call,
    Conditional,
    Expression,
    Literal,
    Not,
    Path,
    Sequence,
    SyntaxProblemError,
    parse,
)


class Kind(Enum):
    """What a value is."""

    BOOL = "true or false"
    NUMBER = "a number"
    TEXT = "text"
    LIST = "a list of text"
    NULL = "null"


@dataclass(frozen=True, slots=True)
class FieldType:
    """Type of a field; `nullable` where nobody may have filled it in."""

    kind: Kind
    nullable: bool = False


Vocabulary = Mapping[str, FieldType]
"""Every field a rule may read, by its full path."""
_Known = frozenset[str]
_ORDER = frozenset({"<", "<=", ">", ">="})
_EQUALITY = frozenset({"==", "!="})
_TEXT_FUNCTIONS = frozenset({"contains", "startsWith", "endsWith"})


def problems_of(source: str, vocabulary: Vocabulary) -> list[str]:
    """Return what is wrong with the expression, for people; nothing where it is safe on every ticket."""
    try:
        expression = parse(source)
    except SyntaxProblemError as problem:
        return [str(problem)]
    check = _Check(vocabulary)
    found = check.type_of(expression, frozenset())
    if found is not None and (found.kind is not Kind.BOOL or found.nullable):
        check.problems.append(f"a rule is true or false, this one is {_says(found)}")
    return list(dict.fromkeys(check.problems))


def _says(found: FieldType) -> str:
    return f"{found.kind.value} or null" if found.nullable else found.kind.value


class _Check:
    """Walks the tree; `known` are the paths that cannot be null at that place. None is a type already complained of."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self.problems: list[str] = []

    def type_of(self, expression: Expression, known: _Known) -> FieldType | None:
        match expression:
            case Literal(value):
                return _literal_type(value)
            case Path():
                return self._path(expression, known)
            case Not(operand):
                return self._demand(operand, Kind.BOOL, known)
            case Binary():
                return self._binary(expression, known)
            case Conditional():
                return self._conditional(expression, known)
            case Sequence():
                return self._sequence(expression, known)
            case _:
                return self._call(expression, known)

    def _sequence(self, sequence: Sequence, known: _Known) -> FieldType:
        for item in sequence.items:
            self._demand(item, Kind.TEXT, known)
        return FieldType(Kind.LIST)

    def _path(self, path: Path, known: _Known) -> FieldType | None:
        name = str(path)
        found = self._vocabulary.get(name)
        if found is None:
            head = path.names[0] + "."
            among = sorted(field for field in self._vocabulary if field.startswith(head))
            allowed = among or sorted({field.split(".")[0] for field in self._vocabulary})
            self.problems.append(f"there is no {name!r}; allowed: {', '.join(allowed)}")
            return None
        return FieldType(found.kind) if name in known else found

    def _demand(self, expression: Expression, kind: Kind, known: _Known) -> FieldType:
        found = self.type_of(expression, known)
        if found is not None and found.kind is not kind:
            self.problems.append(f"{_name(expression)} is {_says(found)}, not {kind.value}")
        elif found is not None and found.nullable:
            self.problems.append(
                f"{_name(expression)} may be null: say what then, as in {_name(expression)} != null && …"
            )
        return FieldType(kind)

    def _binary(self, expression: Binary, known: _Known) -> FieldType:
        left, right = expression.left, expression.right
        if expression.operator in {"&&", "||"}:
            self._demand(left, Kind.BOOL, known)
            gained = _not_null(left, holds=expression.operator == "&&")
            self._demand(right, Kind.BOOL, known | gained)
        elif expression.operator in _EQUALITY:
            self._equality(expression, known)
        elif expression.operator in _ORDER:
            self._demand(left, Kind.NUMBER, known)
            self._demand(right, Kind.NUMBER, known)
        else:
            self._membership(expression, known)
        return FieldType(Kind.BOOL)

    def _equality(self, expression: Binary, known: _Known) -> None:
        left = self.type_of(expression.left, known)
        right = self.type_of(expression.right, known)
        if left is None or right is None or Kind.NULL in {left.kind, right.kind}:
            return
        if left.kind is not right.kind:
            sides = f"{_name(expression.left)} is {_says(left)}, {_name(expression.right)} is {_says(right)}"
            self.problems.append(f"{sides}: they are never equal")

    def _membership(self, expression: Binary, known: _Known) -> None:
        found = self.type_of(expression.left, known)
        if found is not None and found.kind is not Kind.TEXT:
            self.problems.append(f"{_name(expression.left)} is {_says(found)}, not {Kind.TEXT.value}")
        self._demand(expression.right, Kind.LIST, known)

    def _conditional(self, expression: Conditional, known: _Known) -> FieldType | None:
        self._demand(expression.test, Kind.BOOL, known)
        then = self.type_of(expression.then, known | _not_null(expression.test, holds=True))
        otherwise = self.type_of(expression.otherwise, known | _not_null(expression.test, holds=False))
        if then is None or otherwise is None:
            return None
        if then.kind is not otherwise.kind:
            self.problems.append(f"both sides of ':' must be the same, not {_says(then)} and {_says(otherwise)}")
            return None
        return FieldType(then.kind, nullable=then.nullable or otherwise.nullable)

    def _call(self, call: Call, known: _Known) -> FieldType | None:
        if call.function == "size" and len(call.arguments) == 1:
            found = self.type_of(call.arguments[0], known)
            if found is not None and (found.nullable or found.kind not in {Kind.TEXT, Kind.LIST}):
                self.problems.append(f"size is of text or a list, not of {_says(found)}")
            return FieldType(Kind.NUMBER)
        if call.function in _TEXT_FUNCTIONS and len(call.arguments) == 2:
            for argument in call.arguments:
                self._demand(argument, Kind.TEXT, known)
            return FieldType(Kind.BOOL)
        self.problems.append(f"no {call.function!r} with {len(call.arguments)} arguments; allowed: size(x), {_ALLOWED}")
        return None


_ALLOWED = ", ".join(f"x.{name}(y)" for name in sorted(_TEXT_FUNCTIONS))


def _literal_type(value: bool | float | str | None) -> FieldType:
    if value is None:
        return FieldType(Kind.NULL)
    if isinstance(value, bool):
        return FieldType(Kind.BOOL)
    return FieldType(Kind.TEXT if isinstance(value, str) else Kind.NUMBER)


def _not_null(test: Expression, *, holds: bool) -> _Known:
    """Return the paths that are not null when `test` came out true (`holds`) or false."""
    match test:
        case Not(operand):
            return _not_null(operand, holds=not holds)
        case Binary("&&" | "||" as operator, left, right):
            sides = _not_null(left, holds=holds), _not_null(right, holds=holds)
            both = (operator == "&&") is holds
            return sides[0] | sides[1] if both else sides[0] & sides[1]
        case Binary("==" | "!=" as operator, Path() as path, Literal(value)) | Binary(
            "==" | "!=" as operator, Literal(value), Path() as path
        ):
            differs = (operator == "!=") is holds
            return frozenset({str(path)}) if differs is (value is None) else frozenset()
        case _:
            return frozenset()


def _name(expression: Expression) -> str:
    match expression:
        case Path():
            return str(expression)
        case Literal(value):
            return "null" if value is None else repr(value)
        case Call(function):
            return f"{function}(…)"
        case Not():
            return "!…"
        case Binary(operator):
            return f"… {operator} …"
        case Conditional():
            return "… ? … : …"
        case Sequence():
            return "[…]"

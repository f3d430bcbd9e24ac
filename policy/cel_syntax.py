"""Reads a rule's CEL expression into a tree, so that it can be checked before it ever runs.

Rules compare and combine: a part of CEL (comparisons, `&& || ! ?:`, `in`, literals, lists, `size`, `contains`,
`startsWith`, `endsWith`). Arithmetic is left out, since it can fail on a value (overflow, mixed types). Whatever is
not read here is refused at load, so nothing unchecked reaches the evaluator.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

LONGEST = 2000
_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+\.\d+(?:[eE][-+]?\d+)?|\d+)|(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"""|(?P<name>[A-Za-z_]\w*)|(?P<operator>\|\||&&|[=!<>]=|[-<>!?:()\[\].,]))"""
)
_LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"||"}),
    frozenset({"&&"}),
    frozenset({"==", "!=", "<", "<=", ">", ">=", "in"}),
)


class SyntaxProblemError(Exception):
    """The expression is not one that rules may use; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; None is `null`."""

    value: bool | float | int | str | None


@dataclass(frozen=True, slots=True)
class Path:
    """A variable, or a field of one: `ticket.affected_users`."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass(frozen=True, slots=True)
class Not:
    """`!x`."""

    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands and what stands between them."""

    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Conditional:
    """`test ? then : otherwise`."""

    test: "Expression"
    then: "Expression"
    otherwise: "Expression"


@dataclass(frozen=True, slots=True)
class Sequence:
    """`[a, b]`."""

    items: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Call:
    """`size(x)`, or with the receiver as the first argument `x.contains(y)`."""

    function: str
    arguments: tuple["Expression", ...]


Expression = Literal | Path | Not | Binary | Conditional | Sequence | Call


def parse(source: str) -> Expression:
    """Return the expression's tree; raises SyntaxProblemError."""
    if len(source) > LONGEST:
        raise SyntaxProblemError(f"a rule is at most {LONGEST} characters long")
    reader = _Reader(_tokens(source))
    try:
        expression = reader.conditional()
    except RecursionError as error:
        raise SyntaxProblemError("too many brackets within brackets") from error
    if not reader.at_end():
        raise SyntaxProblemError(f"unexpected {reader.peek()!r}")
    return expression


def _tokens(source: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    at = 0
    end = len(source.rstrip())
    while at < end:
        found = _TOKEN.match(source, at)
        if found is None or found.lastgroup is None:
            raise SyntaxProblemError(f"{source[at:].strip()[:10]!r} is nothing that a rule may use")
        tokens.append((found.lastgroup, found.group(found.lastgroup)))
        at = found.end()
    return tokens


class _Reader:
    """Recursive descent over the tokens, one method for each level of precedence."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0

    def at_end(self) -> bool:
        return self._at >= len(self._tokens)

    def peek(self) -> str:
        return "the end" if self.at_end() else self._tokens[self._at][1]

    def _next(self) -> tuple[str, str]:
        if self.at_end():
            raise SyntaxProblemError("the expression ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, operator: str) -> None:
        kind, text = self._next()
        if kind == "text" or text != operator:
            raise SyntaxProblemError(f"{operator!r} expected, not {text!r}")

    def _takes(self, operators: frozenset[str]) -> bool:
        if self.at_end():
            return False
        kind, text = self._tokens[self._at]
        return kind != "text" and text in operators

    def conditional(self) -> Expression:
        test = self._level(0)
        if not self._takes(frozenset("?")):
            return test
        self._next()
        then = self.conditional()
        self._expect(":")
        return Conditional(test, then, self.conditional())

    def _level(self, level: int) -> Expression:
        if level == len(_LEVELS):
            return self._unary()
        left = self._level(level + 1)
        while self._takes(_LEVELS[level]):
            operator = self._next()[1]
            left = Binary(operator, left, self._level(level + 1))
        return left

    def _unary(self) -> Expression:
        if self._takes(frozenset("!")):
            self._next()
            return Not(self._unary())
        return self._members(self._primary())

    def _members(self, expression: Expression) -> Expression:
        while self._takes(frozenset(".")):
            self._next()
            kind, name = self._next()
            if kind != "name":
                raise SyntaxProblemError(f"a field's name expected, not {name!r}")
            if self._takes(frozenset("(")):
                self._next()
                expression = Call(name, (expression, *self._items(")")))
            elif isinstance(expression, Path):
                expression = Path((*expression.names, name))
            else:
                raise SyntaxProblemError(f"{name!r} is asked of something that has no fields")
        return expression

    def _primary(self) -> Expression:
        kind, text = self._next()
        if kind == "number":
            return _number(text)
        if kind == "text":
            return Literal(text[1:-1])
        if kind == "name":
            return self._named(text)
        if text == "-":
            kind, text = self._next()
            return _number("-" + text) if kind == "number" else self._unexpected(text)
        if text == "(":
            inside = self.conditional()
            self._expect(")")
            return inside
        if text == "[":
            return Sequence(self._items("]"))
        return self._unexpected(text)

    def _unexpected(self, text: str) -> Expression:
        raise SyntaxProblemError(f"unexpected {text!r}")

    def _named(self, name: str) -> Expression:
        if name in _CONSTANTS:
            return Literal(_CONSTANTS[name])
        if self._takes(frozenset("(")):
            self._next()
            return Call(name, self._items(")"))
        return Path((name,))

    def _items(self, closing: str) -> tuple[Expression, ...]:
        items: list[Expression] = []
        while not self._takes(frozenset(closing)):
            items.append(self.conditional())
            if not self._takes(frozenset(closing)):
                self._expect(",")
        self._next()
        return tuple(items)


def _number(text: str) -> Literal:
    return Literal(float(text) if "." in text else int(text))


_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


def paths_in(source: str) -> tuple[str, ...]:
    """Return what the expression reads, in order, each once; raises SyntaxProblemError."""
    return tuple(dict.fromkeys(str(path) for path in _paths(parse(source))))


def _paths(expression: Expression) -> Iterator[Path]:
    match expression:
        case Path():
            yield expression
        case Not(operand):
            yield from _paths(operand)
        case Binary(_, left, right):
            parts: tuple[Expression, ...] = (left, right)
            yield from chain.from_iterable(map(_paths, parts))
        case Conditional(test, then, otherwise):
            yield from chain.from_iterable(map(_paths, (test, then, otherwise)))
        case Sequence(items) | Call(_, items):
            yield from chain.from_iterable(map(_paths, items))
        case Literal():
            return

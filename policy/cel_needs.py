"""What a rule cannot hold without, read off its expression: most rules of a policy need no evaluation on most tickets.

Sound for expressions that passed `policy/cel_check.py`: they compare a nullable field only where it is not null.
"""

from policy.cel_syntax import Binary, Expression, Literal, Path

_NULLABLE = ("ticket.", "account.")
"""Groups whose fields show where they are filled in; those of every other show where they are true, or not 0."""
Needs = frozenset[str] | None
"""Paths of which at least one shows wherever the expression holds; None where it may hold without any."""
_ORDER = frozenset({"<", "<=", ">", ">="})
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}


def is_nullable(path: str) -> bool:
    """Tell whether the field shows where it is filled in, rather than where it is true."""
    return path.startswith(_NULLABLE)


def is_filled(value: object) -> bool:
    """Tell whether a field that can be null is filled in; an empty list is not."""
    return value is not None and value != []


def needs_of(expression: Expression) -> Needs:
    """Return what one of must show for the expression to hold."""
    match expression:
        case Path():
            return frozenset({str(expression)})
        case Binary("&&", left, right):
            sides = [needs for side in (left, right) if (needs := needs_of(side)) is not None]
            return min(sides, key=len, default=None)
        case Binary("||", left, right):
            first, second = needs_of(left), needs_of(right)
            return None if first is None or second is None else first | second
        case Binary("in", Path() as path, _) if is_nullable(str(path)):
            return frozenset({str(path)})
        case Binary("in", _, Path() as path):
            return frozenset({str(path)})
        case Binary(operator, left, right):
            return _of_comparison(operator, left, right)
        case _:
            return None


def _of_comparison(operator: str, left: Expression, right: Expression) -> Needs:
    for this, other, by in ((left, right, operator), (right, left, _MIRRORED.get(operator, operator))):
        if isinstance(this, Path) and _must_show(this, by, other):
            return frozenset({str(this)})
    return None


def _must_show(path: Path, operator: str, other: Expression) -> bool:
    value = other.value if isinstance(other, Literal) else None
    is_null = isinstance(other, Literal) and value is None
    if is_nullable(str(path)):
        if operator == "==":
            return value is not None
        return is_null if operator == "!=" else operator in _ORDER
    if operator in {"==", ">="}:
        return value is True or _is_above_nothing(value)
    return operator == ">" and (value == 0 or _is_above_nothing(value))


def _is_above_nothing(value: object) -> bool:
    return isinstance(value, int | float) and value > 0

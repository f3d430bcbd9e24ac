"""A rule is passed over only where it could not hold: what it needs is read off its expression."""

from collections import defaultdict
from collections.abc import Mapping

import cel
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from policy.cel_check import FieldType, Kind, problems_of
from policy.cel_needs import is_filled, is_nullable, needs_of
from policy.cel_syntax import parse

VOCABULARY = {
    "ticket.users": FieldType(Kind.NUMBER, nullable=True),
    "ticket.limit": FieldType(Kind.NUMBER, nullable=True),
    "ticket.down": FieldType(Kind.BOOL, nullable=True),
    "ticket.tier": FieldType(Kind.TEXT, nullable=True),
    "ticket.tags": FieldType(Kind.LIST),
    "signal.outage": FieldType(Kind.BOOL),
    "signal.money": FieldType(Kind.BOOL),
    "count.money": FieldType(Kind.NUMBER),
    "reason.asked": FieldType(Kind.BOOL),
    "qualifies": FieldType(Kind.BOOL),
}
_OF_KIND = {
    Kind.BOOL: st.booleans(),
    Kind.NUMBER: st.integers(-1, 3),
    Kind.TEXT: st.sampled_from(["", "gold"]),
    Kind.LIST: st.lists(st.just("gold"), max_size=1),
}


def _values() -> st.SearchStrategy[dict[str, object]]:
    counted = {"count.money": st.integers(0, 3)}
    fields: dict[str, st.SearchStrategy[object]] = {
        path: st.none() | _OF_KIND[field.kind] if field.nullable else counted.get(path, _OF_KIND[field.kind])
        for path, field in VOCABULARY.items()
    }
    return st.fixed_dictionaries(fields)


_LITERALS = st.sampled_from(["null", "true", "false", "0", "1", "2", "-1", '"gold"', '""'])
_PATHS = st.sampled_from(sorted(VOCABULARY))
_COMPARISONS = st.tuples(_PATHS, st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in"]), _LITERALS | _PATHS).flatmap(
    lambda found: st.sampled_from([" ".join(found), " ".join(reversed(found))])
)
_ATOMS = (
    _COMPARISONS
    | st.sampled_from(["signal.outage", "signal.money", "reason.asked", "qualifies"])
    | st.sampled_from(["ticket.users", "ticket.limit"]).map(lambda path: f"({path} != null && {path} > 1)")
)
RULES = st.recursive(
    _ATOMS,
    lambda inner: (
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(lambda sides: f"({' '.join(sides)})")
        | inner.map(lambda rule: f"!({rule})")
        | st.tuples(inner, inner, inner).map(lambda sides: f"({sides[0]} ? {sides[1]} : {sides[2]})")
    ),
    max_leaves=6,
)


def _evaluated(rule: str, values: Mapping[str, object]) -> bool:
    groups: dict[str, dict[str, object]] = defaultdict(dict)
    for path, value in values.items():
        group, _, name = path.partition(".")
        groups[group][name] = value
    variables = {**groups, "qualifies": values["qualifies"]}
    return cel.compile(rule).execute(cel.Context(variables=variables)) is True


@given(RULES, _values())
def test_a_rule_holds_only_where_something_shows_that_it_needs(rule: str, values: dict[str, object]) -> None:
    assume(not problems_of(rule, VOCABULARY))
    needs = needs_of(parse(rule))
    shown = {path for path, value in values.items() if (is_filled(value) if is_nullable(path) else value)}
    if needs is not None and needs.isdisjoint(shown):
        assert not _evaluated(rule, values)


@pytest.mark.parametrize(
    ("rule", "needs"),
    [
        ("signal.outage && ticket.down != true", {"signal.outage"}),
        ("signal.outage || count.money >= 2", {"signal.outage", "count.money"}),
        ("ticket.users != null && ticket.users > 10", {"ticket.users"}),
        ("ticket.down == false", {"ticket.down"}),
        ('ticket.tier in ["gold"]', {"ticket.tier"}),
        ('"gold" in ticket.tags', {"ticket.tags"}),
        ("count.money > ticket.limit", {"ticket.limit"}),
        ("signal.outage || ticket.down == null", None),
        ("count.money >= 0", None),
        ("!signal.outage", None),
        ("true", None),
    ],
)
def test_what_a_rule_needs_is_read_off_its_expression(rule: str, needs: set[str] | None) -> None:
    assert needs_of(parse(rule)) == needs

"""What is refused at load, and that what is let through never fails on a ticket."""

import cel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.cel_check import FieldType, Kind, problems_of
from policy.cel_syntax import LONGEST, paths_in

VOCABULARY = {
    "ticket.users": FieldType(Kind.NUMBER, nullable=True),
    "ticket.limit": FieldType(Kind.NUMBER, nullable=True),
    "ticket.down": FieldType(Kind.BOOL, nullable=True),
    "ticket.tier": FieldType(Kind.TEXT, nullable=True),
    "ticket.channel": FieldType(Kind.TEXT),
    "ticket.tags": FieldType(Kind.LIST),
    "signal.outage": FieldType(Kind.BOOL),
}
RIGHT = [
    "true",
    "signal.outage && ticket.down != true",
    "ticket.users != null && ticket.users > 10",
    "ticket.users == null || ticket.users <= 10",
    "ticket.users != null ? ticket.users > -1.5 : false",
    "!(ticket.users == null) && ticket.users > 1",
    "!(ticket.users == null || ticket.limit == null) && ticket.users > ticket.limit",
    "(ticket.users != null && ticket.users > 10) || signal.outage",
    "ticket.users == 5 && ticket.users < 9",
    'ticket.tier in ["gold", "platinum"] || "vip" in ticket.tags',
    "ticket.tier != null && ticket.tier.startsWith('g') && size(ticket.tags) > 0",
    'ticket.channel.contains("mail") || ticket.channel == "web"',
    "[ticket.channel] == ticket.tags || ticket.limit != null && 3 < ticket.limit",
]


@pytest.mark.parametrize("rule", RIGHT)
def test_a_rule_that_rules_null_out_is_taken(rule: str) -> None:
    assert problems_of(rule, VOCABULARY) == []


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("ticket.users > 10", "ticket.users may be null"),
        ("ticket.users == null && ticket.users > 10", "ticket.users may be null"),
        ("ticket.users != null || ticket.users > 10", "ticket.users may be null"),
        ("signal.outage || ticket.users != null && ticket.limit > ticket.users", "ticket.limit may be null"),
        ("(ticket.users != null || signal.outage) && ticket.users > 1", "ticket.users may be null"),
        ("ticket.users != 5 && ticket.users > 1", "ticket.users may be null"),
        ("ticket.down", "a rule is true or false"),
        ("!ticket.down", "ticket.down may be null"),
        ("ticket.tier.contains('x')", "ticket.tier may be null"),
        ("ticket.userz == 1", "there is no 'ticket.userz'; allowed: ticket.channel, ticket.down"),
        ("tickets.users == 1", "there is no 'tickets.users'; allowed: signal, ticket"),
        ("signal.outage == 1", "they are never equal"),
        ("ticket.channel > 3", "ticket.channel is text, not a number"),
        ("ticket.users in [1, 2]", "ticket.users is a number or null, not text"),
        ("size(ticket.users) > 1", "size is of text or a list"),
        ("ticket.channel.matches('.*')", "no 'matches' with 2 arguments"),
        ("ticket.users", "a rule is true or false, this one is a number or null"),
        ("1 < 2 < 3", "… < … is true or false, not a number"),
        ("ticket.channel == ", "ends too early"),
        ("signal.outage && ticket.limit + 1 > 2", "nothing that a rule may use"),
        ("signal.outage) || (true", "unexpected ')'"),
        ("(" * 500 + "true" + ")" * 500, "too many brackets"),
        ("true" + " || true" * LONGEST, f"at most {LONGEST} characters"),
    ],
)
def test_a_rule_that_could_fail_is_refused_with_what_is_wrong(rule: str, says: str) -> None:
    assert says in "; ".join(problems_of(rule, VOCABULARY))


@pytest.mark.parametrize("rule", RIGHT)
@given(
    users=st.none() | st.integers(-(2**31), 2**31),
    limit=st.none() | st.floats(allow_nan=False),
    down=st.none() | st.booleans(),
    tier=st.none() | st.text(max_size=4),
    outage=st.booleans(),
)
def test_a_rule_that_is_taken_comes_out_true_or_false_on_any_ticket(
    rule: str, users: int | None, limit: float | None, down: bool | None, tier: str | None, outage: bool
) -> None:
    ticket = {"users": users, "limit": limit, "down": down, "tier": tier, "channel": "web", "tags": ["vip"]}
    context = cel.Context(variables={"ticket": ticket, "signal": {"outage": outage}})

    assert cel.compile(rule).execute(context) in (True, False)


_ATOMS = st.sampled_from(
    [
        "signal.outage",
        "ticket.users != null",
        "ticket.users == null",
        "ticket.users > 3",
        "ticket.limit != null",
        "ticket.limit <= ticket.users",
        "ticket.down == true",
        "ticket.tier.contains('a')",
        "ticket.tier != null",
        "'vip' in ticket.tags",
    ]
)
_RULES = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.builds("({} && {})".format, inner, inner),
        st.builds("({} || {})".format, inner, inner),
        st.builds("!({})".format, inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
    ),
    max_leaves=6,
)


@given(rule=_RULES, users=st.none() | st.just(5), limit=st.none() | st.just(2.5), tier=st.none() | st.just("a"))
def test_whatever_the_check_lets_through_never_raises(
    rule: str, users: int | None, limit: float | None, tier: str | None
) -> None:
    if problems_of(rule, VOCABULARY):
        return
    ticket: dict[str, object] = {
        "users": users,
        "limit": limit,
        "down": None,
        "tier": tier,
        "channel": "web",
        "tags": [],
    }
    context = cel.Context(variables={"ticket": ticket, "signal": {"outage": False}})

    assert cel.compile(rule).execute(context) in (True, False)


def test_what_a_rule_reads_is_told_in_order_and_once() -> None:
    assert paths_in("signal.a && !(ticket.b in [ticket.c]) || (signal.a ? size(ticket.d) > 1 : true)") == (
        "signal.a",
        "ticket.b",
        "ticket.c",
        "ticket.d",
    )

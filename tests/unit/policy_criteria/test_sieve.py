"""One pass over a text finds the same expressions as looking for each."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from policy.signals import Expression, Sieve, compile_quantity, compile_signal, compiled
from policy.signals_prose import prose
from tests.harness.policies import default_criteria

TICKETS = Path(__file__).parents[2] / "acceptance" / "tickets_public.jsonl"
CRITERIA = default_criteria()
EXPRESSIONS: list[Expression] = [
    *(compile_signal(signal, CRITERIA.word_sets).pattern for signal in CRITERIA.signals.values()),
    *(compile_quantity(quantity) for quantity in CRITERIA.quantities.values()),
]
SIEVE = Sieve(EXPRESSIONS)
WORDS = [
    "everything",
    "is",
    "down",
    "since",
    "lawyer",
    "refund",
    "data",
    "was",
    "lost",
    "40",
    "users",
    "GDPR",
    "ausgefallen",
    "grün",
    "perdu",
    ".",
    ",",
    "\n",
    "503",
    "",
]


def looked_for_one_by_one(subject: str, text: str) -> set[int]:
    written = prose(subject, text)
    return {place for place, one in enumerate(EXPRESSIONS) if one.search(written.folded) is not None}


def test_real_tickets_show_the_same_expressions() -> None:
    tickets = [json.loads(line) for line in TICKETS.read_text(encoding="utf-8").splitlines()]
    found = [SIEVE.found_in(prose(one["subject"], one["description"])) for one in tickets]
    assert found == [looked_for_one_by_one(one["subject"], one["description"]) for one in tickets]
    assert sum(map(len, found)) > len(tickets) / 2


@given(st.lists(st.sampled_from(WORDS) | st.text(st.characters(exclude_categories=["Cs"])), max_size=30))
def test_any_text_shows_the_same_expressions(words: list[str]) -> None:
    text = " ".join(words)
    assert SIEVE.found_in(prose("", text)) == looked_for_one_by_one("", text)


def test_a_sieve_without_expressions_finds_none() -> None:
    assert Sieve([]).found_in(prose("", "anything")) == frozenset()


def test_an_expression_without_letters_is_found_too() -> None:
    expression = compiled((r"\d{4}",))
    assert expression is not None
    assert 0 in Sieve([expression]).found_in(prose("", "since 2025"))
    assert 0 not in Sieve([expression]).found_in(prose("", "since 99"))

"""Signals and quantities in text."""

import time

import pytest

from policy.criteria import Quantity, Signal
from policy.signals import PatternProblemError, compile_quantity, compile_signal, largest_number
from policy.signals_prose import prose

DOWN = Signal(
    says="It is down.",
    patterns={"en": (r"\b(?:is|are) down\b",), "de": (r"\bausgefallen\b", r"\bgestört\b")},
    unless={"en": (r"\bnot\b",)},
    unless_sets=("settled",),
)
SETS = {"settled": {"en": (r"\bfixed\b",)}}


def words(text: str, subject: str = "") -> tuple[str, ...]:
    return compile_signal(DOWN, SETS).words_in(prose(subject, text))


def test_a_signal_gives_the_words_as_they_were_written() -> None:
    assert words("The shop IS DOWN. All are down.") == ("IS DOWN", "are down")


def test_every_language_is_read_and_accents_do_not_matter() -> None:
    assert words("Alles GESTÖRT und ausgefallen!") == ("GESTÖRT", "ausgefallen")


def test_words_that_take_the_meaning_away_do_so_only_in_their_own_sentence() -> None:
    assert words("The shop is not what is down here.") == ()
    assert words("It is not the network. The shop is down.") == ("is down",)
    assert words("The shop that is down was fixed.") == ()


@pytest.mark.parametrize(
    ("signal", "says"),
    [
        (Signal(says="", patterns={"en": ("(a",)}), "missing )"),
        (Signal(says="", patterns={"en": (r"(?=a)",)}), "invalid perl operator"),
        (Signal(says="", patterns={}), "at least one expression"),
        (Signal(says="", patterns={"en": ("a",)}, unless_sets=("gone",)), "no word set 'gone'; allowed: settled"),
    ],
)
def test_an_expression_that_cannot_be_used_is_refused(signal: Signal, says: str) -> None:
    with pytest.raises(PatternProblemError, match=says.replace("(", r"\(").replace(")", r"\)")):
        compile_signal(signal, SETS)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("85 users and 1,200 users", 1200),
        ("about 1.900 users", 1900),
        ("12 000 users", 12000),
        ("2'500 users", 2500),
        ("six users", 6),
        ("dozens users", 24),
        ("12.5 users", 12.5),
        ("nobody", 0),
        ("often users", 0),
    ],
)
def test_the_largest_number_named_is_read_in_figures_and_words(text: str, number: float) -> None:
    quantity = compile_quantity(Quantity(says="", patterns={"en": (r"{number} users\b",)}))

    assert largest_number(quantity, prose("", text)) == number


def test_a_quantity_without_its_number_is_refused() -> None:
    with pytest.raises(PatternProblemError, match="of a quantity holds"):
        compile_quantity(Quantity(says="", patterns={"en": ("users",)}))


def test_an_expression_that_would_explode_elsewhere_stays_linear() -> None:
    signal = compile_signal(Signal(says="", patterns={"en": ("(a+)+$",)}), {})
    started = time.perf_counter()

    signal.words_in(prose("", "a" * 19_000 + "!"))
    assert time.perf_counter() - started < 2.0

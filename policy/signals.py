"""Words that mean something, found once in a ticket's text and handed to the rules as facts.

Expressions run on RE2, whose time grows with the text's length and nothing else.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import re2  # type: ignore[import-untyped]  # google-re2 ships no types

from policy.criteria import Quantity, Signal
from policy.signals_prose import Prose, fold

Patterns = Mapping[str, tuple[str, ...]]
WordSets = Mapping[str, Patterns]
_LONGEST_WORDS = 80
_MOST_WORDS = 3
_MOST_MATCHES = 50
_AUTOMATON_BYTES = 32 * 1024 * 1024
"""What RE2 may keep of an expression's automaton. With its own 8 MiB the long expressions of the default policy throw
theirs away in the middle of a text and cost ten times as much."""
_MARK = "\x1fend of text"
NUMBER = (
    r"\b(\d{1,3}(?:[ ,.']\d{3})+(?:[.,]\d{1,2})?|\d{1,9}(?:[.,]\d{1,2})?|two|three|four|five|six|seven|eight|nine|ten"
    r"|eleven|twelve|dozens|hundreds|thousands|zwei|drei|vier|fünf|sechs|zehn|zwölf|dutzende|hunderte|tausende|deux|trois|quatre"
    r"|cinq|dix|douze|centaines|dos|tres|cuatro|cinco|diez|doce|cientos|dois|quatro|dez|centenas|drie|vijf|tien)"
)
"""What `{number}` stands for in a quantity's expression."""
_NUMBER_WORDS = {
    2: "two zwei deux dos dois",
    3: "three drei trois tres drie",
    4: "four vier quatre cuatro quatro",
    5: "five funf cinq cinco vijf",
    6: "six sechs",
    7: "seven",
    8: "eight",
    9: "nine",
    10: "ten zehn dix diez dez tien",
    11: "eleven",
    12: "twelve zwolf douze doce",
    24: "dozens dutzende",
    200: "hundreds hunderte centaines cientos centenas",
    2000: "thousands tausende",
}
_VALUES = {word: float(value) for value, words in _NUMBER_WORDS.items() for word in words.split()}


class Match(Protocol):
    """One place where an expression was found."""

    def groups(self) -> tuple[str | bytes | None, ...]:
        """Return what the brackets held."""
        ...

    def start(self) -> int:
        """Return where they stand."""
        ...

    def end(self) -> int:
        """Return where they end."""
        ...


class Expression(Protocol):
    """A compiled expression."""

    @property
    def pattern(self) -> str:
        """Return it as it was written."""
        ...

    def finditer(self, text: str | bytes) -> Iterator[Match]:
        """Return every place, first to last."""
        ...

    def search(self, text: str | bytes) -> Match | None:
        """Return the first place, if any."""
        ...


class PatternProblemError(Exception):
    """An expression that RE2 does not take; the text says why."""


def compiled(patterns: tuple[str, ...]) -> Expression | None:
    """Return one expression for all of these, None for none; raises PatternProblemError."""
    if not patterns:
        return None
    both = "|".join(f"(?:{_folded(pattern)})" for pattern in patterns)
    try:
        expression: Expression = re2.compile(both, _options())
    except re2.error as error:
        raise PatternProblemError(error.args[0].decode() if error.args else "not an expression") from error
    return expression


def _options() -> "re2.Options":
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = False
    options.max_mem = _AUTOMATON_BYTES
    return options


def _folded(pattern: str) -> str:
    return "".join(char if char.isascii() else fold(char) for char in pattern)


def all_of(patterns: Patterns) -> tuple[str, ...]:
    """Return the expressions of every language: a ticket's language field is too often wrong to go by."""
    return tuple(pattern for language in sorted(patterns) for pattern in patterns[language])


@dataclass(frozen=True, slots=True)
class CompiledSignal:
    """A signal ready to be looked for."""

    pattern: Expression
    unless: Expression | None

    def words_in(self, text: Prose) -> tuple[str, ...]:
        """Return the words that gave the signal, as they were written; none where it is absent."""
        found: dict[str, None] = {}
        for count, match in enumerate(self.pattern.finditer(text.searched)):
            if count >= _MOST_MATCHES or len(found) >= _MOST_WORDS:
                break
            if self.unless is None or self.unless.search(text.sentence_around(match.start())) is None:
                found[text.written[match.start() : match.end()][:_LONGEST_WORDS]] = None
        return tuple(found)


class Sieve:
    """Tells in one pass which of many expressions are found in a text; RE2 tries only those whose letters are there."""

    def __init__(self, expressions: Sequence[Expression]) -> None:
        self._filter = re2.Filter()
        self._all = frozenset(range(len(expressions)))
        for expression in expressions:
            self._filter.Add(expression.pattern, _options())
        self._filter.Add(_MARK, _options())
        self._filter.Compile()

    def found_in(self, text: Prose) -> frozenset[int]:
        """Return the places, in the order given, of the expressions that are to be found."""
        found = self._filter.Match(text.folded + _MARK) or ()
        # RE2 that runs out of memory says that nothing was found, not even the mark: then all are looked for.
        return self._all.intersection(found) if len(self._all) in found else self._all


def compile_signal(signal: Signal, word_sets: WordSets) -> CompiledSignal:
    """Return the signal ready for use; raises PatternProblemError, also for a word set there is none of."""
    pattern = compiled(all_of(signal.patterns))
    if pattern is None:
        raise PatternProblemError("a signal needs at least one expression")
    unless = all_of(signal.unless)
    for name in signal.unless_sets:
        if name not in word_sets:
            raise PatternProblemError(
                f"there is no word set {name!r}; allowed: {', '.join(sorted(word_sets)) or 'none'}"
            )
        unless += all_of(word_sets[name])
    return CompiledSignal(pattern, compiled(unless))


def compile_quantity(quantity: Quantity) -> Expression:
    """Return the quantity's expression; raises PatternProblemError, also for one that does not hold `{number}` once."""
    patterns = all_of(quantity.patterns)
    if not patterns or any(pattern.count("{number}") != 1 for pattern in patterns):
        raise PatternProblemError("each expression of a quantity holds {number} once")
    expression = compiled(tuple(pattern.replace("{number}", NUMBER) for pattern in patterns))
    assert expression is not None  # noqa: S101  # there is at least one pattern
    return expression


def largest_number(expression: Expression, text: Prose) -> float:
    """Return the largest number that the expression finds, 0 for none."""
    largest = 0.0
    for count, match in enumerate(expression.finditer(text.searched)):
        if count >= _MOST_MATCHES:
            break
        written = next((group for group in match.groups() if group), None)
        if written is not None:
            largest = max(largest, _value(written if isinstance(written, str) else written.decode()))
    return largest


def _value(written: str) -> float:
    if written in _VALUES:
        return _VALUES[written]
    digits = written.replace(" ", "").replace("'", "")
    for decimal in ".,":
        head, point, tail = digits.rpartition(decimal)
        if point and len(tail) in {1, 2} and not any(other in tail for other in ".,"):
            return float(head.replace(",", "").replace(".", "") + "." + tail)
    return float(digits.replace(",", "").replace(".", ""))

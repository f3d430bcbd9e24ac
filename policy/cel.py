"""Criteria ready to be applied: signals, quantities and CEL rules, compiled and checked once.

An expression that passes `check_criteria` reads only what is there and raises on no ticket (`policy/cel_check.py`).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import cel

from policy.cel_check import problems_of
from policy.cel_needs import Needs, is_filled, is_nullable, needs_of
from policy.cel_syntax import parse, paths_in
from policy.criteria import Criteria, Rule
from policy.signals import (
    CompiledSignal,
    Expression,
    PatternProblemError,
    Sieve,
    compile_quantity,
    compile_signal,
    largest_number,
)
from policy.signals_prose import Prose, prose
from policy.ticket_facts import (
    Facts,
    Value,
    account_facts,
    messages_of,
    ticket_facts,
    vocabulary,
    vocabulary_after_reasons,
)
from schemas.classifications import AccountSnapshot
from schemas.tickets import Ticket
from schemas.vocabulary import Reason, ReplyIntent

Group = dict[str, Value]
Variables = dict[str, Group | Value]
_OF_TEXT = ("signal.", "count.", "quantity.")
_LONGEST_VALUE = 40
_REPLY_ORDER = (ReplyIntent.REJECTS, ReplyIntent.CONFIRMS, ReplyIntent.THANKS)


class CriteriaProblemError(ValueError):
    """Criteria that cannot be applied; the text lists every problem."""


def check_criteria(criteria: Criteria) -> list[str]:
    """Return what is wrong, a line each naming the place (`reasons.sla_at_risk[0].when: …`); empty when all is well."""
    return [*_signal_problems(criteria), *_rule_problems(criteria), *_name_problems(criteria)]


def _signal_problems(criteria: Criteria) -> Iterator[str]:
    for name, signal in criteria.signals.items():
        try:
            compile_signal(signal, criteria.word_sets)
        except PatternProblemError as problem:
            yield f"signals.{name}: {problem}"
    for intent, signal in criteria.replies.items():
        try:
            compile_signal(signal, criteria.word_sets)
        except PatternProblemError as problem:
            yield f"replies.{intent.value}: {problem}"
    for name, quantity in criteria.quantities.items():
        try:
            compile_quantity(quantity)
        except PatternProblemError as problem:
            yield f"quantities.{name}: {problem}"


def _rule_problems(criteria: Criteria) -> Iterator[str]:
    first = vocabulary(criteria)
    later = vocabulary_after_reasons(criteria)
    for place, rule in _rules(criteria):
        for problem in problems_of(rule.when, first if place.startswith("reasons.") else later):
            yield f"{place}.when: rule {rule.name!r}: {problem}"


def _name_problems(criteria: Criteria) -> Iterator[str]:
    seen: set[str] = set()
    for place, rule in _rules(criteria):
        if rule.name in seen:
            yield f"{place}.name: {rule.name!r} is the name of another rule; each has its own"
        seen.add(rule.name)


def _rules(criteria: Criteria) -> Iterator[tuple[str, Rule]]:
    for reason, rules in criteria.reasons.items():
        yield from ((f"reasons.{reason.value}[{index}]", rule) for index, rule in enumerate(rules))
    yield from ((f"severities[{index}]", rule) for index, rule in enumerate(criteria.severities))
    yield from ((f"types[{index}]", rule) for index, rule in enumerate(criteria.types))


class Evidence:
    """What a ticket shows at an instant: facts for the rules, by path, and the words behind each signal.

    Rules on reasons may be asked at first, and once these are concluded the others.
    """

    def __init__(
        self, facts: Facts, words: Mapping[str, tuple[str, ...]], first: "RuleIndex", later: "RuleIndex"
    ) -> None:
        self._facts = facts
        self._words = words
        self._later = later
        self._admit(first)

    def holding(self) -> "list[CompiledRule]":
        """Return the rules whose expression comes out true, in the policy's order."""
        return [rule for rule in self._possible if rule.program.execute(self._context) is True]

    def conclude(self, reasons: frozenset[Reason]) -> None:
        """Let rules on severity and type be asked from now on: they see the reasons found."""
        found: Facts = {f"reason.{reason.value}": reason in reasons for reason in Reason}
        self._facts = {**self._facts, **found, "qualifies": bool(reasons)}
        self._admit(self._later)

    def _admit(self, rules: "RuleIndex") -> None:
        """Let rules be asked: only what those read that may hold is handed to CEL, where a value costs as a rule."""
        self._possible = rules.possible(self._facts)
        self._context = cel.Context(variables=_variables(self._possible, self._facts))

    def words_for(self, path: str) -> tuple[str, ...]:
        """Return the words that speak for what a rule read: a signal's own, or a filled field and its value."""
        group, _, name = path.partition(".")
        if group in {"signal", "count"}:
            return self._words.get(name, ())
        value = self._facts.get(path) if group in {"ticket", "account"} else None
        return () if value is None else (f"{name}={_shown(value)}",)

    def rests_on_words(self, reads: tuple[str, ...]) -> bool:
        """Tell whether words of the text speak for a rule that reads these, rather than fields alone."""
        return any(
            path.startswith(_OF_TEXT) and (self.words_for(path) or path.startswith("quantity.")) for path in reads
        )


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)[:_LONGEST_VALUE]


def _variables(rules: "Iterable[CompiledRule]", facts: Facts) -> Variables:
    """Return what these rules read, as CEL has it: a group of values under each name with a dot."""
    groups: dict[str, Group] = {}
    single: Group = {}
    for rule in rules:
        for path, group, name in rule.fields:
            place, key = (groups.setdefault(group, {}), name) if name else (single, group)
            place[key] = facts[path]
    return {**groups, **single}


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule, the reason it gives if it is one on reasons, its program, what it reads, what it cannot hold without."""

    rule: Rule
    reason: Reason | None
    program: cel.Program
    reads: tuple[str, ...]
    fields: tuple[tuple[str, str, str], ...]
    """The same: the path, its group and its name in it."""
    needs: Needs


class RuleIndex:
    """Rules by what they cannot hold without: on most tickets most of them need not be asked."""

    def __init__(self, rules: "Iterable[CompiledRule]") -> None:
        self._rules = tuple(rules)
        self._always = [number for number, rule in enumerate(self._rules) if rule.needs is None]
        by_need: dict[str, list[int]] = defaultdict(list)
        for number, rule in enumerate(self._rules):
            for path in rule.needs or ():
                by_need[path].append(number)
        self._by_what_is_true = [(path, numbers) for path, numbers in by_need.items() if not is_nullable(path)]
        self._by_what_is_filled = [(path, numbers) for path, numbers in by_need.items() if is_nullable(path)]

    def possible(self, facts: Facts) -> "list[CompiledRule]":
        """Return the rules that may hold by these facts, in order."""
        possible = set(self._always)
        for path, numbers in self._by_what_is_true:
            if facts[path]:
                possible.update(numbers)
        for path, numbers in self._by_what_is_filled:
            if is_filled(facts[path]):
                possible.update(numbers)
        return [self._rules[number] for number in sorted(possible)]


class CompiledCriteria:
    """Criteria ready to be applied to tickets; holds no state between them. Raises CriteriaProblemError."""

    def __init__(self, criteria: Criteria) -> None:
        problems = check_criteria(criteria)
        if problems:
            raise CriteriaProblemError("; ".join(problems))
        sets = criteria.word_sets
        self._signals: dict[str, CompiledSignal] = {
            name: compile_signal(signal, sets) for name, signal in criteria.signals.items()
        }
        self._quantities: dict[str, Expression] = {
            name: compile_quantity(quantity) for name, quantity in criteria.quantities.items()
        }
        self._replies = {intent: compile_signal(signal, sets) for intent, signal in criteria.replies.items()}
        reasons = ((rule, reason) for reason in Reason for rule in criteria.reasons.get(reason, ()))
        self._first = RuleIndex(_compiled(rule, reason) for rule, reason in reasons)
        self._later = RuleIndex(_compiled(rule) for rule in (*criteria.severities, *criteria.types))
        self._sieve = Sieve([*(signal.pattern for signal in self._signals.values()), *self._quantities.values()])
        self._nothing_said: Facts = {
            "front_line_fraction": criteria.front_line_fraction,
            **{f"signal.{name}": False for name in self._signals},
            **{f"count.{name}": 0 for name in self._signals},
            **{f"quantity.{name}": 0.0 for name in self._quantities},
        }

    def evidence(self, ticket: Ticket, account: AccountSnapshot | None, at: datetime) -> Evidence:
        """Return what the ticket shows; time grows with the length of its text, which is cut."""
        text = prose(ticket.subject, *messages_of(ticket))
        words, said = self._searched(text)
        facts: Facts = {
            **self._nothing_said,
            **said,
            **ticket_facts(ticket, at),
            **account_facts(ticket.fields, account, at),
        }
        return Evidence(facts, words, self._first, self._later)

    def _searched(self, text: Prose) -> tuple[dict[str, tuple[str, ...]], Facts]:
        """Return the words behind each signal that is there, and what the text says as facts."""
        held = self._sieve.found_in(text)
        words: dict[str, tuple[str, ...]] = {}
        said: Facts = {}
        for place, (name, signal) in enumerate(self._signals.items()):
            if place in held and (found := signal.words_in(text)):
                words[name] = found
                said[f"signal.{name}"], said[f"count.{name}"] = True, len(found)
        for place, (name, pattern) in enumerate(self._quantities.items(), len(self._signals)):
            if place in held:
                said[f"quantity.{name}"] = largest_number(pattern, text)
        return words, said

    def intent_of(self, reply: str) -> ReplyIntent:
        """Return what a customer's reply means for a proposed resolution; contradictory words are unclear."""
        text: Prose = prose("", reply)
        found = [intent for intent in _REPLY_ORDER if intent in self._replies and self._replies[intent].words_in(text)]
        if ReplyIntent.REJECTS in found and ReplyIntent.CONFIRMS in found:
            return ReplyIntent.UNCLEAR
        return found[0] if found else ReplyIntent.UNCLEAR


def _compiled(rule: Rule, reason: Reason | None = None) -> CompiledRule:
    reads = paths_in(rule.when)
    return CompiledRule(
        rule=rule,
        reason=reason,
        program=cel.compile(rule.when),
        reads=reads,
        fields=tuple((path, *path.partition(".")[::2]) for path in reads),
        needs=needs_of(parse(rule.when)),
    )

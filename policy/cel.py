"""Criteria ready to be applied: signals, quantities and CEL rules, compiled and checked once.

An expression that passes `check_criteria` reads only what is there and raises on no ticket (`policy/cel_check.py`).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Generic, TypeVar

import cel

from policy.cel_check import problems_of
from policy.cel_needs import Needs, needs_of, shows
from policy.cel_syntax import parse, paths_in
from policy.criteria import Criteria, Rule, SeverityRule, TypeRule
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
    Group,
    Variables,
    account_variables,
    messages_of,
    ticket_variables,
    vocabulary,
    vocabulary_after_reasons,
)
from schemas.classifications import AccountSnapshot
from schemas.tickets import Ticket
from schemas.vocabulary import Reason, ReplyIntent

R_co = TypeVar("R_co", bound=Rule, covariant=True)
_ALWAYS_SHOWN = ("front_line_fraction", "qualifies", *(f"reason.{reason.value}" for reason in Reason))
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
    """What a ticket shows at an instant: variables for the rules, and the words behind each signal.

    `possible` names the rules that may hold by what shows; `variables` are what these read.
    """

    def __init__(self, variables: Variables, words: Mapping[str, tuple[str, ...]], possible: Collection[str]) -> None:
        self._variables = variables
        self._words = words
        self._possible = possible
        self._context = cel.Context(variables=variables)

    def holds(self, rule: "CompiledRule[Rule]") -> bool:
        """Tell whether the rule's expression comes out true."""
        return rule.rule.name in self._possible and rule.program.execute(self._context) is True

    def conclude(self, reasons: frozenset[Reason]) -> None:
        """Let rules on severity and type be asked from now on: they see the reasons found."""
        found: Variables = {
            "reason": {reason.value: reason in reasons for reason in Reason},
            "qualifies": bool(reasons),
        }
        # One context a ticket: building it costs more than all its rules.
        self._context.update(found)

    def words_for(self, path: str) -> tuple[str, ...]:
        """Return the words that speak for what a rule read: a signal's own, or a filled field and its value."""
        group, _, name = path.partition(".")
        if group in {"signal", "count"}:
            return self._words.get(name, ())
        values = self._variables.get(group)
        value = values.get(name) if group in {"ticket", "account"} and isinstance(values, dict) else None
        return () if value is None else (f"{name}={_shown(value)}",)

    def rests_on_words(self, reads: tuple[str, ...]) -> bool:
        """Tell whether words of the text speak for a rule that reads these, rather than fields alone."""
        return any(
            path.startswith(_OF_TEXT) and (self.words_for(path) or path.startswith("quantity.")) for path in reads
        )


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)[:_LONGEST_VALUE]


@dataclass(frozen=True, slots=True)
class CompiledRule(Generic[R_co]):
    """A rule, its program, what it reads, and what it cannot hold without."""

    rule: R_co
    program: cel.Program
    reads: tuple[str, ...]
    fields: tuple[tuple[str, str], ...]
    """The same, each as its group and its name in it."""
    needs: Needs


class CompiledCriteria:
    """Criteria ready to be applied to tickets; holds no state between them. Raises CriteriaProblemError."""

    def __init__(self, criteria: Criteria) -> None:
        problems = check_criteria(criteria)
        if problems:
            raise CriteriaProblemError("; ".join(problems))
        sets = criteria.word_sets
        self._fraction = criteria.front_line_fraction
        self._signals: dict[str, CompiledSignal] = {
            name: compile_signal(signal, sets) for name, signal in criteria.signals.items()
        }
        self._quantities: dict[str, Expression] = {
            name: compile_quantity(quantity) for name, quantity in criteria.quantities.items()
        }
        self._replies = {intent: compile_signal(signal, sets) for intent, signal in criteria.replies.items()}
        self.reasons: dict[Reason, tuple[CompiledRule[Rule], ...]] = {
            reason: _compiled(criteria.reasons.get(reason, ())) for reason in Reason
        }
        self.severities: tuple[CompiledRule[SeverityRule], ...] = _compiled(criteria.severities)
        self.types: tuple[CompiledRule[TypeRule], ...] = _compiled(criteria.types)
        self._sieve = Sieve([*(signal.pattern for signal in self._signals.values()), *self._quantities.values()])
        self._no_signal: Group = dict.fromkeys(self._signals, False)
        self._no_count: Group = dict.fromkeys(self._signals, 0)
        rules: tuple[CompiledRule[Rule], ...] = (
            *chain.from_iterable(self.reasons.values()),
            *self.severities,
            *self.types,
        )
        self._always = {rule.rule.name: rule for rule in rules if rule.needs is None}
        self._by_need: dict[str, dict[str, CompiledRule[Rule]]] = defaultdict(dict)
        for rule in rules:
            for path in rule.needs or ():
                self._by_need[path][rule.rule.name] = rule

    def evidence(self, ticket: Ticket, account: AccountSnapshot | None, at: datetime) -> Evidence:
        """Return what the ticket shows; time grows with the length of its text, which is cut."""
        text = prose(ticket.subject, *messages_of(ticket))
        found, quantities = self._searched(text)
        groups: dict[str, Group] = {
            "ticket": ticket_variables(ticket, at),
            "account": account_variables(ticket.fields, account, at),
            "quantity": quantities,
        }
        shown = [f"{group}.{name}" for group, values in groups.items() for name in values if shows(group, values[name])]
        shown += [f"{group}.{name}" for group in ("signal", "count") for name in found]
        groups["signal"] = self._no_signal | dict.fromkeys(found, True)
        groups["count"] = self._no_count | {name: len(words) for name, words in found.items()}
        possible = self._possible(shown)
        return Evidence(self._variables(groups, possible.values()), found, possible)

    def _possible(self, shown: Iterable[str]) -> dict[str, CompiledRule[Rule]]:
        """Return by name the rules of which something shows that they cannot hold without; any reason may be found."""
        possible = dict(self._always)
        for path in chain(shown, _ALWAYS_SHOWN):
            if path in self._by_need:
                possible |= self._by_need[path]
        return possible

    def _variables(self, groups: Mapping[str, Group], rules: Iterable[CompiledRule[Rule]]) -> Variables:
        """Return what these rules read: a value handed to CEL costs more than a rule."""
        read: dict[str, Group] = {group: {} for group in groups}
        for rule in rules:
            for group, name in rule.fields:
                if group in read:
                    read[group][name] = groups[group][name]
        return {**read, "front_line_fraction": self._fraction}

    def _searched(self, text: Prose) -> tuple[dict[str, tuple[str, ...]], Group]:
        """Return the words behind each signal that is there, and each quantity's number."""
        held = self._sieve.found_in(text)
        found = {
            name: words
            for place, (name, signal) in enumerate(self._signals.items())
            if place in held and (words := signal.words_in(text))
        }
        quantities: Group = {
            name: largest_number(pattern, text) if place in held else 0.0
            for place, (name, pattern) in enumerate(self._quantities.items(), len(self._signals))
        }
        return found, quantities

    def intent_of(self, reply: str) -> ReplyIntent:
        """Return what a customer's reply means for a proposed resolution; contradictory words are unclear."""
        text: Prose = prose("", reply)
        found = [intent for intent in _REPLY_ORDER if intent in self._replies and self._replies[intent].words_in(text)]
        if ReplyIntent.REJECTS in found and ReplyIntent.CONFIRMS in found:
            return ReplyIntent.UNCLEAR
        return found[0] if found else ReplyIntent.UNCLEAR


def _compiled(rules: tuple[R_co, ...]) -> tuple[CompiledRule[R_co], ...]:
    return tuple(
        CompiledRule(
            rule=rule,
            program=cel.compile(rule.when),
            reads=(reads := paths_in(rule.when)),
            fields=tuple((group, name) for group, _, name in (path.partition(".") for path in reads)),
            needs=needs_of(parse(rule.when)),
        )
        for rule in rules
    )

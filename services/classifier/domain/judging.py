"""The verdict on a ticket: reasons, severity, type, and why (procedure, section 1)."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TypeVar

from policy.cel import CompiledCriteria, CompiledRule, Evidence
from policy.criteria import Rule, TypeRule
from schemas.classifications import AccountSnapshot, Because, Judgement
from schemas.tickets import Ticket
from schemas.vocabulary import IssueType, Reason, Severity

R = TypeVar("R", bound=Rule)
MODEL_VERSION = "rules-1"
_BY_FIELDS, _BY_TEXT, _NOTHING_FOUND = 0.95, 0.8, 0.85
_SHARE_OF_TYPE = 0.4
_ALSO_SHARE = 0.5
_LEADS_A_TIE = (IssueType.COMPLIANCE, IssueType.BILLING, IssueType.SERVICE, IssueType.TECHNICAL)
_MOST_WORDS = 5


def judge(
    criteria: CompiledCriteria, ticket: Ticket, account: AccountSnapshot | None, occurred_at: datetime
) -> Judgement:
    """Return the verdict on the ticket as it was at the instant.

    The same input gives the same output, byte for byte. Severity and type are given also where nothing qualifies.
    Where no severity rule holds it is P4; where no type rule holds the issue is one of service.
    """
    evidence = criteria.evidence(ticket, account, occurred_at)
    matched = {reason: _holding(rules, evidence) for reason, rules in criteria.reasons.items()}
    reasons = tuple(reason for reason in Reason if matched[reason])
    evidence.conclude(frozenset(reasons))
    severity_rule = next((rule for rule in criteria.severities if evidence.holds(rule)), None)
    type_rules = _holding(criteria.types, evidence)
    types = _weighed(type_rules)
    leading = [rule for rule in type_rules if rule.rule.type is types[0][0]]
    return Judgement(
        qualifies=bool(reasons),
        reasons=reasons,
        severity=Severity.P4 if severity_rule is None else severity_rule.rule.severity,
        type=types[0][0],
        also=tuple(kind for kind, weight in types[1:] if weight >= _ALSO_SHARE * types[0][1]),
        confidence=_confidence(
            [evidence.rests_on_words(rule.reads) for reason in reasons for rule in matched[reason]], types
        ),
        because=(
            *(_because(rule, evidence) for reason in reasons for rule in matched[reason]),
            *([] if severity_rule is None else [_because(severity_rule, evidence)]),
            *(_because(rule, evidence) for rule in leading),
        ),
        model_version=MODEL_VERSION,
    )


def _holding(rules: Iterable[CompiledRule[R]], evidence: Evidence) -> list[CompiledRule[R]]:
    return [rule for rule in rules if evidence.holds(rule)]


def _weighed(rules: Iterable[CompiledRule[TypeRule]]) -> list[tuple[IssueType, int]]:
    """Return the types that rules speak for with their weights, heaviest first; service where there is none."""
    weights = dict.fromkeys(_LEADS_A_TIE, 0)
    for rule in rules:
        weights[rule.rule.type] += rule.rule.weight
    heavy = sorted(((kind, weight) for kind, weight in weights.items() if weight > 0), key=lambda found: -found[1])
    return heavy or [(IssueType.SERVICE, 0)]


def _confidence(on_words: list[bool], types: list[tuple[IssueType, int]]) -> float:
    """Return how sure the verdict is: fields are surer than words, and a type is surer the more it outweighs others.

    `on_words` tells for each rule that gave a reason whether it rests on words.
    """
    certainty = _NOTHING_FOUND
    if on_words:
        certainty = _BY_TEXT if all(on_words) else _BY_FIELDS
    total = sum(weight for _, weight in types[:2])
    share = types[0][1] / total if total else 0.5
    return round(certainty * (1 - _SHARE_OF_TYPE + _SHARE_OF_TYPE * share), 2)


def _because(compiled: CompiledRule[Rule], evidence: Evidence) -> Because:
    words: Iterator[str] = (word for path in compiled.reads for word in evidence.words_for(path))
    return Because(
        rule=compiled.rule.name,
        says=compiled.rule.says,
        words=tuple(dict.fromkeys(words))[:_MOST_WORDS],
    )

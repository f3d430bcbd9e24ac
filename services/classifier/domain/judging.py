"""The verdict on a ticket: reasons, severity, type, and why (procedure, section 1)."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from policy.cel import CompiledCriteria, CompiledRule, Evidence
from policy.criteria import SeverityRule, TypeRule
from schemas.classifications import AccountSnapshot, Because, Judgement
from schemas.tickets import Ticket
from schemas.vocabulary import IssueType, Reason, Severity

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
    matched = evidence.holding()
    found = {rule.reason for rule in matched}
    reasons = tuple(reason for reason in Reason if reason in found)
    evidence.conclude(frozenset(reasons))
    holding = evidence.holding()
    severities = [(rule, rule.rule.severity) for rule in holding if isinstance(rule.rule, SeverityRule)]
    votes = [(rule, rule.rule) for rule in holding if isinstance(rule.rule, TypeRule)]
    types = _weighed(vote for _, vote in votes)
    speaking = (
        *matched,
        *(rule for rule, _ in severities[:1]),
        *(rule for rule, vote in votes if vote.type is types[0][0]),
    )
    return Judgement(
        qualifies=bool(reasons),
        reasons=reasons,
        severity=severities[0][1] if severities else Severity.P4,
        type=types[0][0],
        also=tuple(kind for kind, weight in types[1:] if weight >= _ALSO_SHARE * types[0][1]),
        confidence=_confidence([evidence.rests_on_words(rule.reads) for rule in matched], types),
        because=tuple(_because(rule, evidence) for rule in speaking),
        model_version=MODEL_VERSION,
    )


def _weighed(votes: Iterable[TypeRule]) -> list[tuple[IssueType, int]]:
    """Return the types that rules speak for with their weights, heaviest first; service where there is none."""
    weights = dict.fromkeys(_LEADS_A_TIE, 0)
    for vote in votes:
        weights[vote.type] += vote.weight
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


def _because(compiled: CompiledRule, evidence: Evidence) -> Because:
    words: Iterator[str] = (word for path in compiled.reads for word in evidence.words_for(path))
    return Because(
        rule=compiled.rule.name,
        says=compiled.rule.says,
        words=tuple(dict.fromkeys(words))[:_MOST_WORDS],
    )

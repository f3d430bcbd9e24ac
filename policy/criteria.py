"""When a ticket qualifies, how severe it is and of which type: text signals and rules over a typed ticket."""

from policy.document import Part
from schemas.vocabulary import IssueType, Reason, ReplyIntent, Severity


class Signal(Part, frozen=True, kw_only=True):
    """Words that mean something, as regular expressions by language (`any` for all); matched once, in Python.

    The expressions are RE2's (linear time on any text: no back-references, no look-around), matched within one
    sentence of text without accents and capitals (`policy/signals_prose.py`).
    """

    says: str
    patterns: dict[str, tuple[str, ...]]
    unless: dict[str, tuple[str, ...]] = {}
    """Words that take the meaning away again when they stand in the same sentence (negation, thanks, quotation)."""
    unless_sets: tuple[str, ...] = ()
    """Names of word sets that take the meaning away in the same way."""


class Quantity(Part, frozen=True, kw_only=True):
    """A number that the text names: the largest one found where `{number}` stands, 0 where there is none."""

    says: str
    patterns: dict[str, tuple[str, ...]]


class Rule(Part, frozen=True, kw_only=True):
    """A named CEL expression over the ticket and its signals, and what it means for people."""

    name: str
    when: str
    says: str


class SeverityRule(Rule, frozen=True, kw_only=True):
    """The first that holds gives the severity."""

    severity: Severity


class TypeRule(Rule, frozen=True, kw_only=True):
    """Each that holds adds its weight to its type; the heaviest leads, the others are `also`."""

    type: IssueType
    weight: int


class Example(Part, frozen=True, kw_only=True):
    """A worked example: a ticket and what the policy must say of it; executed by `policy check` and in tests."""

    says: str
    subject: str
    description: str = ""
    fields: dict[str, bool | int | float | str | None] = {}
    qualifies: bool
    reasons: tuple[Reason, ...] | None = None
    severity: Severity | None = None
    type: IssueType | None = None


class Criteria(Part, frozen=True, kw_only=True):
    """The whole of section 1 of the procedure as data."""

    signals: dict[str, Signal]
    reasons: dict[Reason, tuple[Rule, ...]]
    severities: tuple[SeverityRule, ...]
    types: tuple[TypeRule, ...]
    front_line_fraction: float = 0.2
    """Share of a ticket's own front-line SLA below which it is at risk."""
    word_sets: dict[str, dict[str, tuple[str, ...]]] = {}
    """Words by name and language that several signals share in their `unless_sets`."""
    quantities: dict[str, Quantity] = {}
    replies: dict[ReplyIntent, Signal] = {}
    """What a customer's reply means for a proposed resolution: the first in the order rejects, confirms, thanks."""
    examples: tuple[Example, ...] = ()

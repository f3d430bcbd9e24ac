"""When a ticket qualifies, how severe it is and of which type: text signals and rules over a typed ticket."""

from policy.document import Part
from schemas.vocabulary import IssueType, Reason, Severity


class Signal(Part, frozen=True, kw_only=True):
    """Words that mean something, as regular expressions by language (`any` for all); matched once, in Python."""

    says: str
    patterns: dict[str, tuple[str, ...]]
    unless: dict[str, tuple[str, ...]] = {}
    """Words that take the meaning away again when they stand in the same sentence (negation, thanks, quotation)."""


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
    examples: tuple[Example, ...] = ()

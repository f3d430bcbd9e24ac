"""Who owns what: a chain for each type, and what people may decide (procedure, section 2)."""

from enum import StrEnum

from policy.document import Part
from schemas.ids import PersonKey
from schemas.vocabulary import IssueType


class ChainStep(Part, frozen=True, kw_only=True):
    """One place in a chain: exactly one of a named person or whoever a rotation has on duty."""

    person: PersonKey | None = None
    rotation: str | None = None


class AcknowledgementMode(StrEnum):
    """When the customer is acknowledged."""

    ON_ACCEPT = "on_accept"
    AT_ONCE = "at_once"


class Routing(Part, frozen=True, kw_only=True):
    """Chains by type, owner first, management last; `fallback` stands in where a rotation has nobody."""

    chains: dict[IssueType, tuple[ChainStep, ...]]
    fallback: PersonKey
    management_at_once: tuple[IssueType, ...] = (IssueType.COMPLIANCE,)
    raise_severity_at_once: bool = True
    acknowledgement: AcknowledgementMode = AcknowledgementMode.ON_ACCEPT
    resolution_categories: tuple[str, ...] = ()
    root_cause_categories: tuple[str, ...] = ()

"""What a decision rests on besides the ticket's own past: the policy in force, who is on duty, the time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from policy.model import Policy
from schemas.ids import PersonKey
from schemas.vocabulary import IssueType

Chain = tuple[PersonKey, ...]
"""Owner first, management last; never empty."""


@dataclass(frozen=True, slots=True)
class Situation:
    """The world at the decision. `chain_of` gives a type's chain as it is at `now`."""

    policy: Policy
    now: datetime
    chain_of: Callable[[IssueType], Chain]

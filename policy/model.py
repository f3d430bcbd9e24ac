"""The procedure as one typed document; a version of it never changes."""

from policy.calendars import Calendar
from policy.communication import Communication
from policy.criteria import Criteria
from policy.document import Part
from policy.routing import Routing
from policy.targets import SeverityPolicy
from schemas.ids import PolicyVersion
from schemas.vocabulary import Severity


class Policy(Part, frozen=True, kw_only=True):
    """The procedure of a company."""

    label: str
    criteria: Criteria
    severities: dict[Severity, SeverityPolicy]
    calendars: dict[str, Calendar]
    routing: Routing
    communication: Communication

    def calendar_of(self, severity: Severity) -> Calendar | None:
        """Return the severity's business calendar, or None for the 24x7 clock."""
        name = self.severities[severity].calendar
        return None if name is None else self.calendars[name]

    @property
    def times_replies(self) -> bool:
        """Tell whether a clock of some severity goes by what the customer writes."""
        all_promises = self.severities.values()
        return any(one.next_reply is not None or one.pauses.for_questions for one in all_promises)


class VersionedPolicy(Part, frozen=True, kw_only=True):
    """A policy with the version it was published under."""

    version: PolicyVersion
    policy: Policy

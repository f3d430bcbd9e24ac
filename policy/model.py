"""The procedure as one typed document; a version of it never changes."""

from msgspec.structs import replace

from policy.calendars import Calendar, CalendarChoice
from policy.communication import Communication
from policy.criteria import Criteria
from policy.document import Added, Part
from policy.routing import Routing
from policy.targets import SeverityPolicy
from schemas.classifications import AccountSnapshot
from schemas.ids import PolicyVersion
from schemas.vocabulary import IssueType, Severity


class Policy(Part, frozen=True, kw_only=True):
    """The procedure of a company."""

    label: str
    criteria: Criteria
    severities: dict[Severity, SeverityPolicy]
    calendars: dict[str, Calendar]
    routing: Routing
    communication: Communication
    calendar_by: Added[CalendarChoice | None] = None

    def chosen_calendar(self, account: AccountSnapshot | None, issue_type: IssueType) -> str | None:
        """Return the name of the calendar an escalation goes by that opens so; None for that of its severity."""
        if self.calendar_by is None:
            return None
        region = "" if account is None else account.region or ""
        return self.calendar_by.account_region.get(region) or self.calendar_by.type.get(issue_type)

    def on_calendar(self, name: str | None) -> "Policy":
        """Return the procedure as it holds for an escalation that goes by this calendar; the same for None.

        Whoever works out a due time takes it from here, so all of them agree. A 24x7 severity stays one.
        """
        if name is None:
            return self
        own = {one: replace(it, calendar=name) for one, it in self.severities.items() if it.calendar is not None}
        return replace(self, severities={**self.severities, **own})

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

"""Severities: what is promised for each, measured how (procedure, section 1)."""

from enum import StrEnum

from policy.document import Added, Part
from policy.pauses import Pauses
from policy.thresholds import BREACH, Threshold, percents_of
from schemas.vocabulary import ClockName, RecordPart


class Measure(StrEnum):
    """How a target is measured; there is no unnamed "day"."""

    ELAPSED = "elapsed"
    """Seconds on a 24x7 clock."""
    WORKING_TIME = "working_time"
    """Seconds within the severity's calendar."""
    BUSINESS_DAYS = "business_days"
    """Days of the severity's calendar, until the instant that `DayEnd` says."""


class DayEnd(StrEnum):
    """When on its last day a target in business days is due."""

    SAME_TIME = "same_time"
    """At the local time of the start, at most at the closing."""
    END_OF_DAY = "end_of_day"
    """At the closing."""


class Target(Part, frozen=True, kw_only=True):
    """An amount of time: seconds, or whole days where `measure` is `business_days`.

    `ends` says when on the last of those days.
    """

    measure: Measure
    amount: int
    ends: Added[DayEnd] = DayEnd.SAME_TIME

    @property
    def words(self) -> str:
        """The target as people say it, e.g. `15 min`, `8 h`, `3 business days`."""
        if self.measure is Measure.BUSINESS_DAYS:
            days = f"{self.amount} business day{'' if self.amount == 1 else 's'}"
            return days if self.ends is DayEnd.SAME_TIME else f"{days} (end of day)"
        hours, minutes = divmod(self.amount // 60, 60)
        parts = [f"{hours} h" if hours else "", f"{minutes} min" if minutes else ""]
        return " ".join(part for part in parts if part)


class SeverityPolicy(Part, frozen=True, kw_only=True):
    """The promises of one severity. `calendar` names a business calendar; null is the 24x7 clock.

    Percentages are of the target's working seconds. `acceptance_share` is the share of the first-response target
    within which an owner accepts. `confirmation` is how long a customer may leave a proposed resolution unanswered
    before being asked again, `confirmation_repeats` how often that is done before the owner is told to call.
    `warnings_percent` is for the clocks that `thresholds` does not name.
    `review` is how long after the close the review is to be held; null: none is due.
    `next_reply` is how long a message of the customer may wait for an answer of a person; null promises none. `pauses`
    says what clocks stand for.
    """

    impact: str
    calendar: str | None = None
    first_response: Target
    update: Target | None = None
    resolution: Target
    confirmation: Target
    confirmation_repeats: int = 3
    acceptance_share: float = 0.5
    acceptance_reminder_percent: int = 50
    management_reminders: int = 3
    warnings_percent: tuple[int, ...] = (50, 75, 90)
    documentation: tuple[RecordPart, ...] = (RecordPart.CATEGORY,)
    incident_channel: bool = False
    review: Added[Target | None] = None
    thresholds: Added[dict[ClockName, tuple[Threshold, ...]]] = {}
    next_reply: Added[Target | None] = None
    pauses: Added[Pauses] = Pauses()

    def percents_of(self, clock: ClockName) -> tuple[int, ...]:
        """Return the shares of a promise to a customer at which something is said, ascending."""
        written = self.thresholds.get(clock)
        return (*sorted(self.warnings_percent), BREACH) if written is None else percents_of(written)

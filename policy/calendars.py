"""Business calendars as data: working windows by weekday in local time, holidays, a time zone."""

from enum import StrEnum

from policy.document import Part
from schemas.vocabulary import IssueType


class Weekday(StrEnum):
    """Days of the week, Monday first."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class Calendar(Part, frozen=True, kw_only=True):
    """Working windows in local time.

    `weekly` maps a weekday to its windows `(opens, closes)` as `HH:MM`, `24:00` being the end of the day; a missing
    day is closed. A window that closes before it opens spans midnight, and belongs to the day on which it opens.
    `holidays` are days on which no window opens, `YYYY-MM-DD` or, every year, `MM-DD`.
    """

    time_zone: str
    weekly: dict[Weekday, tuple[tuple[str, str], ...]]
    holidays: tuple[str, ...] = ()


class CalendarChoice(Part, frozen=True, kw_only=True):
    """Which calendar a business clock goes by, by what the escalation was when it opened: the first that names one.

    `account_region`: the region of the account, as the CRM writes it. `type`: the type, so the team that owns it. Where
    neither names one it is the severity's own; a severity without one runs around the clock, whatever stands here.
    """

    account_region: dict[str, str] = {}
    type: dict[IssueType, str] = {}

"""What the types of a policy cannot say: times that exist, promises that can be kept, chains that lead somewhere.

Each check yields `(path, what is wrong and what is allowed)`; the loader adds file and line.
"""

from collections.abc import Iterator
from datetime import date, time
from itertools import pairwise
from zoneinfo import ZoneInfoNotFoundError

import msgspec

from policy.calendars import Calendar, CalendarChoice, Weekday
from policy.criteria import Example
from policy.model import Policy
from policy.pauses import PauseCause
from policy.routing import ChainStep, Routing
from policy.targets import DayEnd, Measure, SeverityPolicy, Target
from policy.threshold_checks import check_thresholds
from policy.time_zones import zone_of
from schemas.tickets import TicketFields
from schemas.vocabulary import IssueType, Severity

Complaints = Iterator[tuple[str, str]]
_LEAP_YEAR = "2028-"
_MIDNIGHT = "24:00"


def check_policy(policy: Policy) -> Complaints:
    """Check severities, calendars and routing; the rules and the words are checked by those who apply them."""
    if not policy.label or not policy.label.replace("-", "").isalnum():
        yield "label", f"{policy.label!r} is not letters, digits and '-'"
    if not 0 < policy.criteria.front_line_fraction < 1:
        yield "criteria.front_line_fraction", "is a share between 0 and 1, like 0.2"
    for index, example in enumerate(policy.criteria.examples):
        yield from _check_example(example, f"criteria.examples[{index}].fields")
    for name, calendar in policy.calendars.items():
        yield from check_calendar(calendar, f"calendars.{name}")
    for severity in Severity:
        if severity not in policy.severities:
            yield "severities", f"{severity.value} is missing; each of {_names(Severity)} makes its promises"
    for severity, promises in policy.severities.items():
        yield from _check_severity(promises, policy, f"severities.{severity.value}")
    yield from _check_choice(policy)
    yield from _check_routing(policy.routing)


def _check_example(example: Example, path: str) -> Complaints:
    for name, value in example.fields.items():
        if name not in TicketFields.__struct_fields__:
            yield f"{path}.{name}", f"unknown; allowed: {', '.join(TicketFields.__struct_fields__)}"
            continue
        try:
            msgspec.convert({name: value}, TicketFields)
        except msgspec.ValidationError as error:
            yield f"{path}.{name}", str(error).split(" - at ", maxsplit=1)[0]


def check_calendar(calendar: Calendar, path: str) -> Complaints:
    """Check a calendar's zone, windows and holidays."""
    yield from check_time_zone(calendar.time_zone, f"{path}.time_zone")
    if not any(calendar.weekly.values()):
        yield f"{path}.weekly", "has no working time: nothing would ever fall due"
    for weekday, windows in calendar.weekly.items():
        yield from _check_windows(windows, f"{path}.weekly.{weekday.value}")
    yield from _check_nights(calendar, path)
    for index, holiday in enumerate(calendar.holidays):
        if not _is_holiday(holiday):
            yield f"{path}.holidays[{index}]", f"{holiday!r} is no day; write YYYY-MM-DD or, every year, MM-DD"


def check_time_zone(name: str, path: str) -> Complaints:
    """Check that a time zone is one of the IANA database."""
    try:
        zone_of(name)
    except ZoneInfoNotFoundError:
        yield path, f"{name!r} is no time zone; write one of the IANA database, like Europe/Berlin"


def _check_windows(windows: tuple[tuple[str, str], ...], path: str) -> Complaints:
    for index, window in enumerate(windows):
        wrong = [edge for edge in window if not _is_time(edge)]
        if wrong:
            yield f"{path}[{index}]", f"{wrong[0]!r} is no time of day; write HH:MM from 00:00 to 24:00"
        elif window[0] in (window[1], _MIDNIGHT):
            yield f"{path}[{index}]", f"opens {window[0]}, closes {window[1]}: a whole day is 00:00 to 24:00"
    for index, (before, after) in enumerate(pairwise(windows), start=1):
        if after[0] < before[1] or _spans_midnight(before):
            yield f"{path}[{index}]", f"opens {after[0]}, before the one listed before it closes at {before[1]}"


def _check_nights(calendar: Calendar, path: str) -> Complaints:
    """Check that what is open over midnight closes before the next day opens."""
    days = tuple(Weekday)
    for day, following in zip(days, (*days[1:], days[0]), strict=True):
        windows, then = calendar.weekly.get(day, ()), calendar.weekly.get(following, ())
        if windows and then and _spans_midnight(windows[-1]) and then[0][0] < windows[-1][1]:
            says = f"opens {then[0][0]}, before the night that began on {day.value} ends at {windows[-1][1]}"
            yield f"{path}.weekly.{following.value}[0]", says


def _spans_midnight(window: tuple[str, str]) -> bool:
    return window[1] < window[0]


def _is_time(text: str) -> bool:
    if text == _MIDNIGHT:
        return True
    try:
        return f"{time.fromisoformat(text):%H:%M}" == text
    except ValueError:
        return False


def _is_holiday(text: str) -> bool:
    try:
        day = date.fromisoformat(text if len(text) > len("12-25") else _LEAP_YEAR + text)
    except ValueError:
        return False
    return day.isoformat().endswith(text)


def _check_severity(promises: SeverityPolicy, policy: Policy, path: str) -> Complaints:
    if promises.calendar is not None and promises.calendar not in policy.calendars:
        allowed = ", ".join(policy.calendars)
        yield f"{path}.calendar", f"there is no calendar {promises.calendar!r}; allowed: {allowed}, or null for 24x7"
    targets = ("first_response", "update", "resolution", "confirmation", "next_reply", "review")
    for name in targets:
        target: Target | None = getattr(promises, name)
        if target is not None:
            yield from _check_target(target, promises, f"{path}.{name}")
    yield from _check_shares(promises, path)
    yield from check_thresholds(promises, policy, path)
    if PauseCause.PROPOSED_RESOLUTION in promises.pauses.update:
        yield f"{path}.pauses.update", "a proposed resolution ends the update already; only a question pauses it"


def _check_choice(policy: Policy) -> Complaints:
    """Check that each calendar that is chosen is there."""
    choice = policy.calendar_by or CalendarChoice()
    by_region = {f"account_region.{region}": name for region, name in choice.account_region.items()}
    by_type = {f"type.{issue_type.value}": name for issue_type, name in choice.type.items()}
    for place, name in {**by_region, **by_type}.items():
        if name not in policy.calendars:
            yield f"calendar_by.{place}", f"there is no calendar {name!r}; allowed: {', '.join(policy.calendars)}"


def _check_target(target: Target, promises: SeverityPolicy, path: str) -> Complaints:
    if target.amount <= 0:
        yield f"{path}.amount", f"{target.amount} is no time; give seconds, or days with business_days, above 0"
    if target.measure is not Measure.ELAPSED and promises.calendar is None:
        yield f"{path}.measure", f"{target.measure.value} needs a calendar; name one, or measure by elapsed"
    if target.ends is not DayEnd.SAME_TIME and target.measure is not Measure.BUSINESS_DAYS:
        yield f"{path}.ends", f"{target.ends.value} is for business_days, not for {target.measure.value}"


def _check_shares(promises: SeverityPolicy, path: str) -> Complaints:
    if not 0 < promises.acceptance_share <= 1:
        yield f"{path}.acceptance_share", "is a share of the first response, above 0 and at most 1"
    if not 0 < promises.acceptance_reminder_percent < 100:
        yield f"{path}.acceptance_reminder_percent", "is between 1 and 99"
    for name in ("management_reminders", "confirmation_repeats"):
        if getattr(promises, name) < 0:
            yield f"{path}.{name}", "is 0 or more"
    warnings = promises.warnings_percent
    rising = all(earlier < later for earlier, later in pairwise(warnings))
    if not rising or any(not 0 < percent < 100 for percent in warnings):
        yield f"{path}.warnings_percent", "are between 1 and 99, each above the one before, like [50, 75, 90]"


def _check_routing(routing: Routing) -> Complaints:
    for issue_type in IssueType:
        if not routing.chains.get(issue_type):
            says = "is empty or missing; name its owner first, management last"
            yield f"routing.chains.{issue_type.value}", says
    for issue_type, steps in routing.chains.items():
        path = f"routing.chains.{issue_type.value}"
        for index, step in enumerate(steps):
            if (step.person is None) == (step.rotation is None):
                yield f"{path}[{index}]", "names neither or both; exactly one of person and rotation"
            elif step in steps[:index]:
                yield f"{path}[{index}]", f"{_named(step)} stands here twice"


def _named(step: ChainStep) -> str:
    return step.person or step.rotation or "nobody"


def _names(words: type[Severity]) -> str:
    return ", ".join(word.value for word in words)

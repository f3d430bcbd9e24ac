"""What the types of a threshold cannot say: shares in order and bounded, clocks that have them, audiences there are."""

from collections.abc import Iterator

from policy.model import Policy
from policy.targets import SeverityPolicy
from policy.thresholds import BREACH, Threshold
from schemas.vocabulary import Audience, ClockName, NoticeKind

Complaints = Iterator[tuple[str, str]]
_HIGHEST = 1000
_MOST = 20
"""Shares of one clock, with those that come again: each is looked for whenever the clock is."""
_AUDIENCES = (Audience.OWNER, Audience.MANAGEMENT, Audience.CHANNEL)
_ELSEWHERE = {
    ClockName.ACCEPTANCE: "is reminded by acceptance_reminder_percent and management_reminders",
    ClockName.CONFIRMATION: "is repeated by confirmation_repeats",
    ClockName.FRONT_LINE: "is at risk by front_line_fraction of the criteria",
}
"""Clocks whose shares move somebody and not only tell."""


def check_thresholds(promises: SeverityPolicy, policy: Policy, path: str) -> Complaints:
    """Check the thresholds of a severity; yields `(path, what is wrong and what is allowed)`."""
    for clock, thresholds in promises.thresholds.items():
        place = f"{path}.thresholds.{clock.value}"
        if clock in _ELSEWHERE:
            yield place, f"{clock.value} {_ELSEWHERE[clock]}; thresholds are for the promises to a customer"
            continue
        wrong = list(_check_shares(thresholds, place))
        yield from wrong or _check_order(thresholds, place)
        for index, one in enumerate(thresholds):
            yield from _check_audiences(one, promises, policy, f"{place}[{index}].audiences")


def _check_shares(thresholds: tuple[Threshold, ...], path: str) -> Complaints:
    for index, one in enumerate(thresholds):
        place = f"{path}[{index}]"
        if one.percent <= 0:
            yield f"{place}.percent", f"{one.percent} is no share; give a percentage above 0"
        if (one.every is None) != (one.at_most is None):
            yield place, "comes again each `every` percent, `at_most` so many times: give both or neither"
        elif one.every is not None and one.at_most is not None:
            if one.every <= 0 or one.at_most <= 0:
                yield place, "every and at_most are 1 or more"
            if one.percent < BREACH:
                yield f"{place}.every", f"only a breach and what lies above comes again, from {BREACH} on"


def _check_order(thresholds: tuple[Threshold, ...], path: str) -> Complaints:
    reached = 0
    for index, one in enumerate(thresholds):
        if one.percent <= reached:
            says = f"{one.percent} does not lie above {reached}, which the one before it reaches"
            yield f"{path}[{index}].percent", says
        reached = max(reached, one.percents[-1])
    if reached > _HIGHEST:
        yield path, f"reach {reached} %; {_HIGHEST} is the highest"
    if sum(len(one.percents) for one in thresholds) > _MOST:
        yield path, f"are more than {_MOST} shares, with those that come again"


def _check_audiences(one: Threshold, promises: SeverityPolicy, policy: Policy, path: str) -> Complaints:
    for audience in one.audiences or ():
        if audience not in _AUDIENCES:
            allowed = ", ".join(each.value for each in _AUDIENCES)
            yield path, f"{audience.value} is told of no clock; allowed: {allowed}"
    if Audience.CHANNEL in (one.audiences or ()) and not promises.incident_channel:
        yield path, "there is no channel to tell: this severity has no incident_channel"
    kind = NoticeKind.BREACH if one.percent == BREACH else NoticeKind.WARNING
    rule = policy.communication.rule_of(kind)
    if one.audiences and (rule is None or not rule.audiences):
        yield path, f"audiences.yaml tells nobody of a {kind.value}, so nobody would be told"

"""Working time the slow way: every window of the months around is laid out and walked."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

from policy.time_zones import zone_of

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
NONE = timedelta(0)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_AROUND = timedelta(days=120)
"""How far windows are laid out before and after what is asked about."""

Window = tuple[datetime, datetime]
Weekly = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


@cache
def first_instant(local: datetime, zone: str) -> datetime:
    """Return the first instant at which the zone's wall clock shows so late a time, found minute by minute."""
    at = (local - timedelta(hours=26)).replace(tzinfo=zone_of(zone), fold=0).astimezone(UTC)
    while True:
        shown = at.astimezone(zone_of(zone)).replace(tzinfo=None)
        if shown >= local:
            return at
        # Hours may be jumped over where the wall clock cannot reach the time meanwhile.
        at += timedelta(hours=1) if local - shown > timedelta(hours=27) else MINUTE


def _wall(day: date, clock_time: str) -> datetime:
    if clock_time == "24:00":
        return datetime.combine(day + DAY, time())
    return datetime.combine(day, time.fromisoformat(clock_time))


class Hours:
    """A calendar as stories give it; None runs around the clock."""

    def __init__(self, calendar: Mapping[str, object] | None) -> None:
        self.is_open_always = calendar is None
        given = calendar or {}
        self.zone = str(given.get("time_zone", "UTC"))
        weekly = given.get("weekly", {})
        assert isinstance(weekly, dict)
        self._weekly = {day: [(str(opens), str(closes)) for opens, closes in weekly[day]] for day in weekly}
        holidays = given.get("holidays", ())
        assert isinstance(holidays, Sequence)
        self._holidays = frozenset(map(str, holidays))
        self._laid_out: dict[date, list[Window]] = {}

    def windows_of(self, day: date) -> list[Window]:
        """Return the windows that open on a local day."""
        if day not in self._laid_out:
            self._laid_out[day] = self._place(day)
        return self._laid_out[day]

    def _place(self, day: date) -> list[Window]:
        if f"{day:%Y-%m-%d}" in self._holidays or f"{day:%m-%d}" in self._holidays:
            return []
        windows = []
        for opens, closes in sorted(self._weekly.get(_WEEKDAYS[day.weekday()], [])):
            closing_day = day if opens < closes else day + DAY
            opening = first_instant(_wall(day, opens), self.zone)
            closing = first_instant(_wall(closing_day, closes), self.zone)
            if opening < closing:
                windows.append((opening, closing))
        return windows

    def windows(self, since: datetime, until: datetime) -> list[Window]:
        """Return all windows that touch the stretch, cut to it."""
        day = since.astimezone(zone_of(self.zone)).date() - 2 * DAY
        found = []
        while day <= until.astimezone(zone_of(self.zone)).date() + 2 * DAY:
            for opens, closes in self.windows_of(day):
                if max(opens, since) < min(closes, until):
                    found.append((max(opens, since), min(closes, until)))
            day += DAY
        return found

    def worked(self, since: datetime, until: datetime) -> timedelta:
        """Return the working time of the stretch."""
        if self.is_open_always:
            return until - since
        return sum((closes - opens for opens, closes in self.windows(since, until)), NONE)

    def after(self, since: datetime, amount: timedelta) -> datetime:
        """Return the first instant at which the amount has been worked."""
        if self.is_open_always or amount <= NONE:
            return since + amount
        day = since.astimezone(zone_of(self.zone)).date() - 2 * DAY
        for _ in range(_AROUND.days):
            for opens, closes in self.windows_of(day):
                begins = max(opens, since)
                if begins < closes:
                    if begins + amount <= closes:
                        return begins + amount
                    amount -= closes - begins
            day += DAY
        raise AssertionError(f"{self.zone}: nothing is open for months after {since}")

    def business_days(self, since: datetime, days: int) -> datetime:
        """Return `same_time` so many business days later, as the procedure defines it."""
        start, day = self._opening(since)
        local = start.astimezone(zone_of(self.zone)).replace(tzinfo=None, fold=0)
        nights = local.date() - day
        for _ in range(days):
            day += DAY
            while not self.windows_of(day):
                day += DAY
        return min(first_instant(datetime.combine(day + nights, local.time()), self.zone), self.windows_of(day)[-1][1])

    def _opening(self, since: datetime) -> tuple[datetime, date]:
        day = since.astimezone(zone_of(self.zone)).date() - 2 * DAY
        for _ in range(_AROUND.days):
            for opens, closes in self.windows_of(day):
                if since < closes:
                    return max(opens, since), day
            day += DAY
        raise AssertionError(f"{self.zone}: nothing opens for months after {since}")

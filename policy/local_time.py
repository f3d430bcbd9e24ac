"""Local times of a zone as instants; what to do where daylight saving skips or repeats one."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_SMALLEST = timedelta(microseconds=1)


def instant_of(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant (UTC) of a naive local time.

    Of a time that occurs twice it is the first; for one that is skipped it is the first instant after the gap.
    """
    instant = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None, fold=0) == local:
        return instant
    return _end_of_gap(local, zone, instant)


def _end_of_gap(local: datetime, zone: ZoneInfo, after: datetime) -> datetime:
    """Search the transition between the two readings of a skipped time: `fold=1` lies before it, `fold=0` after."""
    before = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    offset_before = before.astimezone(zone).utcoffset()
    while after - before > _SMALLEST:
        middle = before + (after - before) / 2
        if middle.astimezone(zone).utcoffset() == offset_before:
            before = middle
        else:
            after = middle
    return after


def local_time(day: date, clock_time: str, zone: ZoneInfo) -> datetime:
    """Return the instant of `HH:MM` on a local day; `24:00` is where the next day begins.

    Raises ValueError for anything that is no such time.
    """
    if clock_time == "24:00":
        return instant_of(datetime.combine(day + timedelta(days=1), time()), zone)
    return instant_of(datetime.combine(day, time.fromisoformat(clock_time)), zone)

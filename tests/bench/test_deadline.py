"""How long a deadline a year away takes on a calendar that is laid out already."""

import timeit
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from policy.loader import load_policy
from policy.targets import DayEnd, Measure, Target
from policy.working_time import due_at
from tests.bench.measuring import row

START = datetime(2026, 6, 2, 8, 17, tzinfo=UTC)
TARGETS = {
    "250 business days": Target(measure=Measure.BUSINESS_DAYS, amount=250),
    "250 business days, end of day": Target(measure=Measure.BUSINESS_DAYS, amount=250, ends=DayEnd.END_OF_DAY),
    "2,000 working hours": Target(measure=Measure.WORKING_TIME, amount=2000 * 3600),
}
CALLS, REPEATS = 2000, 15


def test_a_deadline_a_year_away_takes_microseconds() -> None:
    calendar = load_policy(Path(__file__).parents[2] / "policy" / "default").policy.calendars["business"]
    for name, target in TARGETS.items():
        taken = timeit.repeat(partial(due_at, calendar, START, target), number=CALLS, repeat=REPEATS)
        row(f"a deadline: {name}", "≤ 20 µs", f"{min(taken) / CALLS * 1e6:.1f} µs")

"""Cycles of what follows a close: the review, and preventive actions (docs/adr/0022)."""

from collections.abc import Iterator

import msgspec

from schemas.vocabulary import ClockName
from services.sla_monitor.domain.rounds import Cycle, one_run
from services.sla_monitor.domain.row import ActionDone, ActionPlanned, Closed, Ended, EscalationRow, Reopened, Reviewed


def review(row: EscalationRow) -> Iterator[Cycle]:
    """Yield a cycle for each close; a reopening ends it, and the review is due anew after the next."""
    number = 0
    for position, act in enumerate(row.acts):
        if isinstance(act, Closed):
            number += 1
            later = row.acts[position + 1 :]
            end = next((one for one in later if isinstance(one, Reviewed | Reopened | Ended)), None)
            yield one_run(ClockName.REVIEW, number, act.at, end, judged=isinstance(end, Reviewed))


def preventive_action(row: EscalationRow) -> Iterator[Cycle]:
    """Yield each preventive action from its plan to its end; closing and reopening leave it alone."""
    done = {act.number: act for act in row.acts if isinstance(act, ActionDone)}
    over = next((act for act in row.acts if isinstance(act, Ended)), None)
    for act in row.acts:
        if isinstance(act, ActionPlanned):
            end = done.get(act.number)
            cycle = one_run(ClockName.PREVENTIVE_ACTION, act.number, act.at, end or over, judged=end is not None)
            yield msgspec.structs.replace(cycle, promised_at=act.due_at)

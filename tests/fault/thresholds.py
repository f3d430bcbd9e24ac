"""What must be so of the thresholds of many tickets, whatever happened: each is recorded once, and none early."""

from collections import Counter
from collections.abc import Collection
from functools import partial

from schemas.catalogue import SLA
from schemas.escalations import OwnerAssigned, SlaBreached, SlaKept, SlaRecord, SlaWarned
from schemas.sla import ThresholdReached
from schemas.vocabulary import ClockName
from tests.fault.races import Races, minutes

TARGETS = {ClockName.ACCEPTANCE: 7.5, ClockName.FIRST_RESPONSE: 15, ClockName.UPDATE: 30}
"""Minutes of a P1's clocks that begin with the escalation and run out first."""


async def all_is_as_promised(race: Races, tickets: Collection[str], answered: Collection[str]) -> None:
    """Wait until every cycle that begins with the escalation has its verdict, then look at all that was said."""
    for clock in TARGETS:
        await race.until(SlaRecord, tickets, partial(_is_verdict, clock))
    race.clock.run_at(1)
    await _every_threshold_is_recorded_once(race, tickets, answered)
    await _none_is_early(race, tickets)


def _is_verdict(clock: ClockName, record: SlaRecord) -> bool:
    return _is_final(record) and (record.clock, record.cycle) == (clock, 1)


def _is_final(record: SlaRecord) -> bool:
    return isinstance(record, SlaKept) or (isinstance(record, SlaBreached) and not record.unverified)


async def _every_threshold_is_recorded_once(race: Races, tickets: Collection[str], answered: Collection[str]) -> None:
    records = await race.log(SlaRecord, tickets)
    verdicts = Counter((one.escalation.ticket, one.clock, one.cycle) for one in records if _is_final(one))
    assert set(verdicts.values()) == {1}, verdicts.most_common(3)
    warnings = [one for one in records if isinstance(one, SlaWarned)]
    given = Counter((one.escalation.ticket, one.clock, one.cycle, one.percent) for one in warnings)
    assert set(given.values()) <= {1}, given.most_common(3)
    late = {one.escalation.ticket for one in await race.cycles(SlaBreached, tickets, ClockName.FIRST_RESPONSE)}
    assert late == set(tickets) - set(answered), "late is who has not answered, and nobody else"


async def _none_is_early(race: Races, tickets: Collection[str]) -> None:
    assigned = await race.log(OwnerAssigned, tickets)
    assigned_at = {(one.escalation.ticket, one.cycle): one.meta.occurred_at for one in assigned}
    for said in await race.here.log(SLA):
        assert not isinstance(said, ThresholdReached) or said.meta.occurred_at >= said.reached_at
    for record in await race.log(SlaBreached, tickets):
        context = record.escalation
        assert record.meta.recorded_at >= record.due_at
        if record.clock is ClockName.ACCEPTANCE:
            began_at = assigned_at[context.ticket, record.cycle]
        elif record.cycle == 1:
            began_at = context.started_at
        else:
            continue
        assert record.due_at == began_at + minutes(TARGETS.get(record.clock, 240))

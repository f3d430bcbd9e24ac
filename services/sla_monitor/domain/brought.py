"""What merges brought to cycles while they ran (docs/adr/0021)."""

from collections.abc import Iterator

import msgspec

from schemas.vocabulary import ClockName
from services.sla_monitor.domain.rounds import Brought, Cycle
from services.sla_monitor.domain.row import Absorbed, TakenOver


def with_brought(absorbed: tuple[Absorbed, ...], cycles: Iterator[Cycle]) -> Iterator[Cycle]:
    """Yield the cycles with what merges brought while they ran."""
    if not absorbed:
        yield from cycles
        return
    for cycle in cycles:
        brought = tuple(one for act in absorbed for one in _brought(cycle, act))
        yield msgspec.structs.replace(cycle, brought=brought)


def _brought(cycle: Cycle, act: Absorbed) -> Iterator[Brought]:
    promise = promise_of(act, cycle.clock)
    is_its_cycle = cycle.number == _begun_by(act, cycle.clock)
    begins_another = cycle.clock is ClockName.FIRST_RESPONSE and act.opening > 0 and not is_its_cycle
    if ran_at(cycle, act) and not begins_another and (promise is not None or act.alone):
        replaces = act.alone or is_its_cycle
        yield Brought(at=act.at, version=act.version, promise=promise, replaces=replaces, opened=act.alone)


def _begun_by(act: Absorbed, clock: ClockName) -> int:
    """Return the number of the cycle of that clock that begins with a merge; 0 where none does."""
    begun = {ClockName.FIRST_RESPONSE: act.opening, ClockName.PROMISE: act.cycle, ClockName.NEXT_REPLY: act.reply}
    return begun.get(clock, 0)


def promise_of(act: Absorbed, clock: ClockName) -> TakenOver | None:
    """Return what the merge brought of that clock."""
    return next((one for one in act.promises if one.clock is clock), None)


def ran_at(cycle: Cycle, act: Absorbed) -> bool:
    """Tell whether the cycle had begun and not ended when the merge came."""
    has_ended = cycle.ended_at is not None and (cycle.ended_at, cycle.ended_by) < (act.at, act.version)
    return (cycle.started_at, cycle.begun_by) <= (act.at, act.version) and not has_ended

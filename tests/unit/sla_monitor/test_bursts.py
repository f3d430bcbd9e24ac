"""Events of a ticket that are read together come to the same as those read one by one."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.escalations import EscalationEnded, EscalationEvent
from schemas.sla import PromiseScheduled, SlaFinding, ThresholdReached
from schemas.vocabulary import Severity
from services.sla_monitor.adapters.in_memory import InMemoryRows
from services.sla_monitor.handlers import PartitionWatch, SlaMonitor
from tests.unit.sla_monitor.asking import BOTH, minutes, policy_with
from tests.unit.sla_monitor.telling import TICKET, FixedPolicies, Telling, instant
from tests.unit.sla_monitor.test_any_order import FACTS, MINUTE, START, told_of

POLICIES = FixedPolicies(policy_with(minutes(45), dict.fromkeys(Severity, BOTH)))
NOW = START + 500 * MINUTE


class Told:
    """A watch, and what it said."""

    def __init__(self) -> None:
        self.rows = InMemoryRows()
        self.watch = PartitionWatch(SlaMonitor(POLICIES), self.rows)
        self.said: list[SlaFinding] = []

    def take(self, events: Sequence[EscalationEvent]) -> None:
        """Take events together."""
        noted = self.watch.note(events, NOW)
        self.watch.keep(noted)
        self.said += noted.findings

    @property
    def promised(self) -> object:
        """Return the promise that was said last; at first there is none."""
        said = [(one.clock, one.due_at) for one in self.said if isinstance(one, PromiseScheduled)]
        return said[-1] if said else (None, None)


@settings(max_examples=150, deadline=None)
@given(facts=FACTS, cuts=st.sets(st.integers(1, 8)))
def test_in_bursts_and_one_by_one_the_same_is_kept_promised_and_due(
    facts: list[tuple[str, int]], cuts: set[int]
) -> None:
    telling = Telling(Severity.P2)
    events: list[EscalationEvent] = [telling.opened(START)]
    events += [told_of(telling, word, START + minute * MINUTE) for word, minute in facts]
    single, bursts = Told(), Told()
    for event in events:
        single.take([event])
    edges = [0, *sorted(cut for cut in cuts if cut < len(events)), len(events)]
    for begin, end in pairwise(edges):
        bursts.take(events[begin:end])

    assert bursts.rows.get(TICKET) == single.rows.get(TICKET)
    assert bursts.promised == single.promised
    assert bursts.watch.next_due_at() == single.watch.next_due_at()
    fired, expected = bursts.watch.fire(NOW), single.watch.fire(NOW)
    assert {one.meta.id for one in fired} == {one.meta.id for one in expected}
    assert _verdicts(bursts) <= _verdicts(single)


def _verdicts(told: Told) -> set[str]:
    return {one.meta.id for one in told.said if not isinstance(one, PromiseScheduled)}


def test_an_escalation_that_ends_and_another_that_opens_in_one_burst_has_all_said_anew() -> None:
    told = Told()
    first = Telling(Severity.P2)
    told.take([first.opened(START)])
    before = told.watch.fire(instant("09:30:00"))
    second = Telling(Severity.P2)
    second.version = first.version + 1
    told.take([first.tell(EscalationEnded(reason="deleted"), instant("09:31:00")), second.opened(START)])
    after = told.watch.fire(instant("09:32:00"))

    thresholds = [
        {(one.clock, one.percent) for one in said if isinstance(one, ThresholdReached)} for said in (before, after)
    ]
    assert thresholds[0] == thresholds[1] != set()

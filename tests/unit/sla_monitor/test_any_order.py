"""Facts that arrive in any order: clocks go by the order in which they happened, and so does what is on record."""

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.escalations import EscalationEvent
from schemas.vocabulary import ClockName, Severity, Verdict
from services.sla_monitor.domain.cycles import cycles_of
from services.sla_monitor.domain.epochs import held_to, promises_of
from services.sla_monitor.domain.evaluation import evaluate, judged_cycles
from services.sla_monitor.domain.folding import fold
from services.sla_monitor.domain.rounds import Run
from services.sla_monitor.domain.row import EscalationRow
from tests.unit.sla_monitor.asking import BOTH, asked, minutes, policy_with, replied, router_with
from tests.unit.sla_monitor.telling import TICKET, Telling, instant

POLICY = policy_with(minutes(45), dict.fromkeys(Severity, BOTH))
START = instant("08:00:00")
MINUTE = timedelta(minutes=1)
WORDS = st.sampled_from(["reply", "thanks", "answer", "question", "propose", "reject", "close", "P1", "P2"])
FACTS = st.lists(st.tuples(WORDS, st.integers(1, 400)), max_size=8, unique_by=lambda fact: fact[1])
"""What happens, and in which minute; no two in one."""


def told_of(telling: Telling, word: str, at: datetime) -> EscalationEvent:
    match word:
        case "reply" | "thanks":
            return replied(telling, at, awaits=word == "reply")
        case "answer":
            return telling.informed(at)
        case "question":
            return asked(telling, at)
        case "propose":
            return telling.proposed(at)
        case "reject":
            return telling.rejected(at)
        case "close":
            return telling.closed(at)
        case _:
            return telling.reclassified(at, Severity(word))


def _row(facts: list[tuple[str, int]]) -> EscalationRow:
    telling = Telling(Severity.P2)
    row = fold(None, telling.opened(START))
    for word, minute in facts:
        row = fold(row, told_of(telling, word, START + minute * MINUTE))
    assert isinstance(row, EscalationRow)
    return row


def _runs(row: EscalationRow, clock: ClockName) -> list[tuple[tuple[Run, ...], bool]]:
    cycles = (cycle for cycle in cycles_of(row, promises_of(held_to(row, POLICY))) if cycle.clock is clock)
    return [(cycle.runs, cycle.judged) for cycle in cycles]


def _unanswered(facts: list[tuple[str, int]]) -> list[tuple[int, int | None, bool]]:
    """Return from when to when a message waited and whether it was answered, as somebody with a notebook would."""
    found: list[tuple[int, int | None, bool]] = []
    since: int | None = None
    closed = False
    for word, minute in sorted(facts, key=lambda fact: fact[1]):
        closed = closed or word == "close"
        if word == "reply" and since is None and not closed:
            since = minute
        elif word in {"answer", "question", "propose", "close"} and since is not None:
            found.append((since, minute, word != "close"))
            since = None
    return found if since is None else [*found, (since, None, False)]


@settings(max_examples=200, deadline=None)
@given(facts=FACTS)
def test_the_order_of_arrival_changes_no_stretch_of_a_clock(facts: list[tuple[str, int]]) -> None:
    anyhow, in_order = facts, sorted(facts, key=lambda fact: fact[1])
    for clock in (ClockName.NEXT_REPLY, ClockName.RESOLUTION, ClockName.UPDATE):
        assert _runs(_row(anyhow), clock) == _runs(_row(in_order), clock)


@settings(max_examples=200, deadline=None)
@given(facts=FACTS)
def test_a_message_waits_as_a_notebook_would_have_it_and_each_cycle_has_its_own_number(
    facts: list[tuple[str, int]],
) -> None:
    row = _row(facts)
    cycles = [
        cycle for cycle in cycles_of(row, promises_of(held_to(row, POLICY))) if cycle.clock is ClockName.NEXT_REPLY
    ]

    waited = [
        (
            (cycle.started_at - START) // MINUTE,
            None if cycle.ended_at is None else (cycle.ended_at - START) // MINUTE,
            cycle.judged,
        )
        for cycle in cycles
    ]
    assert waited == _unanswered(facts)
    assert len({cycle.number for cycle in cycles}) == len(cycles)


@settings(max_examples=150, deadline=None)
@given(facts=FACTS, delays=st.lists(st.integers(0, 300), min_size=8, max_size=8))
def test_whatever_comes_late_what_is_on_record_as_broken_was_due_in_the_end(
    facts: list[tuple[str, int]], delays: list[int]
) -> None:
    router = router_with(POLICY, Severity.P2)
    router.take(router.telling.opened(START))
    arrivals = sorted((minute + delay, minute, word) for (word, minute), delay in zip(facts, delays, strict=False))
    for arrives, minute, word in arrivals:
        router.turn_to(START + arrives * MINUTE)
        router.take(told_of(router.telling, word, START + minute * MINUTE), START + arrives * MINUTE)
    now = START + 1000 * MINUTE
    router.turn_to(now)

    row = router.promises.rows.get(TICKET)
    assert isinstance(row, EscalationRow)
    assert evaluate(row, POLICY, now).findings == ()
    verdicts = {
        (one.cycle.clock, one.cycle.number): one.verdict for one in judged_cycles(row, held_to(row, POLICY), now)
    }
    for record in row.on_record:
        if record.verdict is Verdict.BROKEN:
            assert verdicts[record.clock, record.cycle] is not Verdict.KEPT

"""What is worked out a moment ahead says the same, and no more holds once something has changed."""

from datetime import timedelta

from schemas.sla import SlaFinding, ThresholdReached
from services.sla_monitor.adapters.in_memory import InMemoryRows
from services.sla_monitor.domain.row import AnyRow
from services.sla_monitor.handlers import PartitionWatch, SlaMonitor
from tests.unit.sla_monitor.telling import FixedPolicies, Telling, instant

_AT = instant("08:00:00")
_FIRST = instant("08:07:30")
"""Half of the quarter of an hour in which a P1 is answered."""
_JUST_BEFORE = _FIRST - timedelta(seconds=1)
_TICKETS = [f"zendesk-eu/{number}" for number in range(5)]


class CountingRows(InMemoryRows):
    """Counts how often a row is read."""

    reads = 0

    def get(self, ticket: str, partition: int | None = None) -> AnyRow | None:
        self.reads += 1
        return super().get(ticket, partition)


def _watch(rows: InMemoryRows) -> PartitionWatch:
    watch = PartitionWatch(SlaMonitor(FixedPolicies()), rows)
    for ticket in _TICKETS:
        watch.keep(watch.note([Telling(ticket=ticket).opened(_AT)], _AT))
    return watch


def _said(findings: tuple[SlaFinding, ...]) -> list[SlaFinding]:
    assert all(isinstance(finding, ThresholdReached) and finding.explanation is not None for finding in findings)
    return sorted(findings, key=lambda finding: finding.meta.id)


def test_what_is_prepared_is_said_as_if_it_was_not_and_reads_no_row_then() -> None:
    rows = CountingRows()
    prepared, plain = _watch(rows), _watch(InMemoryRows())
    assert prepared.prepare(_JUST_BEFORE, 3)
    assert not prepared.prepare(_JUST_BEFORE, 3)
    reads = rows.reads
    now = _FIRST + timedelta(milliseconds=80)
    assert _said(prepared.fire(now)) == _said(plain.fire(now))
    assert rows.reads == reads
    assert prepared.next_due_at() == plain.next_due_at()


def test_nothing_is_prepared_long_before() -> None:
    rows = CountingRows()
    watch = _watch(rows)
    reads = rows.reads
    assert not watch.prepare(_FIRST - timedelta(minutes=3), 3)
    assert rows.reads == reads


def test_an_event_that_comes_in_between_counts() -> None:
    watch = _watch(InMemoryRows())
    watch.prepare(_JUST_BEFORE, 10)
    telling = Telling(ticket=_TICKETS[0])
    telling.opened(_AT)
    watch.keep(watch.note([telling.informed(_JUST_BEFORE)], _JUST_BEFORE))
    said = watch.fire(_FIRST + timedelta(milliseconds=80))
    assert {finding.ticket for finding in said} == set(_TICKETS[1:])


def test_what_fell_due_since_is_said_instead() -> None:
    prepared, plain = _watch(InMemoryRows()), _watch(InMemoryRows())
    prepared.prepare(_JUST_BEFORE, 10)
    now = instant("08:12:00")
    assert _said(prepared.fire(now)) == _said(plain.fire(now))
    assert {finding.percent for finding in plain.fire(now) if isinstance(finding, ThresholdReached)} == set()

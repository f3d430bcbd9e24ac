"""Identity, repeats, restarts, and what is remembered of what was said."""

import pytest
import tzdata

from chassis.errors import RetryableError
from policy.model import Policy
from schemas import escalations as told
from schemas.classifications import Judgement, TicketSummary
from schemas.context import WatchContext
from schemas.ids import PolicyVersion
from schemas.message import Message
from schemas.sla import ClockKept, FrontLineAtRisk, PromiseScheduled, SlaFinding, ThresholdReached
from schemas.vocabulary import IssueType, Severity
from services.sla_monitor.adapters.in_memory import InMemoryPromises, InMemoryRows
from services.sla_monitor.handlers import PartitionWatch, SlaMonitor, Stretch
from tests.unit.sla_monitor.recording import RecordingRouter
from tests.unit.sla_monitor.telling import TICKET, FixedPolicies, Telling, instant


class LatePolicies(FixedPolicies):
    """Has no policy until it has arrived."""

    def __init__(self) -> None:
        super().__init__()
        self.has_arrived = False

    def get(self, version: PolicyVersion) -> Policy:
        if not self.has_arrived:
            raise RetryableError(f"policy {version} is not here yet")
        return super().get(version)


def _ids(findings: tuple[SlaFinding, ...]) -> list[str]:
    return [finding.meta.id for finding in findings]


def _promises(router: RecordingRouter) -> list[tuple[str | None, str | None]]:
    return [
        (said.clock, None if said.due_at is None else f"{said.due_at:%H:%M}")
        for said in router.said
        if isinstance(said, PromiseScheduled)
    ]


def test_each_finding_says_by_which_time_zone_rules_it_was_computed() -> None:
    router = RecordingRouter()
    router.take(router.telling.opened(instant("08:00:00")))
    router.turn_to(instant("09:00:00"))

    assert {type(said) for said in router.said} == {PromiseScheduled, ThresholdReached}
    assert {said.time_zone_rules for said in router.said} == {tzdata.IANA_VERSION}


@pytest.mark.parametrize("restarted", [False, True])
def test_while_a_policy_version_has_not_arrived_its_tickets_wait_and_then_all_is_said(*, restarted: bool) -> None:
    rows, telling, policies = InMemoryRows(), Telling(), LatePolicies()
    watch = PartitionWatch(SlaMonitor(policies), rows)
    for event in (telling.opened(instant("08:00:00")), telling.informed(instant("08:01:00"))):
        watch.keep(watch.note([event], instant("08:01:00")))

    assert watch.fire(instant("08:02:00")) == ()
    assert (watch.waiting, watch.next_due_at()) == (1, instant("08:02:01"))
    policies.has_arrived = True
    if restarted:
        watch = PartitionWatch(SlaMonitor(policies), rows)
        for row in rows:
            watch.adopt(row)
    said = watch.fire(instant("08:40:00"))

    on_time = InMemoryPromises(FixedPolicies())
    telling = Telling()
    on_time.take(telling.opened(instant("08:00:00")), instant("08:00:00"))
    expected = on_time.take(telling.informed(instant("08:01:00")), instant("08:01:00"))
    assert {*_ids(said)} == {*_ids((*expected, *on_time.fire(instant("08:40:00"))))}
    assert watch.waiting == 0


def test_a_policy_version_that_has_not_arrived_keeps_no_other_ticket_waiting() -> None:
    policies = LatePolicies()
    watch = PartitionWatch(SlaMonitor(policies), InMemoryRows())
    waits = watch.note([Telling(ticket="zendesk-eu/2").opened(instant("08:00:00"))], instant("08:00:00"))
    watch.keep(waits)
    policies.has_arrived = True
    other = watch.note([Telling().opened(instant("08:00:00"))], instant("08:00:00"))
    watch.keep(other)

    assert (waits.waits, waits.findings, watch.waiting) == (True, (), 1)
    assert (other.waits, len(other.findings)) == (False, 1)


def test_after_a_restart_what_is_not_on_record_is_said_again_under_the_same_ids() -> None:
    rows, telling = InMemoryRows(), Telling()
    before = InMemoryPromises(FixedPolicies(), rows)
    before.take(telling.opened(instant("08:00:00")), instant("08:00:00"))
    said = before.fire(instant("08:15:00"))
    assert before.fire(instant("08:16:00")) == ()

    again = InMemoryPromises(FixedPolicies(), rows).fire(instant("08:16:00"))

    assert said
    assert _ids(again) == _ids(said)


def test_what_an_event_yields_is_said_anew_when_it_is_read_again_after_a_restart() -> None:
    rows, telling = InMemoryRows(), Telling()
    before = PartitionWatch(SlaMonitor(FixedPolicies()), rows)
    before.keep(before.note([telling.opened(instant("08:00:00"))], instant("08:00:00")))
    informed = telling.informed(instant("08:01:00"))
    lost = before.note([informed], instant("08:01:00"), Stretch(0, 7, 7))
    before.keep(lost)

    after = _restarted(rows)
    again = after.note([informed], instant("08:02:00"), Stretch(0, 7, 7))
    after.keep(again)

    assert {type(finding) for finding in lost.findings} == {ClockKept, PromiseScheduled}
    assert set(_ids(again.findings)) == set(_ids(lost.findings))
    assert after.fire(instant("08:03:00")) == ()


def test_an_event_that_is_written_twice_has_its_promise_said_once() -> None:
    watch, telling = PartitionWatch(SlaMonitor(FixedPolicies()), InMemoryRows()), Telling()
    opened = telling.opened(instant("08:00:00"))
    first = watch.note([opened], instant("08:00:00"), Stretch(0, 7, 7))
    watch.keep(first)

    again = watch.note([opened], instant("08:00:01"), Stretch(0, 8, 8))

    assert {type(finding) for finding in first.findings} == {PromiseScheduled}
    assert again.findings == ()


def test_a_start_says_nothing_of_rows_whose_events_are_not_read_again() -> None:
    rows = InMemoryRows()
    before = PartitionWatch(SlaMonitor(FixedPolicies()), rows)
    for number in range(5):
        telling = Telling(ticket=f"zendesk-eu/{number}")
        before.keep(before.note([telling.opened(instant("08:00:00"))], instant("08:00:00")))
    after = _restarted(rows)

    assert after.fire(instant("08:02:00")) == ()
    assert {one.ticket for one in after.fire(instant("08:07:30"))} == {f"zendesk-eu/{number}" for number in range(5)}


def test_a_row_of_which_nothing_was_decided_has_its_promise_said_with_its_next_event() -> None:
    rows, telling, policies = InMemoryRows(), Telling(), LatePolicies()
    before = PartitionWatch(SlaMonitor(policies), rows)
    before.keep(before.note([telling.opened(instant("08:00:00"))], instant("08:00:00")))
    assert [row.undecided for row in rows] == [True]

    policies.has_arrived = True
    noted = _restarted(rows).note([telling.assigned(instant("08:01:00"))], instant("08:01:00"))

    assert noted.row is not None
    assert not noted.row.undecided
    assert PromiseScheduled in {type(finding) for finding in noted.findings}


def _restarted(rows: InMemoryRows) -> PartitionWatch:
    watch = PartitionWatch(SlaMonitor(FixedPolicies()), rows)
    for row in rows:
        watch.adopt(row)
    return watch


def test_a_finding_that_came_on_no_record_for_five_minutes_is_said_again() -> None:
    router = RecordingRouter(records=False)
    router.take(router.telling.opened(instant("08:00:00")))
    said = [one for one in router.fire(instant("08:15:00")) if isinstance(one, ThresholdReached) and one.percent == 100]

    assert router.fire(instant("08:19:59")) == ()
    assert set(_ids(tuple(said))) <= set(_ids(router.fire(instant("08:20:00"))))


def test_versions_that_never_came_are_counted() -> None:
    monitor, telling = SlaMonitor(FixedPolicies()), Telling()
    row = monitor.on_escalation_events([telling.opened(instant("08:00:00"))], None, instant("08:00:00")).row
    telling.version = 4

    assert monitor.on_escalation_events([telling.informed(instant("08:01:00"))], row, instant("08:01:00")).missing == 3


def test_an_event_delivered_again_changes_no_row_and_says_only_what_was_said() -> None:
    rows, telling = InMemoryRows(), Telling()
    events: list[told.StreamEvent] = [telling.opened(instant("08:00:00")), telling.informed(instant("08:01:00"))]
    before = InMemoryPromises(FixedPolicies(), rows)
    said = [one for event in events for one in before.take(event, instant("08:01:00"))]
    kept = rows.get(TICKET)

    after = InMemoryPromises(FixedPolicies(), rows)
    again = [one for event in events for one in after.take(event, instant("08:01:00"))]

    assert rows.get(TICKET) == kept
    assert {one.meta.id for one in again} <= {one.meta.id for one in said}


def test_a_threshold_is_said_again_when_a_clock_moves_before_it_is_on_record() -> None:
    router = RecordingRouter(records=False)
    router.take(router.telling.opened(instant("08:00:00")))
    said = router.fire(instant("08:15:00"))
    router.take(router.telling.tell(told.NoteAdded(by="ana", text=""), instant("08:15:00")))
    after_a_note = router.fire(instant("08:15:01"))

    router.take(router.telling.assigned(instant("08:15:00"), "ben"))
    after_a_handover = router.fire(instant("08:15:01"))

    assert after_a_note == ()
    assert _ids(after_a_handover) == _ids(said)
    assert {one.version for one in after_a_handover} == {3}


def test_thresholds_wait_for_the_facts_of_their_instant() -> None:
    router = RecordingRouter(records=False)
    router.take(router.telling.opened(instant("08:00:00")))
    note = router.telling.tell(told.NoteAdded(by="ana", text=""), instant("08:15:00"))

    at_once = router.take(note)

    assert at_once == ()
    assert router.promises.next_due_at() == instant("08:15:00")


def test_the_next_promise_is_told_whenever_it_changes() -> None:
    router = RecordingRouter()
    router.take(router.telling.opened(instant("08:00:00")))
    router.take(router.telling.assigned(instant("08:00:00")))
    router.take(router.telling.accepted(instant("08:01:00")))
    router.take(router.telling.informed(instant("08:01:00")))
    router.turn_to(instant("08:31:00"))
    router.take(router.telling.proposed(instant("08:40:00")))

    assert _promises(router) == [
        ("first_response", "08:15"),
        ("acceptance", "08:07"),
        ("first_response", "08:15"),
        ("update", "08:31"),
        ("resolution", "12:00"),
        (None, None),
    ]


def test_a_merged_or_deleted_ticket_is_forgotten() -> None:
    for end in (told.EscalationMerged(into="zendesk-eu/2"), told.EscalationEnded(reason="deleted")):
        router = RecordingRouter()
        router.take(router.telling.opened(instant("08:00:00")))
        router.take(router.telling.tell(end, instant("08:05:00")))

        assert router.promises.rows.get(TICKET) is None
        assert router.promises.next_due_at() is None


def _watched(version: int, due: str) -> told.TicketWatched:
    telling = Telling()
    sealed: Message = telling.opened(instant("08:00:00"))
    return told.TicketWatched(
        meta=sealed.meta,
        watch=WatchContext(stream_id="stream", version=version, ticket=TICKET),
        judgement=Judgement(qualifies=False, severity=Severity.P3, type=IssueType.TECHNICAL),
        ticket=TicketSummary(key=TICKET, subject=""),
        front_line_started_at=instant("08:00:00"),
        front_line_due_at=instant(due),
    )


def test_a_watched_ticket_is_at_risk_when_a_fifth_of_its_own_sla_is_left() -> None:
    promises = InMemoryPromises(FixedPolicies())
    promises.take(_watched(1, "08:50:00"), instant("08:00:00"))

    assert promises.next_due_at() == instant("08:40:00")
    (finding,) = promises.fire(instant("08:40:00"))
    assert isinstance(finding, FrontLineAtRisk)
    assert (finding.reached_at, finding.due_at) == (instant("08:40:00"), instant("08:50:00"))
    assert promises.fire(instant("08:41:00")) == ()


def test_a_ticket_that_is_watched_no_longer_or_escalated_is_at_no_risk() -> None:
    for end in ("unwatched", "escalated"):
        promises = InMemoryPromises(FixedPolicies())
        promises.take(_watched(1, "08:50:00"), instant("08:00:00"))
        unwatched = told.TicketUnwatched(
            watch=WatchContext(stream_id="stream", version=2, ticket=TICKET), reason="solved"
        )
        telling = Telling()
        telling.version = 1
        escalated = telling.opened(instant("08:20:00"))
        promises.take(unwatched if end == "unwatched" else escalated, instant("08:20:00"))

        fired = promises.fire(instant("08:45:00"))

        assert not [one for one in fired if isinstance(one, FrontLineAtRisk)]


def test_what_the_monitor_says_is_sealed_with_the_ticket_its_policy_and_when_it_is_said() -> None:
    router = RecordingRouter(records=False)
    router.take(router.telling.opened(instant("08:00:00")))

    finding = next(one for one in router.fire(instant("08:20:00")) if isinstance(one, ThresholdReached))

    assert (finding.meta.correlation_id, finding.meta.policy_version) == (TICKET, "v1")
    assert finding.meta.occurred_at == instant("08:20:00")
    assert finding.reached_at == instant("08:15:00")

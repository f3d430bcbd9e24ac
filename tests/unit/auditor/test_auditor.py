"""What the auditor says of a record, told event by event: what is tolerated, what heals, what it leaves alone."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from chassis.errors import RetryableError
from policy.model import Policy
from policy.targets import SeverityPolicy
from schemas import escalations as told
from schemas.catalogue import ESCALATIONS
from schemas.classifications import Judgement, TicketSummary
from schemas.context import WatchContext
from schemas.ids import PolicyVersion
from schemas.message import Message
from schemas.vocabulary import ClockName, IssueType, Severity, Verdict
from services.auditor.adapters.in_memory import InMemoryCases
from services.auditor.domain import ruler
from services.auditor.domain.doubts import Kind
from services.auditor.domain.events import ENTRIES, FACTS
from services.auditor.domain.ruler import UNDERSTOOD, Ruler
from services.auditor.domain.taking_in import MOVES_NO_CLOCK, OPENS_AND_ENDS
from services.auditor.handlers import Auditor, NotAudited, Objection, Summary
from tests.unit.sla_monitor.telling import TICKET, FixedPolicies, Telling, default_policy, instant

TOLERANCE = timedelta(minutes=5)


class LatePolicies:
    """Versions that have not arrived."""

    def get(self, version: PolicyVersion) -> Policy:
        raise RetryableError(f"{version} has not arrived")


class Audit:
    """An auditor of one escalation (P1), turned by hand; its real time is the business time."""

    def __init__(self, policy: Policy | None = None, *, late: bool = False) -> None:
        self.telling = Telling()
        self.cases = InMemoryCases()
        policies = LatePolicies() if late else FixedPolicies(policy)
        self.auditor = Auditor(policies, self.cases, TOLERANCE)

    def take(self, *events: told.StreamEvent) -> None:
        """Hand over events, each when it was recorded."""
        for event in events:
            self.auditor.take(event, event.meta.recorded_at)

    def turn_to(self, time: str) -> list[Objection]:
        """Look, and return what is objected to anew."""
        now = instant(time)
        for ticket in self.auditor.to_look_at(now):
            self.auditor.look(ticket, now, _seconds(now))
        return self.auditor.objections(_seconds(now))

    def summary(self, time: str) -> Summary:
        """Return how all stands."""
        return self.auditor.summary(_seconds(instant(time)))

    def breach(self, at: str, due: str, *, unverified: bool = False) -> told.SlaBreached:
        """Tell a breach of the first response."""
        record = told.SlaBreached(
            clock=ClockName.FIRST_RESPONSE, cycle=1, due_at=instant(due), owner_at="ana", unverified=unverified
        )
        return self.telling.tell(record, instant(at))

    def warning(self, at: str, percent: int) -> told.SlaWarned:
        """Tell a warning of the first response."""
        record = told.SlaWarned(
            clock=ClockName.FIRST_RESPONSE, cycle=1, due_at=instant("08:15:00"), owner_at="ana", percent=percent
        )
        return self.telling.tell(record, instant(at))


def _seconds(now: datetime) -> float:
    return (now - instant("00:00:00")).total_seconds()


def opened() -> Audit:
    audit = Audit()
    audit.take(audit.telling.opened(instant("08:00:00")))
    return audit


def doubts(objections: list[Objection], clock: ClockName = ClockName.FIRST_RESPONSE) -> list[tuple[Kind, int]]:
    return [(one.doubt.kind, one.doubt.percent) for one in objections if one.doubt.clock is clock]


def test_what_is_due_and_not_on_record_is_said_after_the_tolerance_once() -> None:
    audit = opened()

    assert doubts(audit.turn_to("08:07:30")) == []
    assert doubts(audit.turn_to("08:12:29")) == []
    assert doubts(audit.turn_to("08:12:30")) == [(Kind.SILENT, 50)]
    assert doubts(audit.turn_to("08:13:00")) == []
    assert audit.summary("08:13:00").silent[ClockName.FIRST_RESPONSE] == 1
    assert audit.summary("08:13:00").oldest_silence_at == instant("08:07:30")


def test_a_higher_threshold_on_record_says_the_lower_ones_too() -> None:
    audit = opened()
    audit.turn_to("08:14:00")
    audit.take(audit.warning("08:14:30", 90))

    assert doubts(audit.turn_to("08:30:00")) == []
    assert doubts(audit.turn_to("08:35:00")) == [(Kind.SILENT, 100)]


def test_a_breach_that_could_not_be_verified_is_said() -> None:
    audit = opened()
    audit.take(audit.breach("08:17:00", "08:15:00", unverified=True))
    audit.turn_to("08:17:00")

    assert doubts(audit.turn_to("09:00:00")) == []


def test_a_silence_ends_when_the_record_comes() -> None:
    audit = opened()
    audit.turn_to("08:15:00")
    assert doubts(audit.turn_to("08:20:00")) == [(Kind.SILENT, 50)]
    audit.take(audit.breach("08:20:30", "08:15:00"))

    assert doubts(audit.turn_to("08:20:30")) == []
    assert audit.summary("08:20:30").silent[ClockName.FIRST_RESPONSE] == 0


@pytest.mark.parametrize(
    ("at", "due", "kind"),
    [("08:15:00", "08:16:02", Kind.DUE_AT), ("08:14:50", "08:15:00", Kind.EARLY)],
)
def test_an_entry_that_cannot_be_right_is_objected_of_until_a_day_after_the_close(
    at: str, due: str, kind: Kind
) -> None:
    audit = opened()
    audit.take(audit.breach(at, due))
    audit.turn_to("08:16:00")

    assert doubts(audit.turn_to("08:21:00")) == [(kind, 100)]
    audit.take(audit.telling.closed(instant("08:30:00"), confirmed=False))
    audit.turn_to("08:40:00")
    assert audit.summary("08:40:00").disagreements[ClockName.FIRST_RESPONSE, kind] == 1
    audit.turn_to("2026-06-03T08:30:00")
    assert audit.summary("2026-06-03T08:30:00").disagreements == {}
    assert (len(audit.cases), audit.cases.laid_aside) == (0, 1)


def test_a_repeat_another_share_and_a_cycle_that_is_none_are_named() -> None:
    audit = opened()
    audit.take(audit.warning("08:07:30", 50), audit.warning("08:07:31", 50), audit.warning("08:10:00", 60))
    nowhere = told.SlaKept(
        clock=ClockName.UPDATE,
        cycle=7,
        due_at=instant("08:30:00"),
        ended_at=instant("08:01:00"),
        owner_at="ana",
    )
    audit.take(audit.telling.tell(nowhere, instant("08:10:00")))
    audit.turn_to("08:10:00")
    objections = audit.turn_to("08:15:00")

    assert doubts(objections) == [(Kind.REPEATED, 50), (Kind.THRESHOLD, 60)]
    assert doubts(objections, ClockName.UPDATE) == [(Kind.NO_CYCLE, 0)]
    assert {objection.reference for objection in objections} == {"ESC"}


def test_a_reply_that_arrives_after_the_breach_is_no_disagreement_when_the_correction_follows() -> None:
    audit = opened()
    audit.take(audit.breach("08:15:00", "08:15:00"))
    audit.turn_to("08:15:00")
    audit.take(audit.telling.informed(instant("08:10:00")))
    audit.turn_to("08:20:00")
    corrected = told.SlaCorrected(
        clock=ClockName.FIRST_RESPONSE,
        cycle=1,
        due_at=instant("08:15:00"),
        owner_at="ana",
        previous=Verdict.BROKEN,
        verdict=Verdict.KEPT,
    )
    audit.take(audit.telling.tell(corrected, instant("08:20:10")))
    audit.turn_to("08:20:10")

    assert doubts(audit.turn_to("09:00:00")) == []


def test_a_reply_that_arrives_after_the_breach_is_a_disagreement_when_no_correction_follows() -> None:
    audit = opened()
    audit.take(audit.breach("08:15:00", "08:15:00"))
    audit.turn_to("08:15:00")
    audit.take(audit.telling.informed(instant("08:10:00")))
    audit.turn_to("08:20:00")

    (objection,) = [one for one in audit.turn_to("08:25:00") if one.doubt.clock is ClockName.FIRST_RESPONSE]
    assert objection.doubt.kind is Kind.VERDICT
    assert (objection.doubt.recorded, objection.doubt.reckoned) == (Verdict.BROKEN, Verdict.KEPT)


def test_an_escalation_that_was_laid_aside_is_taken_up_when_it_is_reopened() -> None:
    audit = opened()
    audit.take(audit.telling.closed(instant("08:01:00"), confirmed=False))
    audit.turn_to("2026-06-03T09:00:00")
    assert audit.cases.laid_aside == 1
    audit.take(audit.telling.reopened(instant("2026-06-03T10:00:00")))
    audit.turn_to("2026-06-03T10:00:00")

    assert audit.summary("2026-06-03T10:00:00").running[ClockName.RESOLUTION] == 1
    audit.turn_to("2026-06-03T10:20:00")
    assert (Kind.SILENT, 50) in doubts(audit.turn_to("2026-06-03T10:25:00"))


def test_what_was_closed_long_ago_is_laid_aside_as_soon_as_it_is_read() -> None:
    audit = opened()
    now = instant("2026-06-05T08:00:00")
    audit.auditor.take(audit.telling.closed(instant("08:01:00"), confirmed=False), now)
    audit.auditor.take(audit.breach("08:15:00", "08:16:02"), now)

    assert (len(audit.cases), audit.cases.laid_aside) == (0, 1)
    assert audit.auditor.to_look_at(now) == []


def test_what_ends_is_forgotten() -> None:
    audit = opened()
    audit.turn_to("08:10:00")
    audit.take(audit.telling.tell(told.EscalationEnded(reason="deleted"), instant("08:10:00")))

    assert audit.turn_to("09:00:00") == []
    assert audit.summary("09:00:00").running == {}
    assert len(audit.cases) == 0


def test_a_policy_that_is_late_or_not_understood_and_a_gap_are_not_audited() -> None:
    late, gap = Audit(late=True), opened()
    late.take(late.telling.opened(instant("08:00:00")))
    gap.telling.version += 1
    gap.take(gap.telling.accepted(instant("08:01:00")))

    for audit, reason, may_heal in ((late, NotAudited.POLICY, True), (gap, NotAudited.GAP, False)):
        audit.turn_to("08:30:00")
        assert audit.turn_to("09:30:00") == []
        assert audit.summary("09:30:00").not_audited == {reason: 1}
        assert audit.auditor.to_look_at(instant("09:31:00")) == [TICKET] * may_heal


def test_a_watched_ticket_that_is_not_escalated_in_time_is_a_silence() -> None:
    audit = Audit()
    watched = told.TicketWatched(
        watch=WatchContext(stream_id="s", version=1, ticket=TICKET),
        judgement=Judgement(qualifies=False, severity=Severity.P3, type=IssueType.BILLING),
        ticket=TicketSummary(key=TICKET, subject="A question"),
        front_line_started_at=instant("08:00:00"),
        front_line_due_at=instant("09:00:00"),
    )
    audit.auditor.take(watched, instant("08:00:00"))
    audit.turn_to("08:30:00")

    audit.turn_to("08:48:00")
    assert doubts(audit.turn_to("08:53:00"), ClockName.FRONT_LINE) == [(Kind.SILENT, 100)]


def test_a_policy_with_a_field_that_is_unknown_here_is_not_understood_where_it_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = default_policy()
    promised = replace(plain.severities[Severity.P1], warnings_percent=(40, 80))
    other = replace(plain, severities={**plain.severities, Severity.P1: promised})
    assert Ruler(other).understood

    known = UNDERSTOOD | {SeverityPolicy: UNDERSTOOD[SeverityPolicy] - {"warnings_percent"}}
    monkeypatch.setattr(ruler, "UNDERSTOOD", known)

    assert Ruler(plain).understood
    assert not Ruler(other).understood


def test_every_field_of_the_procedure_that_moves_clocks_is_known() -> None:
    unknown = {
        f"{part.__name__}.{name}" for part, known in UNDERSTOOD.items() for name in {*part.__struct_fields__} - known
    }

    # A field that is added: teach services/auditor/domain/ruler.py what it means, or name it here, not audited.
    assert unknown == set()


def test_every_event_of_an_escalation_is_a_fact_an_entry_or_moves_no_clock() -> None:
    known: list[type[Message]] = [*FACTS, *ENTRIES, *MOVES_NO_CLOCK, *OPENS_AND_ENDS]

    assert sorted(known, key=str) == sorted(ESCALATIONS.events, key=str)

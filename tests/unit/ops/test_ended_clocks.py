"""The clocks of an escalation that is over are explained up to its end, with why it ended."""

from ops.clock_explained import clocks_of
from policy.publication import canonical_json
from schemas import commands
from schemas.classifications import Fact
from schemas.ids import TicketKey
from schemas.vocabulary import ClockName, FactKind, Verdict
from services.sla_monitor.domain.explaining import ClockExplained, Stretch
from tests.unit.router.merging_desk import MANAGEMENT, A, B, MergingDesk
from tests.unit.router.telling import VERSION


def _explained(desk: MergingDesk, ticket: TicketKey) -> dict[tuple[ClockName, int], ClockExplained]:
    clocks = clocks_of(ticket, desk.events, {VERSION: canonical_json(desk.policy)}, desk.after(600).now)
    return {(one.clock.clock, one.clock.cycle): one.clock for one in clocks}


def test_the_clocks_of_a_merged_escalation_end_with_the_merge_and_say_so() -> None:
    desk = MergingDesk().opened(A).opened(B)
    desk.after(10).update(A)
    desk.after(20).merge(A, B)

    clocks = _explained(desk, A)

    assert clocks[ClockName.FIRST_RESPONSE, 1].verdict is Verdict.KEPT
    assert clocks[ClockName.FIRST_RESPONSE, 1].ended_because is None
    resolution = clocks[ClockName.RESOLUTION, 1]
    assert (resolution.verdict, resolution.used_seconds) == (None, 1800)
    assert resolution.sentence.endswith(f"ended Tue 2026-06-02 08:30:00 UTC without a verdict, ended: merged into {B}")


def test_the_clocks_of_a_deleted_ticket_end_with_its_reason_and_what_was_broken_stays_so() -> None:
    desk = MergingDesk().opened(A)
    desk.after(90).fact(A, Fact(kind=FactKind.DELETED, reason="spam"))

    clocks = _explained(desk, A)

    assert clocks[ClockName.UPDATE, 1].sentence.endswith("without a verdict, ended: deleted: spam")
    assert clocks[ClockName.FIRST_RESPONSE, 1].verdict is Verdict.BROKEN
    assert clocks[ClockName.FIRST_RESPONSE, 1].ended_because == "deleted: spam"


def test_a_promise_that_came_with_a_merge_is_explained_from_where_it_began() -> None:
    desk = MergingDesk().opened(A)
    desk.after(30).opened(B)
    desk.merge(A, B)

    first = _explained(desk, B)[ClockName.FIRST_RESPONSE, 1]

    assert f"{first.started_at:%H:%M}-{first.due_at:%H:%M}" == "08:00-09:00"
    assert first.sentence.startswith(
        "first response: 1 h (P2) from Tue 2026-06-02 08:00:00 UTC, came with a merge Tue 2026-06-02 08:30:00 UTC, "
    )


def test_a_clock_that_came_with_a_merge_did_not_stand_while_the_survivors_own_did() -> None:
    desk = MergingDesk().opened(A)
    desk.after(5).opened(B)
    desk.after(5).command(commands.ProposeResolution(ticket=B, category="fixed", steps=""))
    desk.after(10).command(commands.RejectResolution(ticket=B), MANAGEMENT)
    desk.after(10).merge(A, B)

    resolution = _explained(desk, B)[ClockName.RESOLUTION, 1]

    assert (f"{resolution.started_at:%H:%M}", f"{resolution.due_at:%H:%M}") == ("08:00", "16:00")
    assert [one.what for one in resolution.segments] == [Stretch.RAN]
    assert resolution.pauses == ()

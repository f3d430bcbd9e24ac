"""How long a message of the customer waits for a person, where the policy promises an answer."""

import pytest
from msgspec.structs import replace

from schemas import escalations as told
from schemas.message import ActorKind
from schemas.sla import PromiseScheduled
from schemas.vocabulary import ReplyIntent, Severity
from services.sla_monitor.domain.cycles import cycles_of
from services.sla_monitor.domain.folding import fold
from services.sla_monitor.domain.row import EscalationRow, decode_row, encode_row
from tests.unit.sla_monitor.asking import lost, minutes, policy_with, reopened_by_customer, replied, router_with
from tests.unit.sla_monitor.recording import RecordingRouter
from tests.unit.sla_monitor.telling import Telling, instant


def _opened(amount: int | None = 60) -> RecordingRouter:
    router = router_with(policy_with(None if amount is None else minutes(amount)))
    router.take(router.telling.opened(instant("08:00:00")))
    router.take(router.telling.informed(instant("08:10:00")))
    return router


def _lines(router: RecordingRouter) -> list[str]:
    return [line for line in router.lines() if "next_reply" in line]


def test_it_runs_from_the_customers_message_and_a_message_of_a_person_keeps_it() -> None:
    router = _opened()
    router.take(replied(router.telling, instant("09:00:00")))
    router.turn_to(instant("09:50:00"))
    router.take(router.telling.informed(instant("09:50:00")))

    assert _lines(router) == [
        "09:30:00 reached next_reply/1 50",
        "09:45:00 reached next_reply/1 75",
        "09:50:00 kept next_reply/1",
    ]


def test_without_an_answer_it_breaks_and_an_answer_at_the_very_due_instant_is_in_time() -> None:
    router = _opened()
    router.take(replied(router.telling, instant("09:00:00")))
    router.turn_to(instant("10:00:00"))
    in_time = _opened()
    in_time.take(replied(in_time.telling, instant("09:00:00")))
    in_time.turn_to(instant("09:59:59"))
    in_time.take(in_time.telling.informed(instant("10:00:00")))

    assert _lines(router)[-1] == "10:00:00 reached next_reply/1 100"
    assert _lines(in_time)[-1] == "10:00:00 kept next_reply/1"


def test_several_messages_are_one_cycle_from_the_oldest_and_the_next_after_an_answer_begins_another() -> None:
    router = _opened()
    router.take(replied(router.telling, instant("09:00:00")))
    router.take(replied(router.telling, instant("09:20:00")))
    router.turn_to(instant("09:40:00"))
    router.take(router.telling.informed(instant("09:40:00")))
    router.take(replied(router.telling, instant("09:41:00")))
    router.turn_to(instant("10:11:00"))

    assert _lines(router) == [
        "09:30:00 reached next_reply/1 50",
        "09:40:00 kept next_reply/1",
        "10:11:00 reached next_reply/3 50",
    ]


def test_a_reply_that_awaits_nothing_starts_nothing_and_ends_nothing() -> None:
    router = _opened()
    router.take(replied(router.telling, instant("08:20:00"), awaits=False))
    router.turn_to(instant("09:00:00"))
    router.take(replied(router.telling, instant("09:00:00")))
    router.take(replied(router.telling, instant("09:10:00"), awaits=False))
    router.turn_to(instant("09:30:00"))

    assert _lines(router) == ["09:30:00 reached next_reply/1 50"]


def test_where_no_answer_is_promised_nothing_is_said_of_one() -> None:
    router = _opened(None)
    router.take(replied(router.telling, instant("09:00:00")))
    router.turn_to(instant("2026-06-03T09:00:00"))

    assert _lines(router) == []


def test_a_reply_that_the_policy_does_not_time_leaves_no_act() -> None:
    telling = Telling()
    row = fold(None, telling.opened(instant("08:00:00")))
    event = telling.tell(told.CustomerReplyReceived(intent=ReplyIntent.UNCLEAR), instant("08:10:00"))
    after = fold(row, event)

    assert isinstance(after, EscalationRow)
    assert after.acts == ()
    assert not told.moves_clocks(event)
    assert told.moves_clocks(replied(telling, instant("08:11:00"), awaits=False))


def test_a_message_that_never_arrived_answers_nothing() -> None:
    router = _opened()
    router.take(replied(router.telling, instant("09:00:00")))
    answer = router.telling.informed(instant("09:05:00"))
    router.take(answer)
    router.take(lost(router.telling, answer, instant("09:10:00")))
    router.turn_to(instant("10:00:00"))

    assert _lines(router) == [
        "09:05:00 kept next_reply/1",
        "09:30:00 reached next_reply/1 50",
        "09:45:00 reached next_reply/1 75",
        "09:54:00 reached next_reply/1 90",
        "10:00:00 corrected next_reply/1 broken",
    ]


def test_asking_to_confirm_is_an_answer_and_a_confirmation_or_close_ends_it_without_a_verdict() -> None:
    proposed, confirmed, closed = _opened(), _opened(), _opened()
    for router in (proposed, confirmed, closed):
        router.take(replied(router.telling, instant("09:00:00")))
    proposed.take(proposed.telling.proposed(instant("09:10:00")))
    confirmed.take(confirmed.telling.confirmed(instant("09:10:00")))
    closed.take(closed.telling.closed(instant("09:10:00")))
    for router in (proposed, confirmed, closed):
        router.turn_to(instant("12:00:00"))

    assert _lines(proposed) == ["09:10:00 kept next_reply/1"]
    assert _lines(confirmed) == _lines(closed) == []


def test_after_the_close_nothing_waits_and_the_customer_who_brings_it_back_awaits_an_answer() -> None:
    router = _opened()
    router.take(router.telling.closed(instant("09:00:00")))
    router.take(reopened_by_customer(router.telling, instant("10:00:00")))
    router.take(replied(router.telling, instant("10:05:00")))
    router.turn_to(instant("10:30:00"))
    by_an_agent = _opened()
    by_an_agent.take(by_an_agent.telling.closed(instant("09:00:00")))
    by_an_agent.take(by_an_agent.telling.reopened(instant("10:00:00")))
    by_an_agent.turn_to(instant("12:00:00"))

    assert _lines(router) == ["10:30:00 reached next_reply/1 50"]
    assert _lines(by_an_agent) == []


def test_another_severity_has_its_own_promise_from_the_same_message() -> None:
    policy = policy_with(minutes(60))
    quick = policy_with(minutes(30)).severities[Severity.P1]
    policy.severities[Severity.P1] = quick
    raised = router_with(policy)
    raised.take(raised.telling.opened(instant("08:00:00")))
    raised.take(raised.telling.informed(instant("08:10:00")))
    raised.take(replied(raised.telling, instant("09:00:00")))
    raised.turn_to(instant("09:40:00"))
    raised.take(raised.telling.reclassified(instant("09:40:00"), Severity.P1))
    raised.turn_to(instant("09:41:00"))

    assert _lines(raised) == ["09:30:00 reached next_reply/1 50", "09:40:00 reached next_reply/1 100"]


def test_a_late_message_lengthens_the_cycle_it_belongs_to_under_the_number_it_had() -> None:
    router = _opened()
    router.take(replied(router.telling, instant("09:30:00")))
    router.turn_to(instant("10:00:00"))
    router.take(replied(router.telling, instant("09:00:00")), instant("10:01:00"))
    router.turn_to(instant("10:02:00"))
    router.take(router.telling.informed(instant("10:02:00")))

    assert _lines(router) == ["10:00:00 reached next_reply/1 50", "10:01:00 reached next_reply/1 100"]


def test_a_late_answer_divides_a_cycle_and_corrects_what_was_said() -> None:
    router = _opened()
    router.take(replied(router.telling, instant("09:00:00")))
    router.take(replied(router.telling, instant("09:50:00")))
    router.turn_to(instant("10:00:00"))
    router.take(router.telling.informed(instant("09:45:00")), instant("10:10:00"))
    router.turn_to(instant("10:50:00"))

    assert _lines(router)[-5:] == [
        "10:10:00 corrected next_reply/1 kept",
        "10:20:00 reached next_reply/2 50",
        "10:35:00 reached next_reply/2 75",
        "10:44:00 reached next_reply/2 90",
        "10:50:00 reached next_reply/2 100",
    ]


def test_it_is_the_next_promise_where_it_falls_due_first() -> None:
    router = _opened()
    router.take(replied(router.telling, instant("09:00:00")))
    promised = [said for said in router.said if isinstance(said, PromiseScheduled)][-1]

    assert (promised.clock, promised.due_at) == ("next_reply", instant("10:00:00"))


@pytest.mark.parametrize("awaits", [True, False])
def test_a_row_reads_back_with_what_the_customer_wrote(*, awaits: bool) -> None:
    telling = Telling()
    row = fold(fold(None, telling.opened(instant("08:00:00"))), replied(telling, instant("08:10:00"), awaits=awaits))

    assert row is not None
    assert decode_row(encode_row(row)) == row
    assert isinstance(row, EscalationRow)
    assert [cycle.number for cycle in cycles_of(row) if cycle.clock == "next_reply"] == [1] * awaits


@pytest.mark.parametrize("kind", [ActorKind.CUSTOMER, ActorKind.BOT, ActorKind.PERSON])
def test_whoever_but_an_agent_reopens_stands_for_the_customer(kind: ActorKind) -> None:
    telling = Telling()
    closed = fold(fold(None, telling.opened(instant("08:00:00"))), telling.closed(instant("09:00:00")))
    event = telling.reopened(instant("10:00:00"))
    actor = replace(event.meta.actor, kind=kind)
    row = fold(closed, replace(event, meta=replace(event.meta, actor=actor)))

    assert isinstance(row, EscalationRow)
    waits = [cycle for cycle in cycles_of(row) if cycle.clock == "next_reply"]
    assert len(waits) == (kind is not ActorKind.PERSON)

"""Races of the whole path: services that were away, while what they missed waits in a topic and time passes."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial

import pytest
import pytest_asyncio
from msgspec.structs import replace

from schemas.classifications import TicketClassified
from schemas.commands import AcceptEscalation, ReclassifyEscalation
from schemas.escalations import (
    CustomerInformed,
    EscalationAccepted,
    EscalationReclassified,
    OwnerAssigned,
    SlaBreached,
    SlaCorrected,
    SlaKept,
    SlaWarned,
)
from schemas.notifications import NoticeDelivered
from schemas.vocabulary import Audience, AuthorKind, ClockName, NoticeKind, Severity, Verdict
from tests.fault.races import PATIENCE, Races, a_reply, minutes, racing
from tests.harness.waiting import eventually

pytestmark = [pytest.mark.timeout(400), pytest.mark.asyncio(loop_scope="module")]

_IMPATIENT = {"ESCALON_ROUTER_HOLD_LIMIT_SECONDS": "4", "ESCALON_ROUTER_STALL_SECONDS": "2"}
"""So that a test need not wait for two minutes; the defaults are 120 and 30."""
_PROMISED = (ClockName.ACCEPTANCE, ClockName.FIRST_RESPONSE, ClockName.UPDATE)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def race(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Races]:
    """One installation for the module; its time only goes on, and every test has tickets of its own."""
    async with racing(tmp_path_factory.mktemp("races")) as races:
        yield races


async def _all_kept(race: Races, tickets: dict[str, str]) -> None:
    for clock in _PROMISED:
        await race.until_recorded(SlaKept, tickets, clock)
        late = await race.cycles(SlaBreached, tickets, clock)
        assert late == [], f"{clock}: called late what was answered in time"


async def test_a_classifier_that_was_down_for_an_hour_makes_no_reply_late(race: Races) -> None:
    tickets = await race.open("unread", 12)
    race.kill("classifier")
    race.clock.turn(minutes(5))
    await race.tell(*(a_reply(ticket, owner) for ticket, owner in tickets.items()))
    race.clock.turn(minutes(60))
    said = await race.until_said(tickets, ClockName.FIRST_RESPONSE)
    held = race.metric("router", "escalon_router_held_findings_total")

    await race.start("classifier")

    await _all_kept(race, tickets)
    print(f"\n{said} breaches were said of tickets whose reply waited, held {held:g} times")
    assert held > 0


@pytest.mark.parametrize("how", ["killed", "paused"])
async def test_a_router_that_was_away_for_an_hour_takes_the_accept_and_the_reply_before_the_breach(
    race: Races, how: str
) -> None:
    tickets = await race.open(how, 12)
    router = race.here.services["router"]
    router.kill() if how == "killed" else router.pause()
    race.clock.turn(minutes(5))
    accepting = list(tickets.items())[::2]
    await race.tell_by((AcceptEscalation(ticket=ticket), owner) for ticket, owner in accepting)
    await race.tell(*(a_reply(ticket, owner) for ticket, owner in list(tickets.items())[1::2]))
    race.clock.turn(minutes(60))
    said = await race.until_said(tickets, ClockName.ACCEPTANCE)
    said += await race.until_said(tickets, ClockName.FIRST_RESPONSE)

    if how == "killed":
        await race.start("router")
    else:
        router.resume()

    await _all_kept(race, tickets)
    print(f"\n{said} breaches waited beside the accepts and replies that refute them")


async def test_a_finding_from_before_a_severity_change_is_dropped_and_what_still_holds_is_recorded_once(
    race: Races,
) -> None:
    broken = await race.open("broken", 8)
    race.clock.turn(minutes(5))
    in_time = await race.open("lowered", 8)
    race.kill("classifier")
    race.clock.turn(minutes(11))
    await race.until_said(broken, ClockName.FIRST_RESPONSE, 100)
    await race.until_said(in_time, ClockName.FIRST_RESPONSE, 50)
    lowered = ReclassifyEscalation(ticket="", severity=Severity.P2, reason="There is a way around it.")
    await race.tell_by((replace(lowered, ticket=ticket), owner) for ticket, owner in (broken | in_time).items())
    changes = await race.until(EscalationReclassified, broken | in_time)

    await race.start("classifier")

    breaches = await race.until_recorded(SlaBreached, broken, ClockName.FIRST_RESPONSE)
    await race.until_recorded(SlaBreached, in_time, ClockName.ACCEPTANCE)
    changed_at = {one.escalation.ticket: one.escalation.version for one in changes}
    for tickets, percent in ((broken, 100), (in_time, 50)):
        said = await race.passings(tickets, ClockName.FIRST_RESPONSE, percent)
        refuted = [one for one in said if one.version < changed_at[one.ticket]]
        print(f"\n{len(refuted)} findings of {percent} % were older than the change, {len(said) - len(refuted)} newer")
        assert {one.ticket for one in refuted} == set(tickets), "no finding was overtaken"
        assert {one.ticket for one in said if one not in refuted} == (set(tickets) if percent == 100 else set())
    assert Counter(one.escalation.ticket for one in breaches) == dict.fromkeys(broken, 1)
    assert await race.cycles(SlaWarned, in_time, ClockName.FIRST_RESPONSE) == []


async def test_a_sla_monitor_that_was_down_says_the_highest_threshold_once_and_nobody_climbs_the_chain(
    race: Races,
) -> None:
    tickets = await race.open("unwatched", 8)
    race.kill("sla_monitor")
    race.clock.turn(minutes(40))
    said_before = len(await race.passings(tickets, ClockName.FIRST_RESPONSE))
    assigned_at = {one.escalation.ticket: one.meta.occurred_at for one in await race.log(OwnerAssigned, tickets)}

    def began_at(breach: SlaBreached) -> datetime:
        context = breach.escalation
        return assigned_at[context.ticket] if breach.clock is ClockName.ACCEPTANCE else context.started_at

    await race.start("sla_monitor")

    targets = {ClockName.ACCEPTANCE: 7.5, ClockName.FIRST_RESPONSE: 15, ClockName.UPDATE: 30}
    for clock, target in targets.items():
        breaches = await race.until_recorded(SlaBreached, tickets, clock)
        assert Counter(one.escalation.ticket for one in breaches) == dict.fromkeys(tickets, 1)
        assert {one.due_at - began_at(one) for one in breaches} == {minutes(target)}
        assert await race.cycles(SlaWarned, tickets, clock) == []
    handed_over = await race.log(OwnerAssigned, tickets)
    assert said_before == 0
    assert Counter(one.escalation.ticket for one in handed_over) == dict.fromkeys(tickets, 2)
    last = [one for one in handed_over if one.cycle == 2]
    away = [one.meta.occurred_at - one.escalation.started_at for one in last]
    assert min(away) >= minutes(40), "the next owner has the whole time from when the router decides"
    print(f"\n{len(targets) * len(tickets)} thresholds fell due while nobody watched")


async def test_what_we_wrote_ourselves_touches_no_clock_when_the_helpdesk_sends_it_back(race: Races) -> None:
    tickets = await race.open("echo", 8)
    await race.tell(*(a_reply(ticket, owner, AuthorKind.ESCALON) for ticket, owner in tickets.items()))
    echoes = await race.until(TicketClassified, tickets, lambda one: one.fact.author_kind is AuthorKind.ESCALON)
    race.clock.turn(minutes(16))

    breaches = await race.until_recorded(SlaBreached, tickets, ClockName.FIRST_RESPONSE)

    assert all(one.due_at == one.escalation.started_at + minutes(15) for one in breaches)
    assert await race.log(CustomerInformed, tickets) == []
    assert await race.log(EscalationAccepted, tickets) == []
    print(f"\n{len(echoes)} messages of our own came back")


async def test_a_stall_is_said_and_what_could_not_be_verified_is_told_to_the_owner_only_and_set_right_later(
    race: Races,
) -> None:
    race.kill("router")
    await race.start("router", **_IMPATIENT)
    answered, silent = await race.open("answered", 6), await race.open("silent", 6)
    tickets = answered | silent
    race.kill("classifier")
    race.clock.turn(minutes(5))
    await race.tell(*(a_reply(ticket, owner) for ticket, owner in answered.items()))
    race.clock.turn(minutes(15))
    router = race.here.services["router"]
    await eventually(lambda: "the pipeline stalls" in router.log, 60, what="the stall is said within a minute")
    assert race.metric("router", "escalon_router_classifier_progress_age_seconds") > 2

    breaches = await race.until_recorded(SlaBreached, tickets, ClockName.FIRST_RESPONSE)
    assert all(one.unverified for one in breaches)
    acceptances = await race.until_recorded(SlaBreached, tickets, ClockName.ACCEPTANCE)
    told = await race.until(NoticeDelivered, tickets, _is_breach)
    await race.start("classifier")

    for clock in (ClockName.FIRST_RESPONSE, ClockName.ACCEPTANCE):
        corrected = await race.until_recorded(SlaCorrected, answered, clock)
        assert {(one.previous, one.verdict) for one in corrected} == {(Verdict.BROKEN, Verdict.KEPT)}
    race.clock.turn(minutes(1))
    for clock in (ClockName.FIRST_RESPONSE, ClockName.ACCEPTANCE):
        await race.until(SlaBreached, silent, partial(_is_verified, clock))
    first = {one.meta.id for one in (*breaches, *acceptances) if one.unverified}
    assert {one.audience for one in told if one.cause_id in first} == {Audience.OWNER}
    await _handed_over(race, silent, 2)
    await _handed_over(race, answered, 1)
    assert all(one.unverified for one in await race.cycles(SlaBreached, answered, ClockName.FIRST_RESPONSE))
    await eventually(lambda: "the pipeline goes on" in router.log, what="the end of the stall is said")
    race.kill("router")
    await race.start("router")
    print(f"\n{len(first)} breaches could not be verified; those of {len(answered)} tickets were none")


def _is_verified(clock: ClockName, breach: SlaBreached) -> bool:
    return breach.clock is clock and not breach.unverified


def _is_breach(notice: NoticeDelivered) -> bool:
    return notice.kind is NoticeKind.BREACH


async def _handed_over(race: Races, tickets: dict[str, str], times: int) -> None:
    """Wait until every ticket had so many owners; it has no more."""

    async def counts() -> bool:
        assigned = await race.log(OwnerAssigned, tickets)
        return len(assigned) == times * len(tickets)

    await eventually(counts, PATIENCE, what=f"{times} owners of each ticket")

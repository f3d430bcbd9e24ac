"""What holds in every life of a ticket: one owner, numbered and identified events, repeats without effect."""

from collections.abc import Callable
from datetime import timedelta
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas import commands
from schemas import escalations as ev
from schemas.catalogue import CLASSIFICATIONS, COMMANDS, ESCALATIONS, NOTIFICATIONS, SLA
from schemas.classifications import ClassifierProgressed, Fact, TicketClassified
from schemas.escalations import EscalationEvent, StreamEvent
from schemas.message import Actor, is_sealed
from schemas.sla import PromiseScheduled
from schemas.vocabulary import AuthorKind, ClockName, FactKind, IssueType, ReplyIntent, Severity
from services.router.adapters.in_memory import InMemoryEscalationBatch
from services.router.domain.evolve import evolve
from services.router.domain.state import TicketState
from services.router.handlers import HANDLERS, ticket_of
from tests.unit.router.telling import (
    ANA,
    BEN,
    CUSTOMER,
    DOV,
    MIA,
    NEXT_VERSION,
    START,
    SUMMARY,
    TICKET,
    UPDATED,
    VERSION,
    Told,
    judgement,
    names,
)

Step = Callable[[Told], list[StreamEvent]]
PEOPLE = st.sampled_from([ANA, BEN, MIA, DOV, CUSTOMER])
SEVERITIES, TYPES = st.sampled_from(Severity), st.sampled_from(IssueType)
FACTS = st.builds(
    Fact,
    kind=st.sampled_from(FactKind),
    author_kind=st.sampled_from(AuthorKind),
    author_id=st.sampled_from(["ana", "ben", "front"]),
    public=st.booleans(),
    intent=st.sampled_from(ReplyIntent),
    merged_into=st.sampled_from([None, None, "zendesk-eu/1"]),
)
_OF_THEIR_OWN = (commands.AbsorbMerged, commands.AdoptPolicy, commands.PlanPreventiveAction)
COMMAND = st.one_of(
    st.builds(commands.ReassignEscalation, ticket=st.just(TICKET), to=st.sampled_from(["ana", "ben", "mia", "eli"])),
    st.builds(commands.ReclassifyEscalation, ticket=st.just(TICKET), severity=SEVERITIES, type=TYPES),
    st.builds(commands.AdoptPolicy, ticket=st.just(TICKET), version=st.sampled_from([VERSION, NEXT_VERSION])),
    st.builds(
        commands.PlanPreventiveAction,
        ticket=st.just(TICKET),
        due_at=st.sampled_from([START - timedelta(days=1), START + timedelta(days=1)]),
    ),
    *(st.builds(kind, ticket=st.just(TICKET)) for kind in COMMANDS.events if kind not in _OF_THEIR_OWN),
)


def _fact(fact: Fact, severity: Severity, type_: IssueType, *, qualifies: bool) -> Step:
    return lambda told: told.after(3).fact(fact, judgement(severity, type_, qualifies=qualifies))


def _command(command: commands.Command, by: Actor) -> Step:
    return lambda told: told.after(3).command(command, by)


def _threshold(clock: ClockName, back: int, percent: int) -> Step:
    def reach(told: Told) -> list[StreamEvent]:
        escalation = told.state.escalation
        cycle = 1 if escalation is None else max(1, escalation.cycle - back)
        return told.after(3).reached(clock, cycle, percent)

    return reach


STEPS = st.one_of(
    st.builds(_fact, FACTS, SEVERITIES, TYPES, qualifies=st.booleans()),
    st.builds(_command, COMMAND, PEOPLE),
    st.builds(_threshold, st.sampled_from(ClockName), st.integers(0, 1), st.sampled_from([50, 75, 100, 200, 400])),
)


@given(st.lists(STEPS, max_size=25))
def test_whatever_happens_the_stream_folds_to_the_state_it_was_decided_on(steps: list[Step]) -> None:
    told = Told()
    events = [event for step in steps for event in step(told)]

    folded = reduce(evolve, events, TicketState(ticket=TICKET))
    assert folded.applied <= told.state.applied
    assert replace(folded, applied=told.state.applied) == told.state


@given(st.lists(STEPS, max_size=25))
def test_whatever_happens_events_are_sealed_numbered_and_have_ids_of_their_own(steps: list[Step]) -> None:
    told = Told()
    events = [event for step in steps for event in step(told)]

    assert all(is_sealed(event) and event.meta.correlation_id == TICKET for event in events)
    assert [_version(event) for event in events] == list(range(1, len(events) + 1))
    assert len({event.meta.id for event in events}) == len(events)


@given(st.lists(STEPS, max_size=25))
def test_whatever_happens_an_escalation_has_one_owner_who_changes_only_by_an_assignment(steps: list[Step]) -> None:
    told, owner = Told(), ""
    for event in [event for step in steps for event in step(told)]:
        if isinstance(event, ev.EscalationOpened | ev.OwnerAssigned):
            owner = event.escalation.owner
        if isinstance(event, EscalationEvent):
            assert event.escalation.owner == owner != ""
            assert event.escalation.state.value


@given(st.lists(STEPS, min_size=1, max_size=12), st.permutations(range(12)))
def test_events_in_an_order_that_never_was_still_fold(steps: list[Step], order: list[int]) -> None:
    told = Told().opened()
    events = [event for step in steps for event in step(told)]
    shuffled = [events[index] for index in order if index < len(events)]

    assert reduce(evolve, shuffled, TicketState(ticket=TICKET)).version == len(shuffled)


def test_a_message_that_was_applied_is_dropped_whatever_happened_since() -> None:
    told = Told()
    opening = TicketClassified(
        meta=told.meta(CUSTOMER, policy_version=VERSION),
        ticket=SUMMARY,
        fact=UPDATED,
        judgement=judgement(),
    )
    resolve = commands.ProposeResolution(meta=told.meta(ANA), ticket=TICKET, category="fixed", steps="rebuilt")

    assert told.tell(opening) != []
    assert told.tell(resolve) != []
    told.command(commands.RejectResolution(ticket=TICKET), CUSTOMER)
    assert told.tell(opening) == []
    assert told.tell(resolve) == []


def test_the_same_messages_at_the_same_state_give_the_same_events() -> None:
    def life() -> list[StreamEvent]:
        told = Told()
        first = told.fact()
        return [*first, *told.after(30).reached(ClockName.ACCEPTANCE, 1, 100)]

    assert life() == life()
    assert names(life()) == ["EscalationOpened", "OwnerAssigned", "SlaBreached", "OwnerAssigned"]


def test_every_message_the_router_reads_has_a_handler_but_progress_and_promises_for_boards() -> None:
    read = {kind for topic in (CLASSIFICATIONS, COMMANDS, SLA, NOTIFICATIONS) for kind in topic.events}

    assert set(HANDLERS) == read - {ClassifierProgressed, PromiseScheduled}


def test_every_message_with_a_handler_names_the_ticket_it_is_about() -> None:
    told = Told()

    assert ticket_of(commands.AddNote(ticket=TICKET, text="")) == TICKET
    assert ticket_of(told.threshold(ClockName.UPDATE, 1, 50, version=0)) == TICKET
    assert ticket_of(PromiseScheduled(ticket=TICKET, version=1)) is None
    assert ticket_of(ClassifierProgressed(partition=0, reached_at=told.now)) is None


def test_the_router_writes_nothing_but_events_of_its_topic() -> None:
    told = Told()
    events = [*told.fact(), *told.command(commands.AcceptEscalation(ticket=TICKET), BEN)]

    assert {type(event) for event in events} <= set(ESCALATIONS.events)


def test_a_stream_in_memory_takes_only_what_follows_on_its_state() -> None:
    told = Told()
    events = told.fact()

    with pytest.raises(ValueError, match="do not make"):
        InMemoryEscalationBatch().append(TICKET, events[:1], told.state)


def _version(event: StreamEvent) -> int:
    return event.escalation.version if isinstance(event, EscalationEvent) else _watch_version(event)


def _watch_version(event: StreamEvent) -> int:
    assert isinstance(event, ev.WatchEvent)
    return event.watch.version

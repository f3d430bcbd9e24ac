"""Who is on duty: handovers, overrides, absences, gaps, and the chain made of them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.roster import Absence, Override, Person, Roster, Rotation
from policy.rota import chain, duty, on_call, shift_number
from policy.routing import ChainStep, Routing
from schemas.ids import PersonKey
from schemas.vocabulary import IssueType

ANA, BEN, CLEO, MIA = (PersonKey(name) for name in ("ana", "ben", "cleo", "mia"))
PEOPLE = {key: Person(name=key.title(), role="Engineer") for key in (ANA, BEN, CLEO, MIA)}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


MONDAY = at("2026-03-23T09:00:00+01:00")
WEEKLY = Rotation(people=(ANA, BEN, CLEO), starts_at=MONDAY, time_zone="Europe/Berlin")


def roster(
    rotation: Rotation = WEEKLY, overrides: tuple[Override, ...] = (), absences: tuple[Absence, ...] = ()
) -> Roster:
    return Roster(people=PEOPLE, rotations={"engineering": rotation}, overrides=overrides, absences=absences)


def away(person: PersonKey, start: str = "2026-01-01T00:00:00Z", end: str = "2027-01-01T00:00:00Z") -> Absence:
    return Absence(person=person, starts_at=at(start), ends_at=at(end))


def stands_in(person: PersonKey, start: str = "2026-01-01T00:00:00Z", end: str = "2027-01-01T00:00:00Z") -> Override:
    return Override(rotation="engineering", person=person, starts_at=at(start), ends_at=at(end))


def routing(*steps: ChainStep) -> Routing:
    return Routing(chains={IssueType.TECHNICAL: steps}, fallback=CLEO)


def named(person: PersonKey) -> ChainStep:
    return ChainStep(person=person)


ON_CALL = ChainStep(rotation="engineering")


@pytest.mark.parametrize(
    ("instant", "person"),
    [
        ("2026-03-23T08:00:00Z", ANA),
        ("2026-03-30T06:59:59Z", ANA),  # the clocks changed on the 29th: the handover stays at 09:00 in Berlin
        ("2026-03-30T07:00:00Z", BEN),
        ("2026-04-06T07:00:00Z", CLEO),
        ("2026-04-13T07:00:00Z", ANA),
    ],
)
def test_turns_are_handed_over_at_the_same_local_time(instant: str, person: PersonKey) -> None:
    assert on_call(roster(), "engineering", at(instant)) == person


def test_a_handover_in_the_repeated_hour_happens_once_at_the_first() -> None:
    nights = Rotation(
        people=(ANA, BEN), starts_at=at("2026-10-24T02:30:00+02:00"), shift_hours=24, time_zone="Europe/Berlin"
    )
    assert shift_number(nights, at("2026-10-25T00:29:59Z")) == 0
    assert shift_number(nights, at("2026-10-25T00:30:00Z")) == 1
    assert shift_number(nights, at("2026-10-25T01:10:00Z")) == 1  # 02:10 for the second time
    assert shift_number(nights, at("2026-10-26T01:30:00Z")) == 2


def test_a_handover_in_the_skipped_hour_happens_at_its_end() -> None:
    nights = Rotation(
        people=(ANA, BEN), starts_at=at("2026-03-28T02:30:00+01:00"), shift_hours=24, time_zone="Europe/Berlin"
    )
    assert shift_number(nights, at("2026-03-29T00:59:59Z")) == 0
    assert shift_number(nights, at("2026-03-29T01:00:00Z")) == 1


@given(
    shift_hours=st.integers(1, 200),
    begin=st.datetimes(datetime(2025, 1, 1), datetime(2026, 1, 1)),  # noqa: DTZ001 - made aware below
    later=st.integers(0, 600 * 86400),
    step=st.integers(1, 7200),
)
def test_shifts_never_go_back(shift_hours: int, begin: datetime, later: int, step: int) -> None:
    rotation = Rotation(
        people=(ANA,), starts_at=begin.replace(tzinfo=UTC), shift_hours=shift_hours, time_zone="America/New_York"
    )
    instant = rotation.starts_at + timedelta(seconds=later)
    assert 0 <= shift_number(rotation, instant) <= shift_number(rotation, instant + timedelta(seconds=step))


def test_nobody_is_on_duty_before_a_rotation_begins_nor_in_one_that_is_unknown() -> None:
    assert on_call(roster(), "engineering", MONDAY - timedelta(seconds=1)) is None
    assert on_call(roster(), "sales", MONDAY) is None


def test_the_latest_listed_override_wins_while_it_lasts() -> None:
    company = roster(overrides=(stands_in(BEN), stands_in(MIA, "2026-03-24T00:00:00Z", "2026-03-25T00:00:00Z")))
    assert on_call(company, "engineering", at("2026-03-23T12:00:00Z")) == BEN
    assert on_call(company, "engineering", at("2026-03-24T00:00:00Z")) == MIA
    assert on_call(company, "engineering", at("2026-03-25T00:00:00Z")) == BEN


def test_who_is_away_is_skipped_also_as_an_override() -> None:
    assert on_call(roster(absences=(away(ANA),)), "engineering", MONDAY) == BEN
    assert on_call(roster(overrides=(stands_in(MIA),), absences=(away(MIA),)), "engineering", MONDAY) == ANA
    assert on_call(roster(absences=(away(ANA), away(BEN), away(CLEO))), "engineering", MONDAY) is None


def test_a_chain_is_the_owner_first_and_management_last() -> None:
    assert chain(routing(ON_CALL, named(BEN), named(MIA)), roster(), IssueType.TECHNICAL, MONDAY) == (ANA, BEN, MIA)


def test_a_rotation_without_anybody_is_a_gap_and_the_fallback_stands_in() -> None:
    empty = roster(rotation=Rotation(people=(), starts_at=MONDAY))
    found = duty(routing(ON_CALL, named(BEN), named(MIA)), empty, IssueType.TECHNICAL, MONDAY)
    assert found.people == (CLEO, BEN, MIA)
    assert found.gaps == (ON_CALL,)


def test_a_named_person_who_is_away_is_skipped_without_a_gap() -> None:
    found = duty(
        routing(named(ANA), named(BEN), named(MIA)), roster(absences=(away(ANA),)), IssueType.TECHNICAL, MONDAY
    )
    assert found.people == (BEN, MIA)
    assert found.gaps == ()


def test_management_that_is_away_is_a_gap_and_the_fallback_stands_in_as_the_last() -> None:
    found = duty(routing(named(ANA), named(MIA)), roster(absences=(away(MIA),)), IssueType.TECHNICAL, MONDAY)
    assert found.people == (ANA, CLEO)
    assert found.gaps == (named(MIA),)


def test_nobody_stands_in_a_chain_twice_and_management_stays_last() -> None:
    company = roster()
    steps = (named(ANA), named(MIA), ON_CALL, named(BEN), named(MIA))
    assert chain(routing(*steps), company, IssueType.TECHNICAL, MONDAY) == (ANA, BEN, MIA)


def test_a_chain_is_never_empty() -> None:
    assert chain(routing(), roster(), IssueType.TECHNICAL, MONDAY) == (CLEO,)
    everybody = tuple(away(person) for person in PEOPLE)
    found = duty(routing(ON_CALL, named(MIA)), roster(absences=everybody), IssueType.TECHNICAL, MONDAY)
    assert found.people == (CLEO,)
    assert found.gaps == (ON_CALL, named(MIA))

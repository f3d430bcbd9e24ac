"""Who is on duty: rotations with handovers in local time, overrides, absences, and the chain made of them.

Pure: the instant is an argument. The rules are those of the procedure, section 2.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from policy.local_time import instant_of
from policy.roster import Roster, Rotation
from policy.routing import ChainStep, Routing
from policy.time_zones import zone_of
from schemas.ids import PersonKey
from schemas.vocabulary import IssueType


@dataclass(frozen=True, slots=True)
class Duty:
    """Who owns an escalation, first to last, and the steps of the chain that had nobody (each one is an alert)."""

    people: tuple[PersonKey, ...]
    gaps: tuple[ChainStep, ...] = ()


def chain(routing: Routing, roster: Roster, issue_type: IssueType, at: datetime) -> tuple[PersonKey, ...]:
    """Return the people of a type's chain at an instant: owner first, management last, nobody twice, never empty."""
    return duty(routing, roster, issue_type, at).people


def duty(routing: Routing, roster: Roster, issue_type: IssueType, at: datetime) -> Duty:
    """Return the chain of a type at an instant, and its gaps.

    A rotation that has nobody is a gap: the fallback stands in its place, even if away, so that there is always
    somebody. A named person who is away is skipped, but for the last: as the last is management, the fallback
    stands in. Who would stand in the chain twice stands where first named, but management, who stays last.
    """
    people: list[PersonKey] = []
    gaps: list[ChainStep] = []
    steps = routing.chains.get(issue_type, ())
    for index, step in enumerate(steps, start=1):
        person = _person_of(step, roster, at)
        if person is None and (step.rotation is not None or index == len(steps)):
            gaps.append(step)
            person = routing.fallback
        if person is not None:
            people.append(person)
    return Duty(people=_without_repeats(people or [routing.fallback]), gaps=tuple(gaps))


def _person_of(step: ChainStep, roster: Roster, at: datetime) -> PersonKey | None:
    if step.rotation is not None:
        return on_call(roster, step.rotation, at)
    return step.person if step.person is not None and _is_available(roster, step.person, at) else None


def _without_repeats(people: list[PersonKey]) -> tuple[PersonKey, ...]:
    *before, last = people
    return (*(person for person in dict.fromkeys(before) if person != last), last)


def on_call(roster: Roster, rotation: str, at: datetime) -> PersonKey | None:
    """Return who is on duty for a rotation at an instant, or None where it has nobody.

    The latest listed override that holds wins; else it is the turn's person; who is away (or not in the roster) is
    skipped for the next of the rotation. An unknown rotation and one that has not begun have nobody.
    """
    turns = roster.rotations.get(rotation)
    for override in reversed(roster.overrides):
        holds = override.rotation == rotation and override.starts_at <= at < override.ends_at
        if holds and _is_available(roster, override.person, at):
            return override.person
    if turns is None or not turns.people or at < turns.starts_at:
        return None
    first = shift_number(turns, at) % len(turns.people)
    return _first_available(roster, turns.people[first:] + turns.people[:first], at)


def shift_number(rotation: Rotation, at: datetime) -> int:
    """Return the number of the shift at an instant, from 0; handovers keep their local time of day.

    A handover in an hour that occurs twice happens at the first, one in an hour that is skipped at its end.
    """
    zone = zone_of(rotation.time_zone)
    shift = timedelta(hours=rotation.shift_hours)
    begin = rotation.starts_at.astimezone(zone).replace(tzinfo=None, fold=0)
    number = (at.astimezone(zone).replace(tzinfo=None, fold=0) - begin) // shift
    while instant_of(begin + (number + 1) * shift, zone) <= at:
        number += 1  # the local clock was set back over a handover that has happened
    return number


def _first_available(roster: Roster, people: Iterable[PersonKey], at: datetime) -> PersonKey | None:
    return next((person for person in people if _is_available(roster, person, at)), None)


def _is_available(roster: Roster, person: PersonKey, at: datetime) -> bool:
    away = any(each.person == person and each.starts_at <= at < each.ends_at for each in roster.absences)
    return person in roster.people and not away

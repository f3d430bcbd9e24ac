"""What the types of a roster cannot say: whoever is named is known and can be reached, every chain finds somebody."""

from collections.abc import Collection
from datetime import datetime

from policy.checks import Complaints, check_time_zone
from policy.model import Policy
from policy.roster import Roster


def check_roster(roster: Roster) -> Complaints:
    """Check people, rotations, overrides and absences; yields `(path, what is wrong and what is allowed)`."""
    for key, person in roster.people.items():
        yield from check_time_zone(person.time_zone, f"people.{key}.time_zone")
        if not (person.email or person.slack or person.phone):
            yield f"people.{key}", "cannot be reached; give an email, slack or phone"
    for name, rotation in roster.rotations.items():
        yield from check_time_zone(rotation.time_zone, f"rotations.{name}.time_zone")
        if not rotation.people:
            yield f"rotations.{name}.people", "nobody takes turns; list at least one person"
        for index, someone in enumerate(rotation.people):
            yield from _known(someone, roster.people, "person", f"rotations.{name}.people[{index}]")
    yield from _check_spells(roster)


def _check_spells(roster: Roster) -> Complaints:
    for index, override in enumerate(roster.overrides):
        path = f"overrides[{index}]"
        yield from _known(override.rotation, roster.rotations, "rotation", f"{path}.rotation")
        yield from _known(override.person, roster.people, "person", f"{path}.person")
        yield from _in_order(override.starts_at, override.ends_at, path)
    for index, absence in enumerate(roster.absences):
        yield from _known(absence.person, roster.people, "person", f"absences[{index}].person")
        yield from _in_order(absence.starts_at, absence.ends_at, f"absences[{index}]")


def check_routing_against(policy: Policy, roster: Roster) -> Complaints:
    """Check that everybody the policy's chains name stands in the roster."""
    yield from _known(policy.routing.fallback, roster.people, "person", "routing.fallback")
    for issue_type, steps in policy.routing.chains.items():
        for index, step in enumerate(steps):
            path = f"routing.chains.{issue_type.value}[{index}]"
            if step.person is not None:
                yield from _known(step.person, roster.people, "person", f"{path}.person")
            if step.rotation is not None:
                yield from _known(step.rotation, roster.rotations, "rotation", f"{path}.rotation")


def _known(name: str, among: Collection[str], kind: str, path: str) -> Complaints:
    if name not in among:
        yield path, f"there is no {kind} {name!r} in the roster; known: {', '.join(among) or 'none'}"


def _in_order(starts_at: datetime, ends_at: datetime, path: str) -> Complaints:
    if starts_at >= ends_at:
        yield f"{path}.ends_at", f"is not after starts_at, {starts_at.isoformat()}"

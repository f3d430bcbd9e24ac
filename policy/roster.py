"""The roster as data: people and how to reach them, rotations, overrides, absences."""

from datetime import datetime
from typing import Annotated

import msgspec

from policy.document import Part
from schemas.ids import PersonKey


class Person(Part, frozen=True, kw_only=True):
    """Somebody who can own an escalation or be told about one."""

    name: str
    role: str
    """As customers read it, e.g. "Senior Support Engineer"."""
    email: str | None = None
    slack: str | None = None
    phone: str | None = None
    time_zone: str = "UTC"
    language: str = "en"


class Rotation(Part, frozen=True, kw_only=True):
    """People who take turns: from `starts_at` on, each for `shift_hours`, in order, round and round."""

    people: tuple[PersonKey, ...]
    starts_at: datetime
    shift_hours: Annotated[int, msgspec.Meta(ge=1)] = 168
    time_zone: str = "UTC"
    """Handovers keep their local time of day across daylight saving."""


class Override(Part, frozen=True, kw_only=True):
    """Somebody stands in for a rotation for a while; the latest listed wins."""

    rotation: str
    person: PersonKey
    starts_at: datetime
    ends_at: datetime


class Absence(Part, frozen=True, kw_only=True):
    """Somebody is away: skipped wherever they would be on duty."""

    person: PersonKey
    starts_at: datetime
    ends_at: datetime


class Roster(Part, frozen=True, kw_only=True):
    """People and who is on duty when; always the latest version counts."""

    people: dict[PersonKey, Person]
    rotations: dict[str, Rotation] = {}
    overrides: tuple[Override, ...] = ()
    absences: tuple[Absence, ...] = ()
